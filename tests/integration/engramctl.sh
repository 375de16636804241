#!/usr/bin/env bash
# engramctl against a live daemon, without one, and against what is none: what it shows and exits with.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
daemon=unix:$room/http
group=
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$ENGRAM_DIR" "$room"
  [ -z "$group" ] || rmdir "$group" 2>/dev/null || true' EXIT

fail() { echo "failed: $*"; cat "$room/out" "$room/error" "$room/log"; exit 1; }
# exits CODE WORD...: engramctl's exit status; what it printed is in out and error.
exits() {
  local wanted=$1 code=0
  shift
  timeout -k 5 100 "$BUILD/engramctl" "$@" >"$room/out" 2>"$room/error" || code=$?
  [ "$code" = "$wanted" ] || fail "engramctl $* exits with $code, not $wanted"
}
shows() { grep -qE -- "$1" "$room/out" || fail "no \"$1\" in what is printed"; }
says() { grep -qE -- "$1" "$room/error" || fail "no \"$1\" in what is said"; }
await() { # PATTERN WORD...: engramctl prints it, in the end
  local pattern=$1
  shift
  for _ in $(seq 300); do
    "$BUILD/engramctl" "$@" >"$room/out" 2>"$room/error" || true
    grep -qE -- "$pattern" "$room/out" && return
    sleep 0.1
  done
  fail "engramctl $* never prints \"$pattern\""
}
touch "$room/out" "$room/error" "$room/log"

# The command line.
for help in -h --help; do
  exits 0 $help; shows '^Usage: engramctl .*COMMAND'
  exits 0 status $help; shows '^Usage: engramctl status '
done
exits 0 --usage; shows '--region-dir=DIR'
exits 0 --version; shows '^engramctl [0-9]'
exits 0 status -V; shows '^engramctl [0-9]'
exits 2; says 'a command is missing'
exits 2 nonsense; says 'no command "nonsense"'
exits 2 status more; says '"more" is too much'
exits 2 --bogus status; says "unrecognized option '--bogus'"
exits 2 status --bogus; says 'engramctl status --help'
exits 2 dump --address; says 'requires an argument'
# shellcheck disable=SC2046 # one word for each
exits 2 $(printf -- '--region-dir=/x%.0s ' $(seq 16)) status; says 'more than 15 --region-dir'

# Values that cannot be meant, which nobody has to be asked about.
for address in localhost 127.0.0.1 127.0.0.1:99999 127.0.0.1:http :7433 'a b:1' 127.0.0.1:1/path ::1:7433 \
  unix: "unix:$(printf 'x%.0s' $(seq 108))" http:// ftp://127.0.0.1:1 'http://127.0.0.1:1/a b'; do
  for command in status processes topology health alerts dump watch events doctor 'record file' 'metrics on'; do
    # shellcheck disable=SC2086 # one word for each
    exits 2 $command -a "$address"; says 'is no address: write HOST:PORT, unix:PATH or a URL'
  done
done
for option in region-dir address ca-file cert-file key-file user-file token-file; do
  exits 2 "--$option=" status; says 'a value is empty'
  exits 2 status "--$option="; says 'a value is empty'
done
for option in match label process node interval; do
  for command in watch events 'record file'; do
    # shellcheck disable=SC2086
    exits 2 $command "--$option="; says 'a value is empty'
  done
done
exits 2 doctor --state-dir=; says 'a value is empty'
for command in record replay forget metrics; do exits 2 $command ''; says 'a value is empty'; done
for name in 'a b' $'a\n' .hidden ä "$(printf 'x%.0s' $(seq 64))"; do
  exits 2 forget "$name"; says 'that is no name of a process'
done
for command in reload 'forget name'; do
  # shellcheck disable=SC2086
  exits 2 $command --admin-socket=; says 'a value is empty'
  # shellcheck disable=SC2086
  exits 2 $command --admin-socket "$(printf 'x%.0s' $(seq 108))"; says 'a socket has at most 107 bytes'
done

