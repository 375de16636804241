#!/usr/bin/env bash
# tests/failures.txt says which test holds which case.  Here: that every case is there once, and every
# test that it names is there and is run.
set -euo pipefail
table=${1:-tests/failures.txt}
bad=0
complain() { echo "$table: $*"; bad=1; }

# A unit test, SUITE:TEST: it is written down, and added to its suite by name or in a list.
check_unit() {
  local suite=${1%%:*} test=${1#*:} file
  file=$(grep -lE "suite_create\(\"$suite\"\)" tests/unit/*.c) || { complain "no suite $suite"; return; }
  grep -q "X(${suite})" tests/unit/suites.h || complain "suite $suite is not run"
  grep -qE "^START_TEST\($test\)" "$file" || complain "no test $1"
  tr -d '\n' <"$file" | grep -qE "tcase_add_(loop_)?test\([a-z]+, +$test\b|TTest \*const tests\[\] = \{[^}]*\b$test," ||
    complain "$1 is not added to its suite"
}

# A part of a file, FILE:MARKER.  Scripts are run as they are.
check_file() {
  local file=${1%%:*} marker=${1#*:}
  [ -f "$file" ] || { complain "no file $file"; return; }
  case $file in *.c) ;; *) [ -x "$file" ] || complain "$file is not executable" ;; esac
  grep -qF -- "$marker" "$file" || complain "no $marker in $file"
}

# Two spaces, a test, and what was taken out to see it fail: FILE: WORDS.
check_test() {
  local test guard
  read -r test guard <<<"$1"
  case $test in
    tests/*:?*) check_file "$test" ;;
    *:?*) check_unit "$test" ;;
    *) complain "no test is named by: $1" ;;
  esac
  if [[ $guard != *:\ ?* ]] || [ ! -f "${guard%%:*}" ]; then
    complain "$test: not taken out of a file: $guard"
  fi
}

cases='' tests=1
end_case() { [ "$tests" -gt 0 ] || complain "no test for ${cases##* }"; }
while IFS= read -r line; do
  case $line in
    '' | '#'*) ;;
    '  '*) tests=$((tests + 1)); check_test "$line" ;;
    *) end_case; cases+=" ${line%% *}" tests=0 ;;
  esac
done <"$table"
end_case
wanted=" $(seq 1 35 | xargs)"
[ "$cases" = "$wanted" ] || complain "its cases are$cases, not$wanted"
exit "$bad"
