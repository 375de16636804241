#!/usr/bin/env bash
# Two processes that each are number 1 in a pid namespace of their own share a region directory: both
# live and stay apart, and nothing that runs here by their number is taken for them.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "only root can make a pid namespace"; exit 77; }
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; cat "$room/log"; exit 1; }
truncate -s 4096 "$room/ledger"

# The process in front of us is unshare, which ends with its child, and that with it.
start() { unshare --pid --fork --kill-child "$BUILD/helpers/victim" "$1" "$room/ledger" "$2" & }
start twin 0
first=$!
start twin 2
start other 4
"$BUILD/engramd" --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  2>"$room/log" &
scrape() { curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics >"$room/scrape"; }
shows() { grep -qE "$1" "$room/scrape"; }
await() {
  for _ in $(seq 100); do
    if scrape 2>/dev/null && shows "$1"; then return; fi
    sleep 0.1
  done
  fail "never: $1"
}
total() { awk -v of="^victim_total{process=\"$1\"" '$0 ~ of { sum += $2 } END { printf "%d\n", sum }' "$room/scrape"; }

await '^engramd_regions\{state="alive"\} 3$'
"$BUILD/engramctl" --region-dir "$ENGRAM_DIR" status >"$room/status"
[ "$(grep -cE '^(twin|other) +alive +1 ' "$room/status")" = 3 ] || fail "$(cat "$room/status")"
shows '^engram_process_up' && fail "what cannot be asked is said: $(grep ^engram_process_up "$room/scrape")"
kill -KILL "$first"
wait "$first" 2>/dev/null || true
await '^engramd_regions\{state="alive"\} 2$'
before=$(total twin) other=$(total other)
sleep 0.3
scrape
shows '^engramd_regions\{state="alive"\} 2$' || fail "another one died"
[ "$(total twin)" -gt "$before" ] || fail "the twin that lives counts no more"
[ "$(total other)" -gt "$other" ] || fail "the other one counts no more"