# Without a daemon.
exits 1 status --address unix:/nonexistent; shows "engramd at unix:/nonexistent: .*connect"
exits 1 dump --address 127.0.0.1:1; says 'no metrics from engramd at 127.0.0.1:1: .*connect'
exits 1 status --region-dir /nonexistent; says 'cannot read the region directory /nonexistent'
if "$BUILD/engramctl" status >/dev/full 2>"$room/error"; then fail "what was lost on a full disk"; fi
says 'No space left'

# With one, by each form of an address.
start_daemon() {
  : >"$room/log" # what the daemon before it said is not this one's
  "$BUILD/engramd" --listen "$daemon" --listen 127.0.0.1:0 --state-dir "$room/state" \
    --region-dir "$ENGRAM_DIR" --admin-socket "$room/admin" 2>"$room/log" &
  daemon_pid=$!
  for _ in $(seq 100); do grep -q msg=started "$room/log" && break; sleep 0.1; done
}
start_daemon
port=$(sed -nE 's/.*listening address=127.0.0.1:([0-9]+)$/\1/p' "$room/log")
"$BUILD/engram-demo" --process shown --threads 1 --seconds 600 --rate 100 >"$room/demo" 2>&1 &
writer=$!
await 'process="shown"' -a "$daemon" dump
for address in "$daemon" "127.0.0.1:$port" "localhost:$port" "http://127.0.0.1:$port/"; do
  exits 0 --address "$address" status
  shows '^shown +alive +[1-9]'
  shows "^engramd at $address: version [0-9.]+, up for .* 1 live regions, 0 dead, refuses 0"
  exits 0 dump -a "$address"
  shows '^engram_writer_refused_total\{.*process="shown"'
done
exits 0 --region-dir "$ENGRAM_DIR" dump; shows '^engram_writer_refused_total\{.*process="shown"'

# As JSON.
json() { # CODE PYTHON WORD...: its exit status, and something that is true of the document `it`
  local code=$1 truth=$2
  shift 2
  exits "$code" --json "$@"
  python3 -c 'import json, sys; it = json.load(sys.stdin); sys.exit(not eval(sys.argv[1]))' \
    "$truth" <"$room/out" || fail "it is not that $truth of engramctl $*"
}
json 0 '[(r["process"], r["state"]) for r in it["regions"]] == [("shown", "alive")]' -a "$daemon" status
json 0 'it["daemon"]["answers"] and it["daemon"]["regions_alive"] == 1' -a "$daemon" status
grep -qE '"regions_alive":1,"regions_dead":0,"regions_quarantined":0,"series":[1-9][0-9]*}' "$room/out" ||
  fail "whole numbers have a fraction"
json 0 'not it["daemon"]["answers"] and it["daemon"]["problem"]' status
json 0 'any(s["labels"]["process"] == "shown" and s["type"] == "histogram" and s["count"] > 0
        for s in it["series"])' --region-dir "$ENGRAM_DIR" dump
# Numbers have as many digits as they need to be read as the same, and no more.
python3 - "$room/out" <<'PYTHON' || fail "a number has digits that nobody needs"
import json, sys
digits = []
json.load(open(sys.argv[1]), parse_float=digits.append)
long = [text for text in digits if len(text) > len(repr(float(text))) or text.endswith(".0")]
sys.exit(0 if digits and not long else f"{len(digits)}: {long[:5]}")
PYTHON
json 0 'any("shown" in name for name in it["one_minute"])' -a "$daemon" dump
echo nonsense-nonsense >"$ENGRAM_DIR/planted"
json 1 'any(r["state"] == "refused" and r["reason"] == "short" for r in it["regions"])' status
planted=$'planted\e[31m\u009b\nshown  alive'
mv "$ENGRAM_DIR/planted" "$ENGRAM_DIR/$planted"
script -qec "$BUILD/engramctl status" /dev/null >"$room/out" || true
shows 'refused .*planted\\u001b\[31m\\u009b\\u000ashown  alive'
script -qec "$BUILD/engramctl --region-dir $ENGRAM_DIR/$(printf '\e[31m') status" /dev/null \
  >"$room/out" || true
