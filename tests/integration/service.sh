#!/usr/bin/env bash
# What is installed for systemd, Prometheus and compilers is what they take; the service stays locked
# up.  A guest with systemd, that starts, kills and upgrades it, is in `make platforms`.
set -euo pipefail
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze: apt-get install systemd"; exit 77; }
room=$(mktemp -d)
regions=$(mktemp -d /dev/shm/engram-test-XXXXXX)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$room" "$regions"' EXIT
bad=0
complain() { echo "$*"; bad=1; }
has() { grep "$@" >/dev/null; }

chmod 755 "$room"
env -u MAKEFLAGS make -s install BUILD="$BUILD" PREFIX="$room" >/dev/null
units=$room/lib/systemd/system examples=$room/share/doc/engramd/examples

# verify WHAT: systemd finds nothing to say about the units.
verify() {
  local said
  said=$(systemd-analyze verify --man=no "$units/engramd.service" "$units/engramd.socket" \
    2>&1) || true
  [ -z "$said" ] || complain "$1: $said"
}

check_units() {
  local example unit
  verify "the units"
  systemd-analyze security --offline=yes --no-pager --threshold=9 "$units/engramd.service" \
    >"$room/security" || complain "$(cat "$room/security")"
  has 'Overall exposure level' "$room/security" || complain "systemd-analyze did not judge"
  for example in engine=service perf=service listen=socket unix=socket; do
    unit=engramd.${example#*=}
    install -D -m 644 "$examples/${example%=*}.conf" -t "$units/$unit.d"
    verify "examples/${example%=*}.conf"
    rm -r "$units/$unit.d"
  done
}

# Users, directories and their modes as systemd makes them from the files.
check_directories() {
  local root=$room/root status user group
  mkdir -p "$root"/{etc,dev/shm}
  systemd-sysusers --root="$root" "$room/lib/sysusers.d/engramd.conf" >"$room/said" 2>&1 ||
    complain "$(cat "$room/said")"
  systemd-tmpfiles --root="$root" --create "$room/lib/tmpfiles.d/engramd.conf" >"$room/said" 2>&1 ||
    complain "$(cat "$room/said")"
  status=$(stat -c %u:%g:%a "$root/dev/shm/engram" "$root/dev/shm/engram/regions" \
    "$root/etc/engramd" | xargs)
  read -r user group < <(awk -F: '$1 == "engramd" { print $3, $4 }' "$root/etc/passwd")
  [ "$status" = "0:0:755 $user:$group:3777 0:$group:750" ] ||
    complain "directories have $status"
  has '^engram:' "$root/etc/group" || complain "there is no group engram"
}

# Programs with the header alone and with the library, as pkg-config says.
check_pkg_config() {
  local flags libraries
  export PKG_CONFIG_PATH=$room/lib/pkgconfig
  flags=$(pkg-config --cflags engram) libraries=$(pkg-config --libs engram)
  printf '%s\n' '#include <engram/engram.h>' 'int main(void) { return engram_reason()[0]; }' \
    >"$room/includes.c"
  printf '%s\n' 'const char *engram_reason(void);' 'int main(void) { return engram_reason()[0]; }' \
    >"$room/links.c"
  # shellcheck disable=SC2086 # words
  gcc "$room/includes.c" $flags -o "$room/includes" || complain "the header: $flags"
  # shellcheck disable=SC2086 # words
  gcc "$room/links.c" $libraries -o "$room/links" || complain "the library: $libraries"
  "$room/includes" || complain "with the header: $?"
  LD_LIBRARY_PATH=$room/lib "$room/links" || complain "with the library: $?"
}

# The service manager's protocol, as systemd speaks it.
check_activation() {
  local socket=$room/http.sock
  systemd-socket-activate -l "$socket" "$room/sbin/engramd" --region-dir "$regions" \
    --state-dir "$room/state" 2>"$room/log" &
  for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.1; done
  curl -sS --max-time 60 --unix-socket "$socket" http://engramd/-/ready | has ready ||
    complain "who connects is not answered: $(cat "$room/log")"
  has "msg=listening address=unix:$socket" "$room/log" || complain "$(cat "$room/log")"
  ! has 7433 "$room/log" || complain "it listens where nobody told it to"
  kill %1
  wait %1 || complain "it ends with status $?"
  [ -S "$socket" ] || complain "the socket that was passed is gone"
}

# What is there to read, and an example of a web configuration that is taken once it has keys.
check_documents() {
  local documents=$room/share/doc/engramd
  cmp README.md "$documents/README.md" || complain "no README"
  cmp LICENSE "$documents/LICENSE" || complain "no LICENSE"
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$examples/server.key" \
    -out "$examples/server.crt" 2>"$room/said" || complain "$(cat "$room/said")"
  "$room/sbin/engramd" --check-config --web-config "$examples/web.yml" >"$room/said" 2>&1 ||
    complain "examples/web.yml: $(cat "$room/said")"
}

# Rules that Prometheus takes, each with a runbook where it says.
check_alerts() {
  local runbook
  promtool check rules "$room"/share/engramd/alerts/*.yml >"$room/said" || complain "$(cat "$room/said")"
  while read -r runbook; do
    [ -s "$runbook" ] || complain "no runbook $runbook"
  done < <(sed -n "s|.*runbook_url: 'file://\(.*\)'|\1|p" "$room"/share/engramd/alerts/*.yml)
}

check_dashboards() {
  diff -x '*.ini' -r alerts/dashboards "$room/share/engramd/dashboards" || complain "dashboards differ"
}

check_units
[ "$(id -u)" != 0 ] || check_directories
check_documents
check_pkg_config
check_activation
check_alerts
check_dashboards
promtool check config "$examples/prometheus.yml" || complain "promtool does not take prometheus.yml"
exit "$bad"
