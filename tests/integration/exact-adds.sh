#!/usr/bin/env bash
# Under migrations and signals no add is lost; without the restartable section they are.  Where there
# is no rseq nothing is lost, either.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'rm -rf "$ENGRAM_DIR"' EXIT
ADDS=${ADDS:-25000000}

"$BUILD/helpers/hammer" 8 "$ADDS"
GLIBC_TUNABLES=glibc.pthread.rseq=0 "$BUILD/helpers/hammer" 8 $((ADDS / 100))
if "$BUILD/helpers/hammer-plain" 8 "$ADDS"; then
  echo "the control lost nothing: this test proves nothing here"
  exit 1
fi
