#!/usr/bin/env bash
# CPUs are taken from the daemon: a collector whose socket has none left says so or runs elsewhere,
# and everything is served on.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
group=
# shellcheck disable=SC2046 # one word for each job
trap 'kill $(jobs -p) 2>/dev/null || true; wait; [ -z "$group" ] || rmdir "$group"
  rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; cat "$room/log"; exit 1; }
skip() { echo "$*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "only root can make a cpuset"
[ "$(nproc)" -ge 2 ] || skip "a single CPU cannot be taken away"
root=/sys/fs/cgroup/cpuset
[ -d $root ] || { root=/sys/fs/cgroup && echo +cpuset 2>/dev/null >$root/cgroup.subtree_control; } || true
mkdir "$root/engram-test-$$" 2>/dev/null || skip "no cgroup can be made here"
group=$root/engram-test-$$
cpus() { echo "$1" >"$group/cpuset.cpus"; }
[ -e "$group/cpuset.cpus" ] || skip "there are no cpusets here"
if [ -e "$root/cpuset.mems" ]; then cat "$root/cpuset.mems" >"$group/cpuset.mems"; fi # version 1

# CPUs 0 and 1 as two sockets, to which threads are bound for all that.
start() {
  : >"$room/log" # what the daemon before it said is not this one's
  # shellcheck disable=SC2016 # of the inner shell
  HWLOC_SYNTHETIC="package:2 numanode:1 core:1 pu:1" HWLOC_THISSYSTEM=1 sh -c \
    'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$BUILD/engramd" \
    --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" --state-dir "$room/state" 2>"$room/log" &
  daemon=$!
  for _ in $(seq 300); do grep -q msg=started "$room/log" && [ -S "$room/socket" ] && break; sleep 0.1; done
}
stop() { kill "$daemon"; wait "$daemon" || fail "exit status $?"; }
scrape() { curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics >"$room/scrape"; }
served() { scrape 2>/dev/null && awk '/^hammer_total/ { sum += $2 } END { printf "%d\n", sum }' "$room/scrape"; }
total=0
works() { # when
  local added
  added=$("$BUILD/helpers/hammer" 2 1000) || fail "$1: hammer"
  added=${added#added }
  total=$((total + ${added%% *}))
  for _ in $(seq 300); do [ "$(served)" = "$total" ] && break; sleep 0.1; done
  [ "$(served)" = "$total" ] || fail "$1: total $(served), not $total"
  [ "$(grep -c '^engramd_collector_success{.*} 1$' "$room/scrape")" = 2 ] || fail "$1: collectors"
}
allowed() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$daemon/task/"*/status | sort -u | xargs; }

cpus 0
start
works "from the start"
grep -q 'msg="collector runs unpinned: .*socket=1' "$room/log" || fail "nothing says that it is unpinned"
stop
cpus 0-1
start
grep -q unpinned "$room/log" && fail "unpinned without need"
[ "$(allowed)" = "0 0-1 1" ] || fail "not pinned: $(allowed)"
works "with both"
cpus 0
[ "$(allowed)" = 0 ] || fail "they run on $(allowed)"
works "when one is gone"
for _ in $(seq 100); do grep -q 'collector runs unpinned: .*socket=1' "$room/log" && break; sleep 0.1; done
sleep 2 # while it is tried again
cpus 0-1
works "when it is back"
for _ in $(seq 100); do [ "$(allowed)" = "0 0-1 1" ] && break; sleep 0.1; done
[ "$(allowed)" = "0 0-1 1" ] || fail "not pinned again: $(allowed)"
[ "$(grep -c 'collector runs unpinned: .*socket=1' "$room/log")" = 1 ] || fail "unpinned, and said not once"
stop
