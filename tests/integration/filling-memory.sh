#!/usr/bin/env bash
# The file system of a region for 384 CPUs fills up at random moments and is freed again, while all of
# them record: no signal, and every sum is exact.  Needs root: it mounts a file system of its own.
# RECORD_SECONDS=60 is the long form.
set -euo pipefail
. tests/own-mounts.sh
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'umount "$ENGRAM_DIR" 2>/dev/null || true; rmdir "$ENGRAM_DIR"' EXIT
mount -t tmpfs -o size=24m tmpfs "$ENGRAM_DIR" # less than the CPUs' blocks take
"$BUILD/helpers/many_cpus" "${RECORD_SECONDS:-6}"
