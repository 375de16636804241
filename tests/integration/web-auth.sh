#!/usr/bin/env bash
# The web configuration in a whole daemon: curl and Debian's Prometheus with TLS, passwords and
# tokens, a flood of wrong passwords beside them, and what happens when files change.
# tests/run: alone: it floods the daemon, and no scrape beside that may take a second.
set -euo pipefail
export ENGRAM_DIR
ENGRAM_DIR=$(mktemp -d /dev/shm/engram-test-XXXXXX)
room=$(mktemp -d)
log=$room/log
# shellcheck disable=SC2046 # one word for each job
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$ENGRAM_DIR" "$room"' EXIT
fail() { echo "failed: $*"; tail -n 30 "$log"; exit 1; }
# Reads all of its input, or the writer of a pipe would fail.
has() { grep "$@" >/dev/null; }
# Waits for a command to succeed.
until_true() {
  for _ in $(seq 300); do
    "$@" && return
    sleep 0.1
  done
  fail "not in time: $*"
}

# certificate NAME: a self-signed one for 127.0.0.1, as its own issuer.
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$room/$1.key" -out "$room/$1.crt" 2>/dev/null
}
# shellcheck disable=SC2016 # Perl's, not the shell's
bcrypt() { perl -e 'print crypt($ARGV[0], "\$2y\$$ARGV[1]\$abcdefghijklmnopqrstuu")' "$1" "${2:-10}"; }
certificate first
certificate second
certificate client
cp "$room/first.crt" "$room/server.crt"
cp "$room/first.key" "$room/server.key"
umask 027
# configure PASSWORD [MORE]: another user of that name, whose password takes a second to verify.
configure() {
  cat >"$room/web.new" <<TEXT
tls_server_config:
  cert_file: server.crt
  key_file: server.key
http_server_config:
  headers:
    X-Content-Type-Options: nosniff
basic_auth_users:
  prometheus: $(bcrypt "$1")
${2:+  $2: $(bcrypt "$1" 14)}
bearer_token_hashes:
  - $(printf %s a-token | sha256sum | cut -d ' ' -f 1)
TEXT
  mv "$room/web.new" "$room/web.yml"
}
configure secret

"$BUILD/engramd" --listen 127.0.0.1:0 --listen "unix:$room/socket" --region-dir "$ENGRAM_DIR" \
  --state-dir "$room/state" --web-config "$room/web.yml" --admin-socket "$room/admin.sock" \
  2>"$log" &
daemon=$!
until_true has msg=started "$log"
address=$(sed -nE 's/.*msg=listening address=(127[0-9.:]*)$/\1/p' "$log")
get() { curl -sS --max-time 20 --cacert "$room/${issuer:-first}.crt" "https://$address$1" "${@:2}"; }
status() { get "$1" -o /dev/null -w '%{http_code}' "${@:2}" 2>/dev/null || true; }
answers() { [ "$(status /metrics "${@:2}")" = "$1" ]; }

# Who is told apart.
answers 200 -u prometheus:secret || fail "the right password"
answers 200 -H 'Authorization: Bearer a-token' || fail "the right token"
answers 401 || fail "no password"
answers 401 -u prometheus:wrong || fail "a wrong password"
answers 401 -u nobody:secret || fail "an unknown user"
answers 401 -H 'Authorization: Bearer another' || fail "a wrong token"
[ "$(status /-/healthy)" = 401 ] || fail "a path without a password"
get / -D - -o /dev/null | has '^WWW-Authenticate: Basic realm="engramd"' || fail "WWW-Authenticate"
get / -D - -o /dev/null | has '^X-Content-Type-Options: nosniff' || fail "a header"
plain=$(curl -sS --max-time 5 -w '%{http_code}' -u prometheus:secret "http://$address/metrics" 2>&1) ||
  fail "nothing is said without TLS: $plain"
[[ "$plain" == *400 && "$plain" != *engram_* ]] || fail "an answer without TLS: $plain"
curl -sS --max-time 5 --cacert "$room/second.crt" "https://$address/" >/dev/null 2>&1 &&
  fail "a certificate that is not trusted"
get / -u prometheus:secret --tls-max 1.2 >/dev/null || fail "TLS 1.2"
# Neither end would have it in the end: what counts is who says so, and of what.
openssl s_client -connect "$address" -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null >"$room/old" 2>&1 &&
  fail "TLS 1.1"
