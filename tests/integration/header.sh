#!/usr/bin/env bash
# The header compiles without a warning in every language and under the strictest flags that a user
# may have.  What it leaves behind when it is compiled out: compiled-out.sh.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cat >"$room/user.c" <<'END'
#include <engram/engram.h>
static engram_counter counter;
static engram_histogram histogram;
void record(double value);
void record(double value)
{
    engram_counter_add(counter, 1);
    engram_histogram_record(histogram, value);
}
END

gcc_strict=(-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align
  -Wundef -Wformat=2 -Wdouble-promotion -Wnull-dereference -Wwrite-strings -Wpointer-arith -Wvla
  -Wswitch-enum -Wswitch-default -Wredundant-decls -Wlogical-op -Wduplicated-cond)
gcc_c=(-Wstrict-prototypes -Wmissing-prototypes -Wbad-function-cast -Wnested-externs)
gcc_cpp=(-Wold-style-cast -Wuseless-cast -Wzero-as-null-pointer-constant)
# Left out: what speaks of padding and of older standards.
clang_strict=(-Weverything -Wno-padded -Wno-declaration-after-statement -Wno-c++98-compat
  -Wno-c++98-compat-pedantic -Wno-unknown-warning-option)

compile() { "$@" -Werror -Iinclude -c "$room/user.c" -o "$room/user.o"; }
for level in -O0 -O2; do
  for standard in c11 gnu17; do
    compile gcc -std=$standard $level "${gcc_strict[@]}" "${gcc_c[@]}"
    compile clang -std=$standard $level "${clang_strict[@]}"
  done
  compile g++ -x c++ -std=c++17 $level "${gcc_strict[@]}" "${gcc_cpp[@]}"
  compile clang++ -x c++ -std=c++17 $level "${clang_strict[@]}"
done
