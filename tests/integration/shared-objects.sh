#!/usr/bin/env bash
# Two shared objects include the header, each on its own, and one of them is unloaded while a thread
# that recorded in it sleeps: one region, one series, every record.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'rm -rf "$ENGRAM_DIR" "$room"' EXIT
source=tests/helpers/shared

check() { # the compiler of each object
  rm -f "$ENGRAM_DIR"/*
  $1 -O2 -fPIC -shared -Iinclude $source/plugin.c -o "$room/first.so"
  $2 -O2 -fPIC -shared -Iinclude $source/plugin.c -o "$room/second.so"
  gcc -O2 -Iinclude $source/host.c -o "$room/host" -pthread -ldl
  "$room/host" "$room/first.so" "$room/second.so" 100000 >"$room/out"
  [ "$(find "$ENGRAM_DIR" -type f | wc -l)" = 1 ] || { echo "$*: not one region"; exit 1; }
  grep -q 'unloaded 1' "$room/out" || { echo "$*: the second object was not unloaded"; exit 1; }
  "$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$room" >"$room/scrape" 2>/dev/null
  for series in 'shared_total{' 'shared_seconds_count{'; do
    [ "$(grep -F "$series" "$room/scrape" | awk '{ sum += $2 } END { print sum }')" = 300000 ] ||
      { echo "$*: $series"; grep -F "$series" "$room/scrape"; exit 1; }
  done
}
check gcc clang
check "g++ -x c++" gcc
