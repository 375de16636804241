#!/usr/bin/env bash
# Event rings that are overrun while another process reads them: no record is torn or comes twice, and
# what was delivered and what was missed is what was written.  EVENTS=1000000000 is the long form.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'rm -rf "$ENGRAM_DIR"' EXIT
EVENTS=${EVENTS:-100000000}

"$BUILD/helpers/overrun" "$EVENTS" 1
"$BUILD/helpers/overrun" "$EVENTS" 3
"$BUILD/helpers/overrun" $((EVENTS / 10)) 3 shared
