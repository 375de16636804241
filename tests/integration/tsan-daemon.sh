#!/usr/bin/env bash
# A whole daemon under ThreadSanitizer: two collectors, processes that come and die, scrapes at once.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
log=$room/log
# shellcheck disable=SC2046 # one word for each job
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$ENGRAM_DIR" "$room"' EXIT
skip() { echo "$*"; exit 77; }
fail() {
  echo "failed: $*"
  grep -m 1 -A 40 'WARNING: ThreadSanitizer' "$log" || tail -n 40 "$log"
  exit 1
}

# Where addresses are randomised too far for it, ThreadSanitizer runs without that.
echo 'int main(void) { return 0; }' >"$room/probe.c"
"${CC:-cc}" -fsanitize=thread "$room/probe.c" -o "$room/probe" 2>/dev/null ||
  skip "this compiler cannot link -fsanitize=thread"
run=(env)
"$room/probe" 2>/dev/null || run=(setarch -R)
"${run[@]}" "$room/probe" 2>/dev/null || skip "ThreadSanitizer does not run on this kernel"

# Not with the options of the make that may run this.
env -u MAKEFLAGS -u MFLAGS make -s SANITIZE=thread BUILD=build-tsan build-tsan/engramd

HWLOC_SYNTHETIC="package:2 numanode:1 core:1 pu:1" "${run[@]}" build-tsan/engramd --tick 10 \
  --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" --state-dir "$room" 2>"$log" &
daemon=$!
get() { curl -sS --max-time 10 --unix-socket "$room/socket" "http://engramd$1" "${@:2}"; }
for _ in $(seq 100); do [ -S "$room/socket" ] && break; sleep 0.1; done
[ -S "$room/socket" ] || fail "the daemon did not start"

"$BUILD/engram-demo" --process demo --threads 2 --seconds 5 --rate 20000 >/dev/null &
demo=$!
scrape() {
  local scrapes=0
  while kill -0 "$demo" 2>/dev/null; do
    get /metrics -o /dev/null "$@" || return
    scrapes=$((scrapes + 1))
  done
  echo "$scrapes scrapes"
}
scrape & scrapers=($!)
scrape -H 'Accept: application/openmetrics-text' & scrapers+=($!)
scrape --compressed & scrapers+=($!)
while kill -0 "$demo" 2>/dev/null; do
  "$BUILD/helpers/hammer" 2 20000 >/dev/null
  echo nonsense >"$ENGRAM_DIR/planted.1"
  sleep 0.2
  rm -f "$ENGRAM_DIR"/planted.1 "$ENGRAM_DIR"/hammer.*
done
wait "$demo" || fail "the demo"
for scraper in "${scrapers[@]}"; do wait "$scraper" || fail "a scrape"; done
get /metrics | grep '^engram_batch_items_total{.*process="demo"' >/dev/null || fail "nothing is served"
kill -TERM "$daemon"
status=0
wait "$daemon" || status=$?
! grep 'WARNING: ThreadSanitizer' "$log" >/dev/null || fail "a data race"
[ "$status" = 0 ] || fail "exit status $status"
