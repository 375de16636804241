#!/usr/bin/env bash
# /stream by curl -N, as people read it: short lines, one series each, and nothing but the format.
set -euo pipefail
export ENGRAM_DIR LC_ALL=C
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; head -c 4000 "$room/said"; exit 1; }

"$BUILD/engramd" --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  2>"$room/log" &
"$BUILD/engram-demo" --process demo --seconds 30 >/dev/null 2>&1 &
for _ in $(seq 100); do
  curl -s --unix-socket "$room/socket" http://engramd/metrics | grep 'process="demo"' >/dev/null && break
  sleep 0.1
done
# --max-time ends it, so curl's status is no news.
curl -sSN --max-time 3 --unix-socket "$room/socket" \
  'http://engramd/stream?process=demo&interval=200ms' >"$room/said" 2>/dev/null || true

for message in snapshot metrics; do
  grep -qx "event: $message" "$room/said" || fail "no $message"
done
# The last message may be cut, where curl was.
sed -i '$d' "$room/said"
strange=$(grep -vxE 'retry: 3000|event: [a-z]+|id: [0-9a-f]+-[0-9]+|data: .+|:|' "$room/said" || true)
[ -z "$strange" ] || fail "no line of the format: $strange"
long=$(awk 'length > 500' "$room/said")
[ -z "$long" ] || fail "a long line: $long"
crowded=$(grep -E '"name":.*"name":' "$room/said" || true)
[ -z "$crowded" ] || fail "two series on a line: $crowded"
