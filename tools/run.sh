#!/usr/bin/env bash
# What `make run` does: a daemon and a demo engine on this machine, until Ctrl-C or $DURATION
# seconds.  Everything it makes is its own and goes with it.
set -euo pipefail
build=${BUILD:-build}
duration=${DURATION:-0}
listen=${LISTEN:-127.0.0.1:7433}
[[ $duration =~ ^[0-9]+$ ]] || { echo "DURATION is a number of seconds, not \"$duration\"" >&2; exit 2; }
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-run-XXXXXX)
log=$ENGRAM_DIR.log
state=$(mktemp -d)
daemon=
demo=

finish() {
  for child in $demo $daemon; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$ENGRAM_DIR" "$state" "$log" "$log.demo"
}
trap finish EXIT
trap 'exit 0' INT TERM

"$build/engramd" --listen "$listen" --region-dir "$ENGRAM_DIR" --state-dir "$state" \
  --admin-socket "$state/admin.sock" 2>"$log" &
daemon=$!
# By its own word: on an address that is in use somebody else would answer.
for _ in $(seq 50); do
  grep -q msg=started "$log" && break
  kill -0 "$daemon" 2>/dev/null || { cat "$log" >&2; echo "try: make run LISTEN=127.0.0.1:7434" >&2; exit 1; }
  sleep 0.1
done
"$build/engram-demo" --threads 2 --seconds "$duration" >"$log.demo" &
demo=$!

cat <<TEXT
engramd serves http://$listen/metrics (its log: $log)
The demo engine runs as process "engram-demo".  Try, in another terminal:

  curl http://$listen/metrics
  $build/engramctl -a $listen watch --match 'engram_operation_*' --interval 1s
  $build/engramctl -a $listen events
  $build/engramctl -a $listen health
  $build/engramctl -a $listen alerts   # within a minute: flat out, its threads contend, and events are missed
  $build/engramctl learn --admin-socket $state/admin.sock
  $build/engramctl -a $listen --region-dir $ENGRAM_DIR status
  scrape it: { targets: ["$listen"] } in a Prometheus scrape_config

Ctrl-C ends it.
TEXT

started=$SECONDS
while kill -0 "$demo" 2>/dev/null; do
  sleep 2
  printf 'after %s s: %s samples served\n' $((SECONDS - started)) \
    "$(curl -fsS "http://$listen/metrics" | grep -vc '^#')"
done
