#!/usr/bin/env bash
# Many processes that live for some milliseconds each: every count arrives, nothing is left behind,
# and the daemon's memory is where it was.  PROCESSES=1000 is the long form.
set -euo pipefail
PROCESSES=${PROCESSES:-300}
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; tail -n 5 "$room/log"; exit 1; }
scrape() { curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics; }
total() { scrape | awk '/^hammer_total/ { sum += $2 } END { printf "%d\n", sum }'; }
# What is free goes back to the kernel a second after the last fold.
anonymous() { sleep 2; awk '/^RssAnon/ { print $2 }' "/proc/$daemon/status"; }
# Runs so many processes, eight at a time, and prints what they added.
run() { seq "$1" | xargs -P 8 -I{} "$BUILD/helpers/hammer" 1 {} adds | awk '{ sum += $2 } END { print sum }'; }

"$BUILD/engramd" --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  2>"$room/log" &
daemon=$!
for _ in $(seq 50); do [ -S "$room/socket" ] && break; sleep 0.1; done

settle() {
  for _ in $(seq 100); do
    [ -z "$(ls "$ENGRAM_DIR")" ] && [ "$(total)" = "$1" ] && return
    sleep 0.1
  done
  fail "$(find "$ENGRAM_DIR" -type f | wc -l) regions left, total $(total), not $1"
}
first=$(run 50)
settle "$first"
before=$(anonymous)
look() {
  "$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$room/state" 2>/dev/null |
    awk '/^hammer_total/ { sum += $2 } END { printf "%d\n", sum }'
}
# A look beside the daemon sees each region by itself or as part of the totals.
keep_looking() {
  local before=$first now
  while [ ! -e "$room/enough" ]; do
    now=$(look)
    [ "$now" -ge "$before" ] || { echo "a look saw $now after $before" >"$room/fell"; return; }
    before=$now
  done
}
keep_looking &
looking=$!
second=$(run "$PROCESSES")
touch "$room/enough"
wait "$looking"
[ ! -e "$room/fell" ] || fail "$(cat "$room/fell")"
settle $((first + second))
after=$(anonymous)
echo "$PROCESSES processes, total $((first + second)), RssAnon $before kB before, $after kB after"
# What is remembered for streams, that each came and went, has its own bound.
[ "$after" -le $((before + 512 + PROCESSES / 2)) ] || fail "memory grew"
