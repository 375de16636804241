#!/usr/bin/env bash
# The protocols hold by full search of their models, and each step that is left out is missed:
# tests/models/*.pml, with every BREAK_* that they name.
set -euo pipefail
BUILD=${BUILD:-build}
command -v spin >/dev/null || { echo "spin is not installed"; exit 77; }
models=$(cd tests/models && pwd)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
fail() { echo "failed: $*"; tail -n 20 "$room/out"; exit 1; }

# Searches all states of a model, with something broken in it or not.
search() {
  (cd "$room" && spin -a ${2:+-D"$2"} "$models/$1.pml" >out 2>&1 &&
    cc -O2 -w -DSAFETY -o pan pan.c >>out 2>&1) || fail "$1 ${2:-}: no model"
  (cd "$room" && timeout 200 ./pan -m1000000 >out 2>&1) || true
  grep -q 'State-vector' "$room/out" || fail "$1 ${2:-}: no search"
}

for model in publication ring; do
  search "$model"
  grep -q 'errors: 0$' "$room/out" || fail "$model does not hold"
  grep -q 'max search depth too small' "$room/out" && fail "$model: not all is searched"
  states=$(awk '/states, stored/ { print $1 }' "$room/out")
  breaks=$(grep -oE 'BREAK_[a-z_]+' "$models/$model.pml" | grep -vx BREAK_x | sort -u)
  for broken in $breaks; do
    search "$model" "$broken"
    grep -qE 'pan:1: (assertion violated|invalid end state)' "$room/out" ||
      fail "$model holds with $broken"
  done
  echo "$model: $states states; $(wc -w <<<"$breaks") ways to break it, all found"
done