shows 'cannot read the region directory .*\\u001b\[31m'
rm "$ENGRAM_DIR/$planted"

# Recording is switched off and on, for whoever runs and for whoever comes, by root or by the user.
recorded() {
  "$BUILD/engramctl" --region-dir "$ENGRAM_DIR" dump |
    awk '/_(count|total)\{.*process="shown"/ { sum += $2 } END { printf "%d\n", sum }'
}
recorded_more() { # than $1
  for _ in $(seq 100); do [ "$(recorded)" -gt "$1" ] && return; sleep 0.1; done
  return 1
}
recorded_more "$(recorded)" || fail "it records at first"
exits 0 metrics; shows '^1 processes record, 0 are switched off; new ones will record$'
exits 2 metrics maybe; says 'on or off, not "maybe"'
exits 0 metrics off; shows '^0 processes record, 1 are switched off; new ones will not record$'
before=$(recorded)
"$BUILD/engram-demo" --process later --threads 1 --seconds 600 --rate 100 >"$room/demo2" 2>&1 &
later=$!
await '^later ' status
[ "$(recorded)" = "$before" ] || fail "what is switched off records"
exits 0 status; shows '^shown +off '; shows '^later +off '
await ' 2 live regions, 0 dead' -a "$daemon" status
json 0 'it["new_processes"] == "off" and it["switched_off"] == 2 and it["recording"] == 0' metrics
if [ "$(id -u)" = 0 ]; then # a marker of another user means nothing, and makes way for root's
  chown 65534 "$ENGRAM_DIR/metrics.off"
  exits 0 metrics; shows 'new ones will record$'; shows 'not those of user 65534,'
  exits 0 doctor -a "$daemon"; shows 'switched off for user 65534 alone'
  exits 0 metrics on; [ ! -e "$ENGRAM_DIR/metrics.off" ] || fail "root cannot undo another's marker"
  chmod 1777 "$ENGRAM_DIR"
  setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/engramctl" metrics off >"$room/out" \
    2>"$room/error" || fail "a user cannot switch its own off: $(cat "$room/error")"
  shows "this user's new ones will not record$"
  exits 0 metrics off; [ "$(stat -c %u "$ENGRAM_DIR/metrics.off")" = 0 ] || fail "the marker's owner"
  setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/engramctl" metrics on >"$room/out" \
    2>"$room/error" && fail "another user switches root's processes on"
  says 'metrics.off: cannot be removed'
  shows '^2 of other users'
  shows '^0 processes record'
fi
exits 0 metrics on; shows '^2 processes record, 0 are switched off; new ones will record$'
[ ! -e "$ENGRAM_DIR/metrics.off" ] || fail "the marker stays"
python3 - "$ENGRAM_DIR"/shown.* <<'PYTHON' || fail "the switch is not as it was: no CPU records plainly"
import struct, sys
region = open(sys.argv[1], "rb").read(1 << 20)
cpus, chunks, rows = *struct.unpack_from("IxxxxI", region, 24), *struct.unpack_from("Q", region, 48)
on, plain_cpus = struct.unpack_from("II", region, 64)
size = (16 + 8 * cpus + 63) // 64 * 64
limits = {struct.unpack_from("I", region, rows + i * size + 8)[0] for i in range(chunks)}
sys.exit(not (on == 1 and limits == {plain_cpus}))
PYTHON
recorded_more "$before" || fail "it does not record again"
exits 0 status; shows '^later +alive '
exits 1 metrics off --region-dir /nonexistent
kill "$later"

# What the daemon alone knows.
exits 0 processes -a "$daemon"; shows '^shown +running +[0-9]+ +[1-9][0-9]* 2\.0 +[1-9]'
await '^later +kept ' processes -a "$daemon"
json 0 '[p["process"] for p in it["processes"] if p["up"]] == ["shown"]' processes -a "$daemon"
exits 1 forget shown --admin-socket "$room/admin"; says 'a process of that name records'
exits 0 forget later --admin-socket "$room/admin"
for _ in $(seq 100); do # from the disk at once, from what is served with the next plan
  exits 0 processes -a "$daemon"
  grep -q '^later ' "$room/out" || break
  sleep 0.1
