#!/usr/bin/env bash
# The manual pages say what the code does: options, calls, layout, paths, reasons, examples.
set -euo pipefail
command -v mandoc >/dev/null || { echo "mandoc is not installed: apt-get install mandoc"; exit 77; }
export LC_ALL=C ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
trap 'rm -rf "$ENGRAM_DIR" "$room"' EXIT
daemon=man/engramd.8 tool=man/engramctl.1 calls=man/engram.3 region=man/engram-region.5
stream=man/engramd-stream.5
bad=0
complain() { echo "$*"; bad=1; }

# compare PAGE WHAT CODE MANUAL: two lists of words say the same, and something.
compare() {
  local lost made_up
  [ -n "$3" ] || complain "$1: no $2 found in the code: has it another form now?"
  lost=$(comm -23 <(sort -u <<<"$3") <(sort -u <<<"$4") | tr '\n' ' ')
  made_up=$(comm -13 <(sort -u <<<"$3") <(sort -u <<<"$4") | tr '\n' ' ')
  [ -z "${lost// /}" ] || complain "$1 lacks $2: $lost"
  [ -z "${made_up// /}" ] || complain "$1 has $2 that the code has not: $made_up"
}

# section PAGE FROM TO: the source lines between two headings.
section() { sed -n "/^\.S[hs] $2\$/,/^\.S[hs] $3\$/p" "$1"; }

# example PAGE: the first literal block under EXAMPLES, as a reader sees it.
example() {
  section "$1" EXAMPLES 'SEE ALSO' | sed -n '/^\.Bd -literal/,/^\.Ed/p;/^\.Ed/q' |
    sed -e '/^\.[BE]d/d' -e 's/\\e/\\/g' -e 's/\\&//g'
}

# check_options PROGRAM PAGE COMMAND...: what --help names, that of the commands, too.
check_options() {
  local help items named command
  help=$(for command in "" "${@:3}"; do "$BUILD/$1" ${command:+"$command"} --help; done |
    grep -oE -- '--[a-z][a-z-]*' || true)
  items=$(sed -nE 's/^\.It (Fl [a-zA-Z] , )?(Fl Fl [a-z-]+.*)/\2/p' "$2" |
    grep -oE 'Fl Fl [a-z-]+' | sed 's/Fl Fl /--/')
  named=$(grep -oE 'Fl Fl [a-z-]+' "$2" | sed 's/Fl Fl /--/' || true)
  compare "$2" options "$help" "$items"
  compare "$2" options "$help" "$named"
}

check_commands() {
  local commands
  commands=$("$BUILD/engramctl" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+) .*/\1/p')
  compare "$tool" commands "$commands" "$(sed -nE 's/^\.It Cm ([a-z]+).*/\1/p' "$tool")"
  # shellcheck disable=SC2086 # one word for each
  check_options engramctl "$tool" $commands
}

