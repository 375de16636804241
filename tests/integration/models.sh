#!/usr/bin/env bash
# Each protocol in tests/models/ holds, by a full search that leaves no line of it out; and with any
# one part of it taken away (each BREAK_... in the file) spin finds what then goes wrong.
set -euo pipefail
export out=$BUILD/models
mkdir -p "$out"

# verify MODEL [BREAK]: in a directory of its own, where pan writes its trail.
verify() {
  local file name=$1${2:+.$2} room=$out/$1${2:+.$2}
  local optimize=-O${2:+0} # where an error is found soon, compiling takes longer than searching
  file=$(realpath "tests/models/$1.pml")
  rm -rf "$room"
  mkdir "$room"
  cd "$room"
  if ! spin -a ${2:+-D"$2"} "$file" >log 2>&1; then
    echo "not ok $name: spin does not take it"; cat log; return 1
  fi
  "${CC:-cc}" "$optimize" -w -DSAFETY -DCOLLAPSE -DMEMLIM=1000 -o pan pan.c
  ./pan -m100000 >log 2>&1 || true
  if [ -n "${2:-}" ]; then
    grep -E '^pan:1: (assertion violated|invalid end state)' log >found ||
      { echo "not ok $name: it is not found"; cat log; return 1; }
    echo "ok $name: $(cat found)"
    return
  fi
  # A process that serves for ever has no end; all else has to be reached, or nothing is proved.
  if ! grep -q 'errors: 0$' log || grep -E 'too small|not completed' log ||
    grep -E 'state [0-9]+, "' log | grep -vF '"-end-"'; then
    echo "not ok $name"; cat log; return 1
  fi
  echo "ok $name: $(grep -oE '[0-9.e+]+ states, stored' log)"
}
export -f verify

for file in tests/models/*.pml; do
  grep -q '^init' "$file" || continue # only included by others
  model=$(basename "$file" .pml)
  breaks=$(grep -oE 'BREAK_[a-z_]+' "$file" | sort -u)
  [ -n "$breaks" ] || { echo "$file cannot fail: it has no BREAK_..."; exit 1; }
  printf '%s\n' "$model" "${breaks//BREAK_/$model BREAK_}"
done | xargs -L 1 -P "$(nproc)" bash -euc 'verify "$@"' verify