done
grep '^later ' "$room/out" && fail "what is to be forgotten is kept"
exits 1 forget later --admin-socket "$room/none"; says "no engramd takes commands at $room/none"
exits 0 topology -a "$daemon"; shows '^[1-9][0-9]* CPUs possible'; shows '^memory node 0: [1-9].* CPUs 0'
for _ in $(seq 100); do # two looks at /proc/stat
  ! "$BUILD/engramctl" topology -a "$daemon" -j | grep '"busy_ratio"' >/dev/null || break
  sleep 0.1
done
exits 0 topology -a "$daemon"; shows '^  node 0 +memory . +[0-9]+ % of [1-9][0-9]* MiB$'; shows '^  idle .* busy or full'
LC_ALL=C exits 0 topology -a "$daemon"; shows '^  idle [.]:-=[+][*]oO# busy'
exits 0 topology --svg -a "$daemon"; shows '<title>CPU [0-9]+, core [0-9]+, package 0: [0-9]+ %</title>'
python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$room/out" || fail "no SVG"
json 0 'len(it["cpus"]) >= 1 and it["numa_nodes"]' topology -a "$daemon"
# Thousands of CPUs are drawn at once, too.
HWLOC_SYNTHETIC='package:8 numanode:8 core:32 pu:2' "$BUILD/engramd" --listen "unix:$room/large" \
  --region-dir "$room/large-regions" --state-dir "$room/large-state" 2>"$room/log.large" &
large=$!
await '^  node 63 ' topology -a "unix:$room/large"
LC_ALL=C timeout 10 "$BUILD/engramctl" topology -a "unix:$room/large" >"$room/out" || fail "no picture within 10 s"
[ "$(grep -cE '^    [^ ]{2}( [^ ]{2}){31}$' "$room/out")" = 64 ] || fail "nodes are not of 32 cores"
kill "$large"
exits 1 topology -a unix:/nonexistent; says 'no /api/v1/topology from engramd at unix:/nonexistent'

# The stream: a change of a series, a process that comes and goes, a daemon that does.
follow() { # NAME WORD...: engramctl in the background, its output in a file of that name
  "$BUILD/engramctl" -a "$daemon" "${@:2}" >"$room/$1" 2>"$room/$1.error" &
  followers+=($!)
}
arrives() { # NAME PATTERN
  for _ in $(seq 300); do grep -qE -- "$2" "$room/$1" && return; sleep 0.1; done
  cat "$room/$1.error"; tail "$room/$1"
  fail "no \"$2\" arrives in $1"
}
followers=()
follow watch watch --match 'engram_operation_*' --process shown --interval 50ms
follow events events --json
follow record record "$room/recording" --match engramd_series --match engram_operation_\*
arrives watch '^[0-9:.]+ engram_operation_duration_seconds\{.*process="shown".*\} count [0-9]+ sum [0-9.e-]+$'
arrives watch ' \+[1-9][0-9]* mean [0-9.e-]+$'
# But for the last line, which may not be whole.
if sed '$d' "$room/watch" | grep -v ' engram_operation_' >"$room/out"; then
  fail "the filter lets others pass"
