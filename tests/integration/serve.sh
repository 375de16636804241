#!/usr/bin/env bash
# A daemon, a live writer, and HTTP as Prometheus and people speak it.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
socket=$(mktemp -u /tmp/engramd-XXXXXX)
log=$(mktemp)
state=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$state" "$socket" "$log"' EXIT

fail() { echo "failed: $*"; cat "$log"; exit 1; }
# Reads all of its input, or the writer of a pipe would fail.
has() { grep "$@" >/dev/null; }
get() { curl -sS --max-time 5 --unix-socket "$socket" "http://engramd$1" "${@:2}"; }
status() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

"$BUILD/engramd" --listen "unix:$socket" --region-dir "$ENGRAM_DIR" --state-dir "$state" 2>"$log" &
daemon=$!
for _ in $(seq 300); do [ -S "$socket" ] && break; sleep 0.1; done
[ "$(stat -c %a "$socket")" = 660 ] || fail "mode of the socket"

# The daemon was there first; the writer comes later and leaves again.
"$BUILD/helpers/hammer" 2 1000 >/dev/null
for _ in $(seq 30); do get /metrics | has '^hammer_total{' && break; sleep 0.1; done
get /metrics | has -E '^hammer_total\{process="hammer",numa_node="[0-9]+"\} [0-9]+$' || fail "series"
total=$(get /metrics | sed -n 's/^hammer_total{[^}]*} //p' | awk "{ sum += \$1 } END { print sum }")
[ "$total" -ge 2000 ] || fail "total is $total"

[ "$(status /)" = 200 ] || fail "/"
[ "$(status /metrics/prometheus)" = 200 ] || fail "/metrics/prometheus"
[ "$(status /-/healthy)" = 200 ] || fail "healthy"
[ "$(status /-/ready)" = 200 ] || fail "ready"
[ "$(status /nothing)" = 404 ] || fail "404"
[ "$(status /metrics -X POST)" = 405 ] || fail "405"
[ "$(status /metrics -H 'Accept: image/png')" = 406 ] || fail "406"
[ "$(status /metrics -d body)" = 413 ] || fail "413"
get /metrics -D - -o /dev/null -H 'Accept: application/openmetrics-text' |
  has '^Content-Type: application/openmetrics-text; version=1.0.0' || fail "OpenMetrics"
get /metrics -I | has '^Content-Length: [1-9]' || fail "HEAD"
get /metrics --compressed -D - | has -a '^Content-Encoding: gzip' || fail "gzip"
cmp <(get /metrics | grep '^hammer') <(get /metrics --compressed | grep '^hammer') || fail "gzip body"
cmp <(get /metrics | grep -v '^#' | grep ^hammer) \
    <(get /metrics -H 'Accept: application/openmetrics-text' | grep -v '^#' | grep ^hammer) ||
  fail "the formats differ in a sample"
get /metrics | python3 tests/check_exposition.py --format text || fail "text"
get /metrics -H 'Accept: application/openmetrics-text' |
  python3 tests/check_exposition.py --format openmetrics || fail "openmetrics"

# A region that is none is named and refused; everything else goes on.
echo nonsense-nonsense >"$ENGRAM_DIR/planted.1"
ln -s /etc/passwd "$ENGRAM_DIR/planted.2"
for _ in $(seq 30); do has 'planted.2' "$log" && break; sleep 0.1; done
has 'file=planted.1 reason=short' "$log" || fail "short region"
has 'file=planted.2 reason=open' "$log" || fail "symlink"
sleep 0.3
get /metrics | has '^engramd_region_rejected_total{reason="short"} 1$' || fail "rejected"
get /metrics | has '^engramd_regions{state="dead"} 0$' || fail "dead"
get /metrics | has '^engramd_regions_folded_total 1$' || fail "folded"
compgen -G "$ENGRAM_DIR/hammer.*" >/dev/null && fail "the folded region is still there"
get /metrics | has '^hammer_total{' || fail "the others are served"

# A second daemon with the same state says so and leaves; with the same socket, too.
if "$BUILD/engramd" --listen "unix:$socket" --region-dir "$ENGRAM_DIR" --state-dir "$state" \
  2>"$log.second"; then
  fail "two daemons with one state"
