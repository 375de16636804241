#!/usr/bin/env bash
# The README's example compiles as it stands, without a warning, and records.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'rm -rf "$ENGRAM_DIR" "$room"' EXIT
# shellcheck disable=SC2016 # backquotes of Markdown
sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' >"$room/example.c"
for compiler in "gcc -std=c11" "gcc -std=gnu17" "clang -std=c11" "g++ -x c++ -std=c++17"; do
  $compiler -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude "$room/example.c" \
    -o "$room/example"
  "$room/example"
done
"$BUILD/engramctl" --region-dir "$ENGRAM_DIR" status
served=$("$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$room" 2>/dev/null)
[ "$(sed -n 's/^my_stores_total{process="my-engine",numa_node="0"} //p' <<<"$served")" = 4 ]
grep '^engramd_events_total 4$' <<<"$served"
ENGRAM_DIR=/nonexistent "$room/example" 2>&1 | grep '^my-engine: no metrics: no file can be made'
# So is what it says of TLS and a password.
programs=$(realpath "$BUILD") root=$PWD
cd "$room"
# shellcheck disable=SC2016 # commands, to be run as they stand
sed -nE '/^    cd \/etc\/engramd && openssl/,/server.crt$/{s,cd /etc/engramd && ,,;s/^ +//p}' "$root/README.md" >keys
grep openssl keys
bash -e keys
cp "$root/systemd/examples/web.yml" .
"$programs/engramd" --check-config --web-config web.yml
