#!/usr/bin/env bash
# The client through tinyproxy. Exit status 77 (skipped) where that or python3 is missing;
# `bash test/setup.sh tinyproxy-bin python3` installs them.
# Usage: proxy.sh CLAUDIO
set -uo pipefail
claudio=$(realpath "$1")
source "$(dirname "${BASH_SOURCE[0]}")/processes.sh"
needs tinyproxy python3
unset REQUEST_METHOD http_proxy HTTP_PROXY https_proxy HTTPS_PROXY no_proxy NO_PROXY
password=interop-password # a word that is nowhere else

# listening FILE: waits until a server has said where
listening() {
  for _ in $(seq 500); do
    grep -qs listening "$1" && return
    sleep 0.02
  done
  fail "the fake server does not start" "$1"
  exit 1
}
"$claudio" fake-server --ca-out "$work/ca.pem" > "$work/secure" &
processes+=($!)
"$claudio" fake-server --plaintext > "$work/plain" &
processes+=($!)
listening "$work/secure"
listening "$work/plain"
secure=$(sed -n 's/^listening on //p' "$work/secure")
plain=$(sed -n 's/^listening on //p' "$work/plain")

# start_proxy NAME DIRECTIVE...: one of tinyproxy; its port is in ports[NAME]
declare -A ports
try_proxy() {
  local name=$1 proxy
  shift
  ports[$name]=$(python3 -c "
import socket
one = socket.socket()
one.bind(('127.0.0.1', 0))
print(one.getsockname()[1])")
  {
    printf 'Port %s\nListen 127.0.0.1\nTimeout 20\nMaxClients 20\nAllow 127.0.0.1\nLogLevel Connect\n' "${ports[$name]}"
    [ $# -gt 0 ] && printf '%s\n' "$@"
  } > "$work/$name.conf"
  tinyproxy -d -c "$work/$name.conf" > "$work/$name.log" 2>&1 &
  proxy=$!
  for _ in $(seq 250); do
    python3 -c "import socket; socket.create_connection(('127.0.0.1', ${ports[$name]}))" 2> /dev/null && break
    kill -0 $proxy 2> /dev/null || return
    sleep 0.02
  done
  processes+=($proxy)
}
start_proxy() {
  # Where the port was taken meanwhile, another is tried.
  for _ in 1 2 3; do
    try_proxy "$@" && return
  done
  fail "tinyproxy does not start" "$work/$1.log"
  exit 1
}
start_proxy open
start_proxy locked "BasicAuth someone $password"
start_proxy strict "ConnectPort 443"

# expect WHAT STATUS OUT ERR BASE PROXY ARGUMENTS...: all of stdout, and of the first line on stderr that is not the
# log's (with wildcards)
expect() {
  local what=$1 status=$2 out=$3 err=$4 base=$5 proxy=$6 ok=yes got
  shift 6
  cat > "$work/config.json" << JSON
{"providers": [{"name": "anthropic", "provider_type": "anthropic", "provider_config":
   {"api_key": "$key", "api_base": "$base", "ca_file": "$work/ca.pem", "proxy": "$proxy",
    "retry": {"max_retries": 0}, "timeout_ms": {"total": 10000}}}],
 "models": [{"name": "claude-sonnet-4-6", "type": "LLM", "provider_name": "anthropic"}]}
JSON
  "$claudio" --log-level debug chat --config "$work/config.json" "$@" > "$work/out" 2> "$work/err" < /dev/null
  got=$?
  [ "$got" -eq "$status" ] || ok="exit status $got instead of $status"
  [ "$(cat "$work/out")" = "$out" ] || ok="not '$out' on stdout"
  [[ $(grep -v '^\[' "$work/err" | head -n 1) == $err ]] || ok="not '$err' on stderr"
  grep -qF -e interop -e "$(printf %s "someone:$password" | base64)" "$work/out" "$work/err" && ok="a secret is printed"
  [ "$ok" = yes ] || fail "$what: $* ($ok)" "$work/out" "$work/err"
}

# logged NAME PATTERN: in this proxy's log
logged() {
  for _ in $(seq 100); do
    grep -q -- "$2" "$work/$1.log" && return
    sleep 0.02
  done
  fail "$1: nothing like '$2' in tinyproxy's log" "$work/$1.log"
}

hello="Hello! This is claudio's fake server. You said: \"hello\""
open=127.0.0.1:${ports[open]} locked=127.0.0.1:${ports[locked]} strict=127.0.0.1:${ports[strict]}
signed_in=someone:${password/-/%2D}@$locked

expect "a tunnel" 0 "$hello" '' "$secure" "http://$open" hello
logged open "CONNECT ${secure:8:${#secure}-11} HTTP/1.1"
expect "a tunnel" 0 "$hello" '' "$secure" "http://$open" --stream hello
expect "plain" 0 "$hello" '' "$plain" "http://$open" hello
logged open "POST $plain/messages HTTP/1.1"
expect "plain" 0 "$hello" '' "$plain" "http://$open" --stream hello

expect "signed in" 0 "$hello" '' "$secure" "http://$signed_in" hello
expect "signed in" 0 "$hello" '' "$plain" "http://$signed_in" hello
for base in "$secure" "$plain"; do
  expect "not signed in" 1 '' \
    "claudio: authentication (HTTP 407): the proxy $locked (provider_config.proxy) wants a user name and a password; *" \
    "$base" "http://$locked" hello
done
# tinyproxy says 401.
expect "signed in wrongly" 1 '' \
  "claudio: authentication (HTTP 401): the proxy $locked (provider_config.proxy) refuses the user name and the password; *" \
  "$secure" "http://someone:else-than-that@$locked" hello
expect "a port that is not let pass" 1 '' \
  "claudio: permission (HTTP 403): the proxy $strict (provider_config.proxy) does not let connections to * pass: *" \
  "$secure" "http://$strict" hello
expect "an endpoint that is not there" 1 '' \
  "claudio: connect (HTTP 5??): the proxy $open (provider_config.proxy) could not reach 127.0.0.1:1: *" \
  https://127.0.0.1:1/v1 "http://$open" hello
expect "a proxy that is not there" 1 '' \
  "claudio: connect: while connecting to the proxy 127.0.0.1:1 (provider_config.proxy): Connection refused" \
  "$secure" http://127.0.0.1:1 hello

# The environment: this address is no loopback address, but leads there.
export https_proxy=http://$open
elsewhere=${secure/127.0.0.1/0.0.0.0}
unset_in_config() { sed -i 's/"proxy": "[^"]*",//' "$work/config.json"; }
expect "the configuration against the environment" 1 '' 'claudio: tls: *' "$elsewhere" '' hello
unset_in_config
chat() { "$claudio" --log-level debug chat --config "$work/config.json" hello > "$work/out" 2> "$work/err" < /dev/null; }
chat
grep -q "proxy=\"the proxy $open (https_proxy)\" server=${elsewhere:8:${#elsewhere}-11}" "$work/err" ||
  fail "the environment's proxy is not used" "$work/err"
(export no_proxy=0.0.0.0/8; chat)
grep -q "(https_proxy)" "$work/err" && fail "no_proxy does not matter" "$work/err"
[ ! -e "$work/failed" ]
