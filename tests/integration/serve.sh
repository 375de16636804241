#!/usr/bin/env bash
# A daemon, a live writer, and HTTP as Prometheus and people speak it.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
socket=$(mktemp -u /tmp/engramd-XXXXXX)
log=$(mktemp)
trap 'kill %% 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$socket" "$log"' EXIT

fail() { echo "failed: $*"; cat "$log"; exit 1; }
# Reads all of its input, or the writer of a pipe would fail.
has() { grep "$@" >/dev/null; }
get() { curl -sS --max-time 5 --unix-socket "$socket" "http://engramd$1" "${@:2}"; }
status() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}"; }

"$BUILD/engramd" --listen "unix:$socket" --region-dir "$ENGRAM_DIR" 2>"$log" &
daemon=$!
for _ in $(seq 50); do [ -S "$socket" ] && break; sleep 0.1; done
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
[ "$(status /metrics -H 'Accept: application/json')" = 406 ] || fail "406"
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
get /metrics | has '^engramd_regions{state="dead"} 1$' || fail "dead"
get /metrics | has '^hammer_total{' || fail "the others are served"

# A second daemon on the same socket says so; an unknown option, too.
if "$BUILD/engramd" --listen "unix:$socket" --region-dir "$ENGRAM_DIR" 2>"$log.second"; then
  fail "two daemons on one socket"
fi
has 'is another engramd running' "$log.second" || fail "no advice on an address in use"
"$BUILD/engramd" --bogus 2>"$log.second" && fail "--bogus"
has 'engramd --help' "$log.second" || fail "no advice on an unknown option"
rm -f "$log.second"

"$BUILD/engramctl" --region-dir "$ENGRAM_DIR" status >"$log.status" || true
has -E '^hammer +dead' "$log.status" || fail "engramctl status"
rm -f "$log.status"
kill -TERM "$daemon"
wait "$daemon" || fail "exit status after SIGTERM"
[ ! -e "$socket" ] || fail "the socket is left behind"