check_calls() {
  local declared synopsis
  declared=$(cat include/engram/*.h | tr '\n' ' ' | grep -oE 'ENGRAM_FUNCTION [^(;{]*\(' |
    sed -nE 's/.*[ *](engram_[a-z0-9_]+)\($/\1/p')
  synopsis=$(section "$calls" SYNOPSIS DESCRIPTION |
    sed -nE 's/^\.F[no] (engram_[a-z0-9_]+).*/\1/p')
  compare "$calls" calls "$declared" "$synopsis"
}

# Rows of the tables are ".It Va field Ta type Ta offset Ta size Ta meaning" below a heading ".Ss
# struct NAME, N bytes", and ".It Dv NAME Ta value Ta meaning": each becomes an assertion for the
# compiler.
assertions() {
  cat <<'TEXT'
#include <engram/abi.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef double f64;
typedef struct engram_event_record record;
#define SIZE(s, n) _Static_assert(sizeof(struct s) == n, #s " is not " #n " bytes")
#define VALUE(name, value) _Static_assert(name == value, #name " is not " #value)
#define FIELD(s, f, type, at, size)                                                                \
    _Static_assert(offsetof(struct s, f) == at, #s "." #f " is not at " #at);                      \
    _Static_assert(sizeof(((struct s *)0)->f) == size, #s "." #f " is not " #size " bytes");       \
    _Static_assert(__builtin_types_compatible_p(__typeof__(((struct s *)0)->f), type),             \
                   #s "." #f " is no " #type)
TEXT
  awk '$1 == ".Ss" && $2 == "struct" {
      name = $3; sub(",", "", name); print "SIZE(" name ", " $4 ");" }
    $1 == ".It" && $2 == "Va" && $4 == "Ta" {
      print "FIELD(" name ", " $3 ", " $5 ", " $7 ", " $9 ");" }
    $1 == ".It" && $2 == "Dv" && $4 == "Ta" { print "VALUE(" $3 ", " $5 ");" }' "$region"
}

check_layout() {
  local fields rows major minor
  assertions >"$room/layout.c"
  gcc -std=gnu11 -Iinclude -fsyntax-only "$room/layout.c" 2>"$room/errors" ||
    complain "$region disagrees with the compiler:"$'\n'"$(grep 'error:' "$room/errors")"
  fields=$(gcc -E -P include/engram/abi.h | awk '/^struct engram_[a-z_]+ \{/ { name = $2 }
    /^\}/ { name = "" } name && /;$/ { sub(/(\[.*)?;$/, ""); print name "." $NF }')
  rows=$(sed -nE 's/^FIELD\(([a-z_]+), ([a-z_]+),.*/\1.\2/p' "$room/layout.c")
  compare "$region" fields "$fields" "$rows"
  major=$(sed -nE 's/^#define ENGRAM_ABI_MAJOR //p' include/engram/abi.h)
  minor=$(sed -nE 's/^#define ENGRAM_ABI_MINOR //p' include/engram/abi.h)
  compare "$region" "layout version" "$major.$minor" \
    "$(sed -nE 's/.*layout version ([0-9]+\.[0-9]+).*/\1/p' "$region")"
}

check_daemon() {
  local paths reasons
  paths=$(sed -n '/ routes\[\] = {/,/^};/p' daemon/web.c | grep -oE '\{"/[^"]*"' |
    tr -d '{"' || true)
  compare "$daemon" paths "$paths" \
    "$(section "$daemon" Paths 'Formats of the metrics' | sed -nE 's/^\.It Pa //p')"
  reasons=$(sed -nE 's/.*\[REJECTION_[A-Z]+\] = \{"([a-z]+)".*/\1/p' shmlib/rejection.c |
    grep -vx none || true)
  compare "$daemon" reasons "$reasons" \
    "$(section "$daemon" 'What is not served' METRICS | sed -nE 's/^\.It Li //p')"
}

words() { tr ' ' '\n' | sed '/^$/d'; }

# list NAME: the words of that list in the code, and below the parameter of that name in the page.
check_words() {
  local in_code in_page
  in_code=$(sed -n "/ $1\[\] = {/,/;/p" daemon/stream/stream_filter.c | grep -oE '"[a-z]+"' | tr -d '"')
  in_page=$(sed -n "/^\.It Li $1=/,/default/p" "$stream" | sed -nE 's/^(\.Po )?\.Li ([a-z]+).*/\2/p')
  compare "$stream" "$1" "$in_code" "$(grep -vx snapshot <<<"$in_page")"
}

check_stream() {
  local parameters messages members
  parameters=$(sed -nE 's/.*strcmp\(name, "([a-z-]+)"\).*/\1/p' daemon/stream/stream_filter.c daemon/snapshot/match.c)
  compare "$stream" parameters "$parameters" "$(sed -nE 's/^\.It Li ([a-z-]+)= .*/\1/p' "$stream")"
  check_words kinds
  check_words fields
  messages=$(grep -oE ' begin\([a-z>.-]+, "[a-z]+"' daemon/stream/stream_encode.c | cut -d '"' -f 2)
  compare "$stream" messages "$messages" \
    "$(section "$stream" MESSAGES 'snapshot and metrics' | sed -nE 's/^\.It Li //p')"
  members=$(grep -oE '(json_(key|member_[a-z0-9]+)|append_count_and_sum)\([a-z&>.-]+, "[a-z_]+"' \
    daemon/stream/stream_encode.c | cut -d '"' -f 2; printf 'name\nlabels\n')
  compare "$stream" members "$members" \
    "$(sed -nE '/^\.It Va/s/^\.It Va|,//gp;/^\.Va (count|sum) ?\.?$/s/^\.Va|\.$//gp' "$stream" | words)"
  sed -nE 's/^data: (\{)/\1/p' "$stream" | tr -d '\n' |
    python3 -c 'import json, sys; rest = sys.stdin.read().replace("}{", "}\n{").splitlines()
assert len(rest) == 4 and all("time_ms" in json.loads(line) for line in rest)' ||
    complain "$stream: its examples are no messages"
}

check_generated() {
  gcc -Iinclude tools/gen-metrics.c -o "$room/gen-metrics"
  "$room/gen-metrics" | cmp -s - man/engram-metrics.7 ||
    complain "man/engram-metrics.7 is not what the catalogue gives: make man"
}

check_references() {
  local name number
  while read -r name number; do
    [ -e "man/$name.$number" ] || complain "a page refers to $name($number), which is not in man/"
  done < <(grep -ohE 'Xr engram[a-z-]* [1-9]' man/*.[1-8] | cut -d ' ' -f 2,3 | sort -u)
}

# The program of engram(3) records, and the reader of engram-region(5) reads what it recorded.
check_examples() {
  example "$calls" >"$room/example.c"
  example "$region" >"$room/example.py"
  gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude "$room/example.c" -o "$room/example" ||
    { complain "$calls: its example does not compile"; return; }
  "$room/example" || complain "$calls: its example fails"
  python3 "$room/example.py" "$ENGRAM_DIR"/* >"$room/counters" ||
    complain "$region: its example fails"
  grep -qx 'my_stores_total 1' "$room/counters" ||
    complain "$region: its example does not read what that of $calls recorded"
}

mandoc -Tlint -W warning man/*.[1-8] || complain "mandoc finds fault with the pages"
# make help has every target of the README.
check_targets() {
  local targets
  targets=$(grep -oE '(^ {4}|`)make [a-z-]+' README.md | awk '{ print $NF }' | sort -u)
  [ -n "$targets" ] || complain "README.md names no targets"
  targets=$(comm -23 <(echo "$targets") <(make -s help | awk '{ print $1 }' | sort))
  [ -z "$targets" ] || complain "make help lacks: $targets"
}

check_options engramd "$daemon"
check_commands
check_options engram-demo man/engram-demo.1
check_calls
check_layout
check_daemon
check_stream
check_generated
check_references
check_examples
check_targets
exit "$bad"
