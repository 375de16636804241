#!/usr/bin/env bash
# The project on arm64, with counters of its CPU, and on two sockets; `make platforms` tries more machines, and more on them.
set -euo pipefail
exec tests/platforms/run arm-2n arm-pmu x86-2s
