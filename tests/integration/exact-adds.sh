#!/usr/bin/env bash
# Under migrations and signals, in 2,000 threads, and where sequences are interrupted all the time no
# record is lost; without the restartable section they are.  Where there is no rseq nothing is lost,
# either.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'rm -rf "$ENGRAM_DIR"' EXIT
ADDS=${ADDS:-25000000}

"$BUILD/helpers/hammer" 8 "$ADDS"
"$BUILD/helpers/hammer" 2000 $((ADDS / 25000))
"$BUILD/helpers/hammer-delayed" 8 $((ADDS / 2500)) | tee "$ENGRAM_DIR/.delayed"
# Or that proves nothing; where there is no rseq, there is nothing to interrupt.
[ "$(getconf GNU_LIBC_VERSION | cut -d. -f2)" -lt 35 ] ||
  ! grep 'interrupted [0-9]\{1,2\}$' "$ENGRAM_DIR/.delayed" || { echo "hardly ever interrupted"; exit 1; }
GLIBC_TUNABLES=glibc.pthread.rseq=0 "$BUILD/helpers/hammer" 8 $((ADDS / 100))
if "$BUILD/helpers/hammer-plain" 8 "$ADDS"; then
  echo "the control lost nothing: this test proves nothing here"
  exit 1
fi
