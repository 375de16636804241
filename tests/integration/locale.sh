#!/usr/bin/env bash
# In a locale that writes 0,5 numbers are as they always are.
set -euo pipefail
room=$(mktemp -d)
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; exit 1; }

# The two parts of it that our tests speak of, unless the machine has it.
if ! locale -a | grep -qix 'fi_FI.utf-\?8'; then
  [ -e /usr/share/i18n/locales/fi_FI ] || { echo "there are no sources of locales"; exit 77; }
  localedef -i fi_FI -f UTF-8 "$room/fi_FI.UTF-8"
  export LOCPATH=$room
fi
[ "$(LC_ALL=fi_FI.UTF-8 bash -c "printf '%.1f' 0,5")" = 0,5 ] || fail "the locale has no comma"
CK_RUN_CASE=comma "$BUILD/unit" >"$room/log" 2>&1 || fail "$(cat "$room/log")"
grep -q 'Checks: 2' "$room/log" || fail "not two tests: $(cat "$room/log")"
"$BUILD/engram-demo" --threads 1 --seconds 1 --rate 1000 >/dev/null 2>&1
LC_ALL=fi_FI.UTF-8 "$BUILD/engramd" --once --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  2>/dev/null >"$room/scrape"
python3 tests/check_exposition.py --format text <"$room/scrape"
grep -q '_sum{.*} [0-9]*\.[0-9]' "$room/scrape" || fail "no fraction is shown"
