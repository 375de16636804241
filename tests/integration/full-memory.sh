#!/usr/bin/env bash
# No memory, at every page of an attach and while recording: the host program never gets a signal and
# runs on, and what it recorded is exact.  Needs root: it mounts small file systems of its own.
set -euo pipefail
. tests/own-mounts.sh
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
out=$(mktemp)
group=
trap 'umount "$ENGRAM_DIR" 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$out"
  [ -z "$group" ] || rmdir "$group"' EXIT

fail() { echo "failed: $*"; cat "$out"; exit 1; }

# Runs the hammer, which checks its own totals: 0 when they are exact, 2 when it could not attach.
# Anything else is wrong, a signal most of all.
attached=0 refused=0
hammer() {
  local status=0
  "$@" >"$out" 2>&1 || status=$?
  case $status in
    0) attached=$((attached + 1)) ;;
    2) refused=$((refused + 1)); grep -q '^hammer: .' "$out" || fail "$*: refused without a reason" ;;
    *) fail "$*: status $status" ;;
  esac
}

for pages in $(seq 1 160); do
  mount -t tmpfs -o "size=$((pages * 4))k" tmpfs "$ENGRAM_DIR"
  hammer "$BUILD/helpers/hammer" 4 500
  umount "$ENGRAM_DIR"
done
echo "file systems of 1 to 160 pages: $attached attached, $refused refused"
if [ "$attached" -lt 10 ] || [ "$refused" -lt 10 ]; then fail "the range does not cover both"; fi

# It fills up while a process records: no CPU gets memory any more, and every add is counted.
mount -t tmpfs -o size=4m tmpfs "$ENGRAM_DIR"
"$BUILD/helpers/hammer" 4 20000000 >"$out" 2>&1 &
hammer=$!
for _ in $(seq 200); do
  "$BUILD/engramctl" --region-dir "$ENGRAM_DIR" dump 2>/dev/null | grep '^hammer_total' >/dev/null && break
  sleep 0.05
done
dd if=/dev/zero of="$ENGRAM_DIR/.filler" bs=4k 2>/dev/null || true
wait "$hammer" || fail "status $? on a file system that filled up"
umount "$ENGRAM_DIR"

# A memory cgroup kills where a file system refuses, so the writer has to ask before.
memory=/sys/fs/cgroup/memory limit=memory.limit_in_bytes
[ -d "$memory" ] || memory=/sys/fs/cgroup limit=memory.max
group=$memory/engram-test-$$
if mkdir "$group" 2>/dev/null && [ -e "$group/$limit" ]; then
  attached=0 refused=0
  for kilobytes in $(seq 1024 256 8192); do
    echo "$((kilobytes * 1024))" >"$group/$limit" || fail "the limit cannot be set"
    # shellcheck disable=SC2016 # $$ of the inner shell
    hammer sh -c 'echo $$ >"$1"/cgroup.procs && exec "$2" 4 500' sh "$group" "$BUILD/helpers/hammer"
    rm -f "$ENGRAM_DIR"/*
  done
  echo "cgroups of 1 to 8 MiB: $attached attached, $refused refused"
  if [ "$attached" = 0 ] || [ "$refused" = 0 ]; then fail "the range does not cover both"; fi
else
  rmdir "$group" 2>/dev/null || true
  group=
  echo "no memory cgroup can be made here"
fi