fi
has 'another engramd uses the state directory' "$log.second" || fail "no word on the state's lock"
if "$BUILD/engramd" --listen "unix:$socket.other" --region-dir "$ENGRAM_DIR" \
  --state-dir "$state/other" 2>"$log.second"; then
  fail "two daemons that fold the same regions"
fi
has 'another engramd serves the region directory' "$log.second" || fail "no word on the regions' lock"
exit_of() { local code=0; "$BUILD/engramd" "$@" 2>"$log.second" || code=$?; echo "$code"; }
[ "$(exit_of --listen "unix:$socket" --region-dir "$state" --state-dir "$state/other")" = 1 ] ||
  fail "two daemons on one socket"
has 'is another engramd running' "$log.second" || fail "no advice on an address in use"
[ "$(exit_of --listen 127.0.0.1:http)" = 2 ] || fail "a bad address is wrong usage"
has 'engramd: --listen: .*127.0.0.1:7433' "$log.second" || fail "no advice on a bad address"
[ "$(exit_of --bogus)" = 2 ] || fail "--bogus"
has 'engramd --help' "$log.second" || fail "no advice on an unknown option"

# A state directory that cannot be written is said at the start, and it serves all the same.
"$BUILD/engramd" --listen "unix:$socket.second" --listen 0.0.0.0:0 --region-dir "$ENGRAM_DIR" \
  --state-dir /proc/engramd 2>"$log.second" &
for _ in $(seq 300); do has msg=started "$log.second" && break; sleep 0.1; done
curl -sS --max-time 5 --unix-socket "$socket.second" http://engramd/-/ready | has ready || fail "not served"
kill %2 && wait %2
has 'state directory cannot be written.*path=/proc/engramd.*--state-dir' "$log.second" ||
  fail "no word on the state directory"
has 'listening beyond this host without authentication.*address=0.0.0.0:[1-9]' "$log.second" ||
  fail "no warning of an open address"
[ "$(grep -c 'listening beyond' "$log" "$log.second" | cut -d: -f2 | xargs)" = "0 1" ] ||
  fail "a warning of a local address"

"$BUILD/engramctl" --region-dir "$ENGRAM_DIR" status >"$log.status" && fail "refused is wrong"
has -E '^- +refused .*planted.1' "$log.status" || fail "engramctl status"
kill -TERM "$daemon"
wait "$daemon" || fail "exit status after SIGTERM"
[ ! -e "$socket" ] || fail "the socket is left behind"

# What ended while no daemon ran counts, too; a look at it changes nothing.
rm "$ENGRAM_DIR"/planted.*
"$BUILD/helpers/hammer" 2 1000 >/dev/null
"$BUILD/engramctl" --region-dir "$ENGRAM_DIR" status >"$log.status"
has -E '^hammer +dead' "$log.status" || fail "engramctl status of a dead process"
for _ in 1 2; do
  "$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$state" 2>/dev/null >"$log.scrape"
  again=$(sed -n 's/^hammer_total{[^}]*} //p' "$log.scrape" | awk "{ sum += \$1 } END { print sum }")
  [ "$again" -ge $((total + 2000)) ] || fail "total is $again after $total"
done
[ -n "$(compgen -G "$ENGRAM_DIR/hammer.*")" ] || fail "--once removed a region"

# As another user, a region that may not be read is named with its reason, and the rest is served.
if [ "$(id -u)" = 0 ]; then
  chmod 755 "$ENGRAM_DIR"
  chmod 644 "$ENGRAM_DIR"/hammer.*
  install -m 600 "$(echo "$ENGRAM_DIR"/hammer.*)" "$ENGRAM_DIR/private.1"
  setpriv --reuid 65534 --regid 65534 --clear-groups "$BUILD/engramd" --once \
    --region-dir "$ENGRAM_DIR" --state-dir "$state" 2>"$log.second" >"$log.scrape"
  has 'file=private.1 reason=owner' "$log.second" || fail "owner"
  has '^engramd_region_rejected_total{reason="owner"} 1$' "$log.scrape" || fail "owner's metric"
  has '^hammer_total{' "$log.scrape" || fail "the others are not served"
fi
rm -f "$log.second" "$log.scrape" "$log.status"