has 'alert protocol version' "$room/old" || fail "TLS 1.1 is not what is refused: $(cat "$room/old")"
curl -sS --max-time 5 --unix-socket "$room/socket" http://engramd/metrics |
  has '^engramd_web_config_last_reload_successful 1$' || fail "the socket file, or the metric"
{ get /stream -u prometheus:secret --max-time 3 2>/dev/null || true; } | has '^event: ' || fail "a stream"

# engramctl says who it is, and believes only whom it may.
echo prometheus:secret >"$room/user"
echo a-token >"$room/token"
echo prometheus:wrong >"$room/wrong"
tool() { "$BUILD/engramctl" processes -a "$address" "$@" >"$room/tool" 2>&1; }
tool --ca-file "$room/first.crt" --user-file "$room/user" || fail "engramctl's password: $(cat "$room/tool")"
tool --ca-file "$room/first.crt" --token-file "$room/token" || fail "engramctl's token"
tool --ca-file "$room/first.crt" --user-file "$room/wrong" && fail "engramctl with a wrong password"
has '401 Unauthorized.*does not take what --user-file or --token-file has' "$room/tool" ||
  fail "what engramctl says of a wrong password: $(cat "$room/tool")"
for command in status processes health dump watch doctor; do
  "$BUILD/engramctl" "$command" -a "$address" --ca-file "$room/first.crt" >"$room/tool" 2>&1 &&
    fail "engramctl without a password"
  has '401 Unauthorized.*name a file that has one by --user-file or --token-file' "$room/tool" ||
    fail "no hint of engramctl $command: $(cat "$room/tool")"
done
tool && fail "engramctl without TLS"
has '400 Bad Request.*https://' "$room/tool" || fail "what engramctl says of TLS: $(cat "$room/tool")"
tool --ca-file "$room/second.crt" --user-file "$room/user" && fail "engramctl trusts anybody"
has 'certificate' "$room/tool" || fail "what engramctl says of a certificate"

# Prometheus, beside those who try passwords.
cat >"$room/prometheus.yml" <<TEXT
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: engram
    scheme: https
    tls_config: {ca_file: $room/first.crt}
    basic_auth: {username: prometheus, password: secret}
    static_configs: [{targets: ["$address"]}]
TEXT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$room/prometheus.yml" --storage.tsdb.path="$room/data" \
  --web.listen-address="127.0.0.1:$port" 2>"$room/prometheus.log" &
ask() {
  curl -sS --max-time 5 "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" 2>/dev/null
}
up() { ask 'up{job="engram"}' | has '"value":\[[0-9.]*,"1"\]'; }
until_true up
flood() {
  while :; do
    curl -s --max-time 20 --cacert "$room/first.crt" -u "$RANDOM:wrong" -o /dev/null -o /dev/null \
      "https://$address/metrics" "https://$address/metrics?again" || true
  done
}
floods=()
for _ in 1 2 3 4 5 6; do flood & floods+=($!); done
start=$(date +%s)
for _ in $(seq 20); do
  answers 200 -u prometheus:secret || fail "no answer beside a flood of wrong passwords"
  sleep 0.2
done
get /metrics -u prometheus:secret | has '^engramd_http_responses_total{code="5xx"} [1-9]' ||
  fail "that was no flood"
kill "${floods[@]}"
wait "${floods[@]}" 2>/dev/null || true
seconds=$(($(date +%s) - start))
ask "min_over_time(up{job=\"engram\"}[${seconds}s])" | has '"value":\[[0-9.]*,"1"\]' ||
  fail "a scrape failed beside a flood of wrong passwords: $(ask 'up')"

# What changes is read again by itself; what is broken is said, and changes nothing.
configure another slow
until_true answers 200 -u prometheus:another
# While one password is verified, others are answered.
status /metrics -u slow:wrong >"$room/slow" &
slow=$!
sleep 0.2 # until it is asked
for _ in 1 2 3 4 5; do
  answers 200 -H 'Authorization: Bearer a-token' || fail "no answer beside a slow password"
