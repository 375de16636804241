#!/usr/bin/env bash
# Includes run one way, and each library has one user.
set -euo pipefail
bad=0
complain() { echo "$*"; bad=1; }

# forbidden FOLDER PATTERN: no file in the folder includes what the pattern says.
forbidden() {
  local found
  found=$(grep -rnE "#include [<\"]$2" "$1" --include='*.[ch]' || true)
  [ -z "$found" ] || complain "$1 must not include $2:"$'\n'"$found"
}
forbidden include '(shmlib|daemon|tools)/'
forbidden shmlib '(daemon|tools)/'
forbidden tools 'daemon/'
forbidden daemon 'tools/'
# What lies below does not know what is made of it.
forbidden daemon/base 'daemon/[^b]'
forbidden daemon/machine 'daemon/[^bm]'
forbidden daemon/snapshot 'daemon/(collect|exposition|history|http|stream|api)/'
forbidden daemon/pmu 'daemon/(collect|snapshot|sensors|health|exposition|history|http|stream|api)/'
forbidden daemon/sensors 'daemon/(collect|health|exposition|history|http|stream|api)/'
forbidden daemon/alerts 'daemon/(collect|health|exposition|history|http|stream|api)/'
forbidden daemon/regression 'daemon/(collect|health|exposition|history|http|stream|api)/'
forbidden daemon/health 'daemon/(collect|exposition|history|http|stream|api)/'
forbidden daemon/http 'daemon/(collect|snapshot|exposition|history|stream|api)/'
forbidden daemon/history 'daemon/(collect|exposition|http|stream|api)/'
grep -rhE '#include "' include && complain "public headers include each other as <engram/...>"

# only_user PATTERN FILE: nothing else in the daemon includes it.
only_user() {
  local users
  users=$(grep -rlE "#include <$1" daemon shmlib tools --include='*.[ch]' | sort | tr '\n' ' ')
  [ "$users" = "$2 " ] || complain "<$1 is used by: $users, not by $2 alone"
}
only_user hwloc "daemon/machine/topology_describe.c daemon/machine/topology_hwloc.h"
only_user perfmon daemon/pmu/encode.c
only_user urcu daemon/snapshot/snapshot.c
only_user isa-l daemon/base/gzip.c
only_user ini daemon/config.c
only_user curl tools/engramctl/http.c
only_user yaml daemon/http/web_config.c

# Every public header stands alone, in C and in C++.
for header in include/engram/*.h; do
  name=$(basename "$header") flags=(-Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only)
  flags+=(-Wno-unused-function -Wno-unused-variable)
  [ "$name" = off.h ] && flags+=(-DENGRAM_METRICS=0)
  for language in "c -std=c11" "c++ -std=c++17"; do
    # shellcheck disable=SC2086 # two words
    echo "#include <engram/$name>" | gcc "${flags[@]}" -x $language - || complain "$name in $language"
  done
done

# What says by what it is run can be run; Debian's own scripts are made so by debhelper.
while read -r script; do
  [ -x "$script" ] || complain "$script cannot be run"
done < <(grep -rlE '^#!' tests tools .ci --exclude-dir=corpus)
exit "$bad"
