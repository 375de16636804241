#!/usr/bin/env bash
# However a process leaves while its threads record, by exit(), from a signal's handler or by exec:
# it does not crash, and what it had recorded counts.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'rm -rf "$ENGRAM_DIR"' EXIT
fail() { echo "failed: $*"; exit 1; }

leave() { # the way, the number of regions that it leaves, what it adds beyond what it says
  local least total
  rm -f "$ENGRAM_DIR"/leaver.*
  least=$("$BUILD/helpers/leaver" "$1") || fail "$1: status $?"
  least=$((${least#at least } + $3))
  [ "$(find "$ENGRAM_DIR" -name 'leaver.*' | wc -l)" = "$2" ] || fail "$1: not $2 regions"
  total=$("$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$ENGRAM_DIR/.state" \
    2>/dev/null | awk '/^leaver_total/ { sum += $2 } END { printf "%d\n", sum }')
  [ "$total" -ge "$least" ] || fail "$1: total $total, not at least $least"
}
for _ in $(seq 6); do
  leave exit 1 0
  leave signal 1 0
  leave exec 2 1000
done
