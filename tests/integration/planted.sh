#!/usr/bin/env bash
# Whatever others plant where regions go, links, pipes, directories, markers: a process that attaches
# goes around it and the daemon does, too.  Needs root: it has a /dev/shm of its own.
set -euo pipefail
. tests/own-mounts.sh
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
room=$(mktemp -d)
locker=
# shellcheck disable=SC2046 # one word for each job
trap 'kill $(jobs -p) $locker 2>/dev/null || true; wait; umount /dev/shm; rm -rf "$room"' EXIT
fail() { echo "failed: $*"; cat "$room/log" 2>/dev/null; exit 1; }
stranger() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
hammer() { timeout 20 "$BUILD/helpers/hammer" 2 1000 >/dev/null; }
directory=/dev/shm/engram

# Attaches, and the region lies beside what was planted, and not in it.
goes_around() {
  hammer || fail "$1: status $?"
  [ "$(compgen -G '/dev/shm/engram.hammer.*' | wc -l)" = 1 ] || fail "$1: no flat region"
  [ -z "$(find -L $directory /dev/shm/trap -name 'hammer.*' 2>/dev/null)" ] || fail "$1: into the trap"
  rm -rf /dev/shm/* || true
}
trap_for() { mkdir -p "$1/regions" && chmod 3777 "$1/regions"; }
trap_for /dev/shm/trap; stranger ln -s /dev/shm/trap $directory; goes_around "a link"
trap_for /dev/shm/trap; ln -s /dev/shm/trap $directory; goes_around "a link of root's"
trap_for $directory; chown 65534 $directory; goes_around "another's directory"
trap_for $directory; chmod 775 $directory; goes_around "a directory that others may write to"
stranger mkfifo $directory; goes_around "a pipe"
stranger touch $directory; goes_around "a file"
stranger mkfifo /dev/shm/pipe
if ENGRAM_DIR=/dev/shm/pipe timeout 20 "$BUILD/helpers/hammer" 2 1000 2>/dev/null >&2; then
  fail "a pipe for a directory"
fi

# The true one, in which anybody may make files.  A marker of another user switches nothing off.
trap_for $directory
hammer || fail "status $?"
compgen -G "$directory/regions/hammer.*" >/dev/null || fail "a good directory is not used"
stranger touch $directory/regions/metrics.off
hammer || fail "switched off by another user"
rm $directory/regions/metrics.off
touch $directory/regions/metrics.off
hammer && fail "not switched off by root: this test proves nothing"
rm $directory/regions/metrics.off

# The daemon's own file, and files of the names that regions have when there is no directory.
start() {
  : >"$room/log" # what the daemon before it said is not this one's
  "$BUILD/engramd" --listen "unix:$room/socket" --state-dir "$1" 2>"$room/log" &
  daemon=$!
  for _ in $(seq 300); do grep -q msg=started "$room/log" && break; sleep 0.1; done
  grep -q msg=started "$room/log" || fail "$2: it does not start"
}
# Whoever holds a lock on a file of the daemon's name could keep it from starting.
cat >"$room/lock" <<'END'
import fcntl, os, sys, time
os.setresuid(65534, 65534, 65534)
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(60)
END
locked() {
  exec {holder}< <(exec python3 "$room/lock" "$1")
  locker=$!
  read -r -t 20 -u "$holder"
}
link() { stranger ln -s "$room/victim" "$1"; }
pipe() { stranger mkfifo "$1"; }
folder() { stranger mkdir -p "$1/full"; }
empty() { stranger mkdir "$1"; }
echo precious >"$room/victim"
chmod 666 "$room/victim"
chmod a+rx "$room"
stranger ln -s "$room/victim" /dev/shm/engram.link.1
stranger mkfifo /dev/shm/engram.pipe.1
stranger mkdir /dev/shm/engram.folder.1
echo nonsense >"/dev/shm/engram.foreign.1"
for plant in link pipe locked folder empty; do
  $plant $directory/regions/.engramd
  start "$room/state" "$plant"
  for _ in $(seq 300); do [ "$(grep -c 'not served' "$room/log")" -ge 4 ] && break; sleep 0.1; done
  for file in link.1 pipe.1 folder.1; do
    grep -q "file=engram.$file reason=open" "$room/log" || fail "$plant: $file is not refused"
  done
  grep -q 'file=engram.foreign.1 reason=short' "$room/log" || fail "a foreign file is not refused"
  curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics | grep '^hammer_total{' \
    >/dev/null || fail "$plant: nothing is served"
  "$BUILD/engramd" --listen "unix:$room/other" --state-dir "$room/other" 2>"$room/second" &&
    fail "$plant: two daemons"
  grep -q 'another engramd serves the region directory' "$room/second" || fail "$plant: $(cat "$room/second")"
  kill "$daemon"
  wait "$daemon" || fail "$plant: exit status $?"
  rm -f $directory/regions/.engramd
done
[ "$(find $directory/regions -path '*/.engramd-*/full' | wc -l)" = 1 ] || fail "a folder was removed"

# Who may not remove what lies there folds nothing, and says so, until it is gone.
stranger mkdir $directory/regions/.engramd
mkdir -m 777 "$room/other-state"
: >"$room/log"
setpriv --reuid 65533 --regid 65533 --clear-groups "$BUILD/engramd" --listen "unix:$room/other-state/socket" \
  --state-dir "$room/other-state" --region-dir $directory/regions 2>"$room/log" &
daemon=$!
for _ in $(seq 100); do grep -q msg=started "$room/log" && break; sleep 0.1; done
grep -q 'msg="region directory cannot be claimed; .*advice="remove .engramd from it"' "$room/log" || fail "no word"
kept() { curl -sS --max-time 5 --unix-socket "$room/other-state/socket" http://engramd/metrics |
  grep -q "^engramd_state_writable $1\$"; }
for _ in $(seq 300); do kept 0 && break; sleep 0.1; done
kept 0 || fail "it folds what it has not claimed"
rmdir $directory/regions/.engramd
for _ in $(seq 200); do grep -q 'msg="region directories are claimed now"' "$room/log" && break; sleep 0.1; done
for _ in $(seq 300); do kept 1 && break; sleep 0.1; done
kept 1 || fail "it does not claim what is free"
[ "$(grep -c 'cannot be claimed' "$room/log")" = 1 ] || fail "said again and again"
kill "$daemon"
wait "$daemon" || fail "exit status $?"
[ "$(cat "$room/victim")" = precious ] || fail "a link was followed"
[ -L /dev/shm/engram.link.1 ] || fail "a link was removed"
[ -p /dev/shm/engram.pipe.1 ] || fail "a pipe was removed"