done
[ ! -s "$room/slow" ] || fail "a password kept others waiting"
wait "$slow"
[ "$(cat "$room/slow")" = 401 ] || fail "a slow password that is wrong: $(cat "$room/slow")"
configure another
answers 401 -u prometheus:secret || fail "the password before is still taken"
echo "tls_server_config: {" >"$room/web.yml"
until_true has 'level=error msg="web configuration is wrong; the one before stays in force".*web.yml:' "$log"
answers 200 -u prometheus:another || fail "a broken file changed something"
fails() { get /metrics -u prometheus:another | has '^engramd_web_config_last_reload_successful 0$'; }
until_true fails
configure another
cp "$room/second.crt" "$room/server.crt"
cp "$room/second.key" "$room/server.key"
issuer=second
until_true answers 200 -u prometheus:another

# Commands: reload, and forget one name.
configure third
"$BUILD/engramctl" reload --admin-socket "$room/admin.sock" || fail "engramctl reload"
"$BUILD/engramctl" learn --admin-socket "$room/admin.sock" || fail "engramctl learn"
answers 200 -u prometheus:third || fail "after engramctl reload"
echo "x: 1" >"$room/web.yml"
"$BUILD/engramctl" reload --admin-socket "$room/admin.sock" 2>"$room/said" && fail "reload of nonsense"
has 'web.yml:1: engramd has no "x"' "$room/said" || fail "what reload says: $(cat "$room/said")"
configure fourth
kill -HUP "$daemon"
until_true answers 200 -u prometheus:fourth
"$BUILD/helpers/hammer" 2 1000 >/dev/null
folded() { get /metrics -u prometheus:fourth | has '^engramd_regions_folded_total 1$'; }
until_true folded
get /metrics -u prometheus:fourth | has '^hammer_total{process="hammer"' || fail "hammer's total"
"$BUILD/engramctl" forget --admin-socket "$room/admin.sock" hammer || fail "engramctl forget"
gone() { ! get /metrics -u prometheus:fourth | has '^hammer_total{'; }
until_true gone
"$BUILD/engramctl" forget --json --admin-socket "$room/admin.sock" hammer >"$room/said" &&
  fail "forget of what is not there"
has '^{"ok":false,"error":"no totals are kept' "$room/said" || fail "JSON: $(cat "$room/said")"

kill -TERM "$daemon"
wait "$daemon" || fail "exit status after SIGTERM"
[ ! -e "$room/admin.sock" ] || fail "the admin socket is left behind"

# Clients that have to show a certificate.
cat >"$room/web.yml" <<TEXT
tls_server_config:
  cert_file: first.crt
  key_file: first.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: client.crt
TEXT
: >"$log" # what the daemon before it said is not this one's
"$BUILD/engramd" --listen 127.0.0.1:0 --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  --web-config "$room/web.yml" 2>"$log" &
daemon=$!
until_true has msg=started "$log"
address=$(sed -nE 's/.*msg=listening address=(127[0-9.:]*)$/\1/p' "$log")
issuer=first
answers 200 --cert "$room/client.crt" --key "$room/client.key" || fail "a client's certificate"
get / >/dev/null 2>&1 && fail "no certificate"
get / --cert "$room/second.crt" --key "$room/second.key" >/dev/null 2>&1 && fail "another's certificate"
kill -TERM "$daemon"
wait "$daemon" || fail "exit status after SIGTERM"

# A daemon does not start with what it cannot use.
echo "tls_server_config: {cert_file: none, key_file: none}" >"$room/web.yml"
if timeout --preserve-status 20 "$BUILD/engramd" --listen 127.0.0.1:0 --region-dir "$ENGRAM_DIR" --state-dir "$room/state" \
  --web-config "$room/web.yml" 2>"$log"; then
  fail "it starts with a certificate that is not there"
fi
has 'web.yml:1: cert_file: .*No such file' "$log" || fail "no word on the certificate"

# Nor has one to be started to know.
check_config() { "$BUILD/engramd" --check-config --web-config "$room/web.yml" "$@" >"$room/said" 2>&1; }
check_config && fail "--check-config takes a certificate that is not there"
has 'web.yml:1: cert_file: .*No such file' "$room/said" || fail "--check-config: $(cat "$room/said")"
echo "tls_server_config: {cert_file: first.crt, key_file: first.key}" >"$room/web.yml"
check_config || fail "--check-config refuses what is good: $(cat "$room/said")"
! check_config --tick 5 || fail "--check-config takes a wrong option"
