#!/usr/bin/env bash
# The wall clock jumps, and the machine sleeps: no counter falls, no rate is wrong, and nobody is
# taken for dead, neither by the daemon nor by its processes.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; cat "$room/log"; exit 1; }
RATE=2000

"${CC:-cc}" -O2 -fPIC -shared tests/helpers/shared/clocks.c -o "$room/clocks.so"
truncate -s 4096 "$room/clocks"
# Puts the wall clock and the one since boot ahead by so many seconds.
jump() {
  python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("qq", *map(int, sys.argv[1:])))' \
    "$1" "$2" | dd of="$room/clocks" conv=notrunc status=none
}
with_clocks() { exec env CLOCKS="$room/clocks" LD_PRELOAD="$room/clocks.so" "$@"; }

with_clocks "$BUILD/engramd" --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" \
  --state-dir "$room/state" 2>"$room/log" &
with_clocks "$BUILD/engram-demo" --process demo --threads 2 --seconds 60 --rate $RATE >/dev/null 2>&1 &
for _ in $(seq 50); do [ -S "$room/socket" ] && break; sleep 0.1; done

scrape() { curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics >"$room/scrape"; }
shows() { grep -qE "$1" "$room/scrape" || fail "$2: no $1"; }
# What must never fall, from a scrape.
counters() {
  awk '/^# TYPE/ { type = $4 } !/^#/ && (type == "counter" || (type == "histogram" && $1 !~ /_sum/)) {
    value = $NF; sub(/ [^ ]*$/, ""); print value "\t" $0 }' "$1"
}
check() { # after what
  local wrong
  cp "$room/scrape" "$room/before"
  scrape
  wrong=$(awk -F '\t' 'NR == FNR { before[$2] = $1; next } $2 in before && $1 + 0 < before[$2] + 0' \
    <(counters "$room/before") <(counters "$room/scrape"))
  [ -z "$wrong" ] || fail "$1: fell to $wrong"
  wrong=$(awk -v most=$((20 * RATE)) '/^engram_batch_operation_throughput/ && !($NF >= 0 && $NF < most)' \
    "$room/scrape")
  [ -z "$wrong" ] || fail "$1: $wrong"
  shows '^engram_batch_operation_throughput\{' "$1"
  shows '^engramd_regions\{state="alive"\} 1$' "$1"
  shows '^engramd_regions\{state="dead"\} 0$' "$1"
  shows '^engram_process_up\{.*process="demo"\} 1$' "$1"
}
for _ in $(seq 100); do
  sleep 0.1
  scrape
  grep -q '^engram_batch_operation_throughput{' "$room/scrape" && break
done
"$BUILD/helpers/hammer" 1 1000 >/dev/null # has ended, and is remembered
sleep 1.2
day=86400
for ahead in "-3600 0" "$((30 * day)) 0" "$((2 * day)) $day" "$((-day)) $day"; do
  # shellcheck disable=SC2086 # two numbers
  jump $ahead
  for _ in 1 2; do
    sleep 0.3
    check "$ahead"
  done
done
shows '^hammer_total\{' "a process that ended"