fi
"$BUILD/engram-demo" --process brief --threads 1 --seconds 600 --rate 1 >/dev/null 2>&1 &
brief=$!
arrives events '"state":"attached","process":"brief"'
kill "$brief"
arrives events '"state":"ended","process":"brief"'
arrives events '"event":"alert".*"WriterGone"'
python3 - "$room/events" <<'PYTHON' || fail "the events of a process"
import json, sys
seen = [json.loads(line) for line in open(sys.argv[1])]
brief = [m["data"]["state"] for m in seen if m["data"].get("process") == "brief"]
sys.exit(not (brief == ["attached", "ended"] and all(m["id"] for m in seen)))
PYTHON
kill "$daemon_pid"
wait "$daemon_pid" || true
for _ in $(seq 100); do grep -q 'connecting again' "$room/watch.error" && break; sleep 0.1; done
sleep 4 # it tries again after 3 s, and again
: >"$room/watch"
start_daemon
arrives watch ' \+[1-9][0-9]* mean [0-9.e-]+$'
[ "$(grep -c 'connecting again' "$room/watch.error")" = 1 ] || fail "a lost connection is said once"
arrives recording '^event: metrics'
kill "${followers[@]}"
for follower in "${followers[@]}"; do wait "$follower" || fail "exit status after SIGTERM"; done
# What only the daemon knows to be no value of a filter is wrong usage all the same.
for filter in interval=5 interval=1h label=nonsense label=:x node=x node=-1 node=99999999999 match=[ \
  "match=$(printf 'x%.0s' $(seq 3000))" "label=a:$(printf 'x%.0s' $(seq 9000))" \
  "process=$(printf 'x%.0s' $(seq 20000))"; do
  for command in watch events "record $room/none"; do
    # shellcheck disable=SC2086
    exits 2 $command -a "$daemon" "--$filter"; says "no stream from engramd at $daemon: [^ ]"
  done
done
# shellcheck disable=SC2046
exits 2 watch -a "$daemon" $(printf -- '--match=x%.0s ' $(seq 17)); says 'more than 16 globs'
exits 2 watch -a "$daemon" --interval 1h; says ': 400 Bad Request: interval is 10ms to 1m'
exits 2 watch -a "$daemon" --label nonsense; says ': 400 Bad Request: label is NAME:VALUE'
exits 1 record -a unix:/nonexistent "$room/none"
[ ! -e "$room/none" ] || fail "a recording of nothing stands in the way of the next try"
exits 1 events -a unix:/nonexistent; says "no stream from engramd at unix:/nonexistent: .*connect"
exits 2 watch --fast; says 'unrecognized option'

# What was recorded is shown again, and never written over.
exits 0 replay --fast "$room/recording"; shows ' engramd_series [0-9]+$'; shows 'starts anew'
exits 0 replay --fast --json "$room/recording"
[ "$(wc -l <"$room/out")" = "$(grep -c '^event: ' "$room/recording")" ] || fail "messages are lost"
python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <"$room/out" || fail "no JSON lines"
before=$(cksum <"$room/recording")
exits 1 record -a "$daemon" "$room/recording"; says 'File exists'
[ "$(cksum <"$room/recording")" = "$before" ] || fail "a recording is written over"
exits 1 replay "$room/demo"; says 'is no recording of engramctl'
exits 1 replay /nonexistent; says 'No such file'
exits 2 replay; says 'FILE is missing'
printf ': engramctl recording 1\n\n: time 1000000\nevent: gap\ndata: {"skipped":1,"missed":2}\n\n%s' \
  $': time 2500000\nevent: event\ndata: {"time_ms":5,"name":"e\\u001b","values":[1,2]}\n\n' >"$room/made"
start=$(date +%s%N)
exits 0 replay "$room/made"
shows '^-- gap: 1 messages of metrics left out, 2 events missed$'
shows ' event e\\x1b 1 2$'
[ $(($(date +%s%N) - start)) -ge 1500000000 ] || fail "it is shown faster than it came"

# Lines are of what has counted something, or has a value; JSON is what the daemon said, to the digit.
message() { printf 'event: %s\nid: 1-1\ndata: {"time_ms":5,"series":[%s]}\n\n' "$@"; }
{
  printf ': engramctl recording 1\n\n'
  message snapshot '{"name":"c_none","type":"counter","value":0},{"name":"c_some","type":"counter","value":7},
data: {"name":"h_none","type":"histogram","value":{"count":0,"sum":0}},
data: {"name":"h_some","type":"histogram","value":{"count":2,"sum":0}},
data: {"name":"g_zero","type":"gauge","value":0}'
  message metrics '{"name":"c_new","type":"counter","delta":0,"value":0},
data: {"name":"c_none","delta":1,"value":1},{"name":"c_some","reset":true,"value":0}'
} >"$room/moved"
exits 0 replay "$room/moved"
[ "$(cut -d ' ' -f 2- "$room/out")" = "c_some 7
h_some count 2 sum 0
g_zero 0
c_none 1 +1
c_some 0 reset" ] || fail "what has moved"
numbers='[3,-7,0.1,1e+22,0.10000000000000001,1795676156979.546,18446744073709551615,9007199254740993]'
printf ': engramctl recording 1\n\nevent: a\nid: 1\ndata: {"a":%s}\n\n' "$numbers" >"$room/numbers"
exits 0 replay --json "$room/numbers"
[ "$(cat "$room/out")" = "{\"event\":\"a\",\"id\":\"1\",\"data\":{\"a\":$numbers}}" ] || fail "numbers change"

# The doctor finds nothing wrong here, and each fault that is put in.
finds() { # LEVEL CHECK TEXT: in the last list, in which each finding that is not ok has advice
  python3 - "$room/out" "$@" <<'PYTHON' || fail "the doctor does not find: $*"
import json, re, sys
level, check, text = sys.argv[2:]
found = json.load(open(sys.argv[1]))["findings"]
assert all((f["level"] == "ok") == ("advice" not in f) for f in found), "advice"
sys.exit(not any(f["level"] == level and f["check"] == check and re.search(text, f["finding"])
                 for f in found))
PYTHON
}
chmod 1777 "$ENGRAM_DIR"
exits 0 doctor -a "$daemon"; shows '^ok +daemon .* as process [0-9]+$'; shows '^0 problems, '
json 0 'it["problems"] == 0 and it["ok"] > 10' doctor -a "$daemon"
for check in daemon version state files exposure directory tmpfs inodes recording regions memory; do
  finds ok "$check" .
done
exits 1 doctor; shows '^problem +daemon +no engramd answers at 127.0.0.1:7433'; shows '-> start it'
exits 1 doctor --json --state-dir "$room/log"; finds problem state 'is no directory'
chmod 0777 "$ENGRAM_DIR"
exits 1 doctor --json -a "$daemon"; finds problem mode '0777'
chmod 0755 "$ENGRAM_DIR"
exits 1 doctor --json -a "$daemon" --region-dir /proc/self/task
finds problem tmpfs 'not on a tmpfs'
finds problem recording 'no region can be made'
exits 1 doctor --json -a "$daemon" --region-dir /nonexistent; finds problem directory 'No such file'
echo nonsense-nonsense >"$ENGRAM_DIR/planted"
touch "$ENGRAM_DIR/metrics.off"
exits 0 doctor --json -a "$daemon"
finds warning regions "1 files are refused, $ENGRAM_DIR/planted among them"
finds warning switch 'for .*metrics.off'
rm "$ENGRAM_DIR/planted" "$ENGRAM_DIR/metrics.off"
"$BUILD/engramd" --listen 0.0.0.0:0 --region-dir "$room" --state-dir /proc/engramd 2>"$room/log2" &
wide=$!
for _ in $(seq 100); do grep -q msg=started "$room/log2" && break; sleep 0.1; done
port2=$(sed -nE 's/.*listening address=0.0.0.0:([0-9]+)( .*)?$/\1/p' "$room/log2")
exits 1 doctor --json -a "127.0.0.1:$port2"
finds problem state 'cannot write its state directory'
finds warning exposure "reaches port $port2 "
finds problem serving 'the daemon serves 0: it may look elsewhere'
kill "$wide"
if [ "$(id -u)" = 0 ]; then # a file system of its own, that is full
  # shellcheck disable=SC2016 # of the inner shell
  unshare --mount bash -c 'mkdir "$1" && mount -t tmpfs -o size=512k,nr_inodes=3 tmpfs "$1" &&
    touch "$1/1" "$1/2" && ! "$BUILD/engramctl" doctor --json --region-dir "$1" -a "$2"' \
    full "$room/full" "$daemon" >"$room/out" || fail "a full file system is no fault"
  finds problem room '0 MiB are left'
  finds problem inodes '0 more files'
fi
memory=/sys/fs/cgroup/memory limit=memory.limit_in_bytes
[ -d "$memory" ] || memory=/sys/fs/cgroup limit=memory.max
group=$memory/engramctl-test-$$
if mkdir "$group" 2>/dev/null && [ -e "$group/$limit" ]; then # a process near its limit
  home=$memory$(sed -nE 's/^([0-9]+:memory|0:):(.*)/\2/p' "/proc/$writer/cgroup" | head -n 1)
  echo $((32 << 20)) >"$group/$limit"
  echo "$writer" >"$group/cgroup.procs"
  exits 0 doctor --json -a "$daemon"; finds warning memory "of shown \(process $writer\) has [123]?[0-9] MiB left"
  echo "$writer" >"$home/cgroup.procs" || echo "$writer" >"$memory/cgroup.procs"
fi

# What answers in chunks, with an error, with half of what it promised, or with something else; and
# what it is asked.
python3 - "$room/answers" <<'PYTHON' &
import socket, sys
answers = [
    b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none 1\n\r\n6;x=y\r\ntwo 2\n\r\n0\r\n\r\n",
    b"503 Busy\r\nContent-Length: 21\r\n\r\ntoo many \x1b[1of you\r\nx",
    b"200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    b"200 OK\r\nContent-Length: 8\r\n\r\nother 1\n",
    b"",  # what was asked
    b"",
    b'200 OK\r\nContent-Length: 52\r\n\r\nengramd_build_info{revision="x",version="99.1.2"} 1\n',
]
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
for answer in answers:
    client = server.accept()[0]
    asked = client.recv(65536)
    client.sendall(b"HTTP/1.1 " + (answer or b"200 OK\r\n\r\n" + asked))
    client.close()
PYTHON
for _ in $(seq 100); do [ -S "$room/answers" ] && break; sleep 0.1; done
exits 0 dump -a "unix:$room/answers"
[ "$(cat "$room/out")" = $'one 1\ntwo 2' ] || fail "chunks"
exits 1 dump -a "unix:$room/answers"; says 'too many \?\[1of you; is it running there'
[ ! -s "$room/out" ] || fail "an error is shown as metrics"
exits 1 dump -a "unix:$room/answers"; says 'no metrics from engramd'
exits 1 status -a "unix:$room/answers"; shows 'what answers is no engramd'

echo me:secret >"$room/user"
echo a-token >"$room/token"
: >"$room/empty"
exits 0 dump -a "unix:$room/answers" --user-file "$room/user"
shows '^Authorization: Basic bWU6c2VjcmV0.$'
exits 0 dump -a "unix:$room/answers" --token-file "$room/token"; shows '^Authorization: Bearer a-token.$'
exits 1 dump -a "unix:$room/answers" --token-file /nonexistent; says '/nonexistent cannot be read: No such'
exits 1 dump -a "unix:$room/answers" --user-file "$room/empty"; says 'empty cannot be read: it has no first'
exits 0 doctor --json -a "unix:$room/answers"; finds warning version 'of version 99.1.2, and'

# Completion knows what there is.
completes() { # WANTED WORD...
  local wanted=$1 COMP_WORDS COMP_CWORD COMPREPLY=()
  shift
  COMP_WORDS=("$BUILD/engramctl" "$@") COMP_CWORD=$#
  _engramctl
  [[ " ${COMPREPLY[*]} " == *" $wanted "* ]] || fail "$* is completed to ${COMPREPLY[*]}"
}
. tools/engramctl/completions/engramctl.bash
completes "record replay" re
completes "status processes" ""
completes "on off" --json metrics o
completes --match watch --m
completes /dev/shm --region-dir /dev/sh
completes "$room/user" --user-file "$room/us"

kill "$writer"
