#!/usr/bin/env bash
# The client against nginx and `openssl s_server`. Exit status 77 (skipped) where one of them or python3 is missing;
# `bash test/setup.sh nginx-light openssl python3` installs them.
# Usage: run.sh CLAUDIO
set -uo pipefail
claudio=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/processes.sh"
needs nginx openssl python3 script

# A certificate authority, and a certificate of each kind for this machine.
certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/ca.key" -out "$work/ca.pem" -days 2 \
    -subj "/CN=claudio interop" -addext "keyUsage=critical,keyCertSign" || return
  local kind arguments
  for kind in rsa ecdsa ed25519; do
    case $kind in
      rsa) arguments=(-newkey rsa:2048) ;;
      ecdsa) arguments=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) ;;
      *) arguments=(-newkey $kind) ;;
    esac
    openssl req "${arguments[@]}" -nodes -keyout "$work/$kind.key" -out "$work/$kind.csr" -subj "/CN=localhost" || return
    openssl x509 -req -in "$work/$kind.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
      -out "$work/$kind.pem" -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") || return
  done
}
certificates > "$work/certificates" 2>&1 || { fail "the certificates" "$work/certificates"; exit 1; }

# Both need the certificates only.
python3 "$here/s_server.py" "$claudio" "$work" > "$work/s_server" 2>&1 &
s_server=$!
processes+=($s_server)

# upstream NAME ARGUMENTS...: a fake server; its address is in upstreams[NAME]
declare -A upstreams
upstream() {
  local name=$1
  shift
  "$claudio" fake-server --plaintext "$@" > "$work/$name.upstream" &
  processes+=($!)
  for _ in $(seq 500); do
    grep -qs listening "$work/$name.upstream" && break
    sleep 0.02
  done
  upstreams[$name]=$(sed -n 's/^listening on \(.*\)\/v1$/\1/p' "$work/$name.upstream")
}
# In whole answers the text comes once, in streams as often as repeat_deltas says.
echo '{"requests": [{"text": "0123456789abcdef", "repeat_deltas": 5000, "times": 1000}]}' > "$work/long.json"
echo '{"requests": [{"stall_after": 0}]}' > "$work/stall.json"
echo '{"requests": [{"text": "one two three", "half_body": true, "times": 2}]}' > "$work/broken.json"
upstream plain
upstream long --script "$work/long.json"
upstream paced --pace 30ms
upstream stall --script "$work/stall.json"
upstream broken --script "$work/broken.json"
upstream broken_stream --script "$work/broken.json"

# server NAME UPSTREAM CERTIFICATE [DIRECTIVE...]: one of nginx, with a log of its own
declare -A ports
names=()
server() {
  local name=$1 upstream=$2 certificate=$3
  shift 3
  names+=("$name")
  {
    echo "server {"
    echo "  listen 127.0.0.1:PORT_OF_$name ${listen:-ssl};"
    echo "  ssl_certificate $work/$certificate.pem; ssl_certificate_key $work/$certificate.key;"
    echo "  access_log $work/$name.log interop;"
    [ $# -gt 0 ] && printf '  %s;\n' "$@"
    echo "  location / { proxy_pass $upstream; }"
    echo "}"
  } >> "$work/servers"
}

certificates=(rsa ecdsa)
for version in 1.2 1.3; do
  for certificate in "${certificates[@]}"; do
    server "tickets-$version-$certificate" "${upstreams[plain]}" $certificate "ssl_protocols TLSv$version" \
      "keepalive_requests 1" "ssl_session_tickets on" "ssl_session_cache off"
    server "cache-$version-$certificate" "${upstreams[plain]}" $certificate "ssl_protocols TLSv$version" \
      "keepalive_requests 1" "ssl_session_tickets off" "ssl_session_cache shared:cache$version$certificate:1m"
    server "neither-$version-$certificate" "${upstreams[plain]}" $certificate "ssl_protocols TLSv$version" \
      "keepalive_requests 1" "ssl_session_tickets off" "ssl_session_cache off"
  done
  for size in 4k 16k; do
    server "records-$version-$size" "${upstreams[long]}" rsa "ssl_protocols TLSv$version" "ssl_buffer_size $size"
  done
  server "keep-$version" "${upstreams[plain]}" ecdsa "ssl_protocols TLSv$version"
  server "idle-$version" "${upstreams[plain]}" ecdsa "ssl_protocols TLSv$version" "keepalive_timeout 200ms"
  server "client-certificate-$version" "${upstreams[plain]}" ecdsa "ssl_protocols TLSv$version" \
    "ssl_client_certificate $work/ca.pem" "ssl_verify_client on"
  # The answer's length is not known to nginx: chunked, or to the end of the connection.
  server "chunked-$version" "${upstreams[long]}" rsa "ssl_protocols TLSv$version" \
    "sub_filter_types application/json" "sub_filter nowhere nothing"
  server "unframed-$version" "${upstreams[long]}" rsa "ssl_protocols TLSv$version" \
    "sub_filter_types application/json" "sub_filter nowhere nothing" "chunked_transfer_encoding off"
  server "paced-$version" "${upstreams[paced]}" rsa "ssl_protocols TLSv$version" "proxy_buffering off"
  server "keep-large-$version" "${upstreams[plain]}" ecdsa "ssl_protocols TLSv$version"
  server "unbuffered-$version" "${upstreams[plain]}" rsa "ssl_protocols TLSv$version" "proxy_request_buffering off"
  server "small-$version" "${upstreams[plain]}" rsa "ssl_protocols TLSv$version" "client_max_body_size 1k"
done
server ed25519 "${upstreams[plain]}" ed25519
server cbc "${upstreams[plain]}" rsa "ssl_protocols TLSv1.2" "ssl_ciphers ECDHE-RSA-AES128-SHA256"
server chacha "${upstreams[plain]}" rsa "ssl_protocols TLSv1.2" "ssl_ciphers ECDHE-RSA-CHACHA20-POLY1305"
server retried-hello "${upstreams[plain]}" ecdsa "ssl_protocols TLSv1.3" "ssl_ecdh_curve secp384r1"
listen="ssl http2" server http2 "${upstreams[plain]}" ecdsa
listen="default_server" server plaintext "${upstreams[plain]}" ecdsa
# An upstream that is not there.
server gone http://127.0.0.1:1 ecdsa
server stall "${upstreams[stall]}" ecdsa "proxy_read_timeout 300ms"
server broken "${upstreams[broken]}" ecdsa
server broken-stream "${upstreams[broken_stream]}" ecdsa

# Ports that are free now; if one is taken in the meantime, nginx says so and others are tried.
start_nginx() {
  local found name nginx
  found=($(python3 -c "
import socket
sockets = [socket.socket() for _ in range(${#names[@]})]
for one in sockets: one.bind(('127.0.0.1', 0))
print(*(one.getsockname()[1] for one in sockets))"))
  for name in "${names[@]}"; do
    ports[$name]=${found[0]}
    found=("${found[@]:1}")
  done
  cat > "$work/nginx.conf" << CONF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.error;
events { worker_connections 512; }
http {
  client_body_temp_path $work/client_body;
  proxy_temp_path $work/proxy;
  fastcgi_temp_path $work/fastcgi;
  uwsgi_temp_path $work/uwsgi;
  scgi_temp_path $work/scgi;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  client_max_body_size 16m;
  log_format interop '\$ssl_protocol \$ssl_session_reused \$connection_requests \$status \$ssl_cipher \$ssl_curve '
    'alpn=\$ssl_alpn_protocol length=\$sent_http_content_length encoding=\$sent_http_transfer_encoding '
    'request=\$request_length';
CONF
  {
    sed "$(for name in "${!ports[@]}"; do echo "s/PORT_OF_$name\([ ;]\)/${ports[$name]}\1/;"; done)" "$work/servers"
    echo "}"
  } >> "$work/nginx.conf"
  nginx -p "$work" -e "$work/nginx.error" -c "$work/nginx.conf" > "$work/nginx" 2>&1 &
  nginx=$!
  while [ ! -s "$work/nginx.pid" ]; do
    kill -0 $nginx 2> /dev/null || return
    sleep 0.02
  done
  processes+=($nginx)
}
for _ in 1 2 3 4 5; do
  start_nginx && break
  grep -q 'Address already in use' "$work/nginx" "$work/nginx.error" || break
done
[ -s "$work/nginx.pid" ] || { fail "nginx does not start" "$work/nginx" "$work/nginx.error"; exit 1; }

config() { # NAME: the configuration that leads to this server
  cat > "$work/$1.json" << JSON
{"providers": [{"name": "anthropic", "provider_type": "anthropic", "provider_config":
   {"api_key": "$key", "api_base": "https://127.0.0.1:${ports[$1]}/v1", "ca_file": "$work/ca.pem",
    "retry": {"max_retries": 0}, "timeout_ms": {"total": 10000}}}],
 "models": [{"name": "claude-sonnet-4-6", "type": "LLM", "provider_name": "anthropic"}]}
JSON
}

# expect NAME STATUS OUT ERR ARGUMENTS...: all of stdout, and of the first line on stderr that is not the log's (with
# wildcards)
expect() {
  local name=$1 status=$2 out=$3 err=$4 ok=yes got
  shift 4
  config "$name"
  "$claudio" --log-level debug chat --config "$work/$name.json" "$@" > "$work/out" 2> "$work/err" < "${stdin:-/dev/null}"
  got=$?
  [ "$got" -eq "$status" ] || ok="exit status $got instead of $status"
  [ "$(cat "$work/out")" = "$out" ] || ok="not '${out:0:100}' on stdout"
  [[ $(grep -v '^\[' "$work/err" | head -n 1) == $err ]] || ok="not '$err' on stderr"
  grep -q "$key" "$work/out" "$work/err" && ok="the key is printed"
  [ "$ok" = yes ] || fail "$name: $* (${ok:0:300})" "$work/out" "$work/err"
}

# logged NAME PATTERN...: the lines of this server's log, one for each pattern; nginx writes one after the answer
logged() {
  local name=$1 line=0 ok=yes pattern
  shift
  for _ in $(seq 100); do
    [ "$(wc -l < "$work/$name.log")" -ge $# ] && break
    sleep 0.02
  done
  [ "$(wc -l < "$work/$name.log")" -eq $# ] || ok="$# lines expected"
  for pattern in "$@"; do
    line=$((line + 1))
    sed -n ${line}p "$work/$name.log" | grep -qE -- "^$pattern\$" || ok="line $line is not '$pattern'"
  done
  [ "$ok" = yes ] || fail "$name: nginx's log ($ok)" "$work/$name.log"
}

# A conversation: one client, three answers, PAUSE seconds between them.
on_screen() {
  for _ in $(seq 200); do
    grep -qs -- "$2" "$work/$1.talk" && return
    sleep 0.1
  done
  return 1
}
converse() { # NAME [PAUSE]
  local name=$1 ok=yes status
  config "$name"
  {
    on_screen "$name" '^> ' && echo first
    on_screen "$name" 'You said: "first"' && sleep "${2:-0}" && echo second
    on_screen "$name" 'You said: "second"' && sleep "${2:-0}" && echo third
    on_screen "$name" 'You said: "third"' && printf '\004'
  } | timeout 20 script -qfec "exec $claudio chat --config $work/$name.json" "$work/$name.talk" > /dev/null
  status=$?
  [ $status -eq 0 ] || ok="exit status $status"
  grep -q 'You said: "third"' "$work/$name.talk" || ok="no third answer"
  grep -q "$key" "$work/$name.talk" && ok="the key is printed"
  [ "$ok" = yes ] || fail "$name: a conversation ($ok)" "$work/$name.talk"
}

hello="Hello! This is claudio's fake server. You said: \"hello\""
short=0123456789abcdef
long=$(yes $short | head -n 5000 | tr -d '\n')
yes abcdefgh | head -n 50000 | tr -d '\n' > "$work/prompt"
yes abcdefgh | head -n 500000 | tr -d '\n' > "$work/large"

# Conversations, beside all else as they mostly wait. Each answer on a connection of its own: resumed where the server
# lets it.
resumption() { # VERSION
  local certificate way reused name
  for certificate in "${certificates[@]}"; do
    for way in tickets cache neither; do
      name=$way-$1-$certificate
      reused=r
      [ $way = neither ] && reused=\\.
      converse "$name"
      logged "$name" "TLSv$1 \\. 1 200 .*" "TLSv$1 $reused 1 200 .*" "TLSv$1 $reused 1 200 .*"
    done
  done
}
# One connection for all answers; and one for each, as the server closes it in the pause.
keeping() { # VERSION
  converse "keep-$1"
  logged "keep-$1" "TLSv$1 \\. 1 200 .*" "TLSv$1 \\. 2 200 .*" "TLSv$1 \\. 3 200 .*"
  converse "idle-$1" 1
  logged "idle-$1" "TLSv$1 \\. 1 200 .*" "TLSv$1 r 1 200 .*" "TLSv$1 r 1 200 .*"
}
conversations=()
for version in 1.2 1.3; do
  resumption $version &
  conversations+=($!)
  keeping $version &
  conversations+=($!)
done

page="HTTP status ??? with a body that is not a Messages API answer (text/html): <html>*"

for version in 1.2 1.3; do
  for size in 4k 16k; do
    expect records-$version-$size 0 "$long" '' --stream hello
    expect records-$version-$size 0 "$long" '' hello
    logged records-$version-$size ".* length=- encoding=chunked .*" ".* length=[0-9]+ encoding=- .*"
  done
  for framing in chunked unframed; do
    expect $framing-$version 0 "$long" '' --stream hello
    expect $framing-$version 0 "$long" '' hello
    encoding=chunked
    [ $framing = unframed ] && encoding=-
    logged $framing-$version ".* length=- encoding=$encoding .*" ".* length=- encoding=$encoding .*"
  done
  expect paced-$version 0 "$hello" '' --stream hello
  logged paced-$version ".* length=- encoding=chunked .*"

  # Large requests; what nginx refuses it says before it has read them.
  stdin=$work/prompt expect keep-large-$version 0 "${hello/hello/$(cat "$work/prompt")}" '' -
  logged keep-large-$version "TLSv$version .* request=40[0-9]{4}"
  stdin=$work/prompt expect unbuffered-$version 0 "${hello/hello/$(cat "$work/prompt")}" '' -
  logged unbuffered-$version "TLSv$version .* request=40[0-9]{4}"
  stdin=$work/large expect small-$version 1 '' "claudio: request_too_large (HTTP 413): $page<title>413 Request Entity Too Large</title>*" -
  logged small-$version "TLSv$version \\. 1 413 .*"
  expect client-certificate-$version 1 '' "claudio: invalid_request (HTTP 400): $page<title>400 No required SSL certificate was sent</title>*" hello
  logged client-certificate-$version "TLSv$version \\. 1 400 .*"
done
expect ed25519 0 "$hello" '' hello
logged ed25519 ".* 1 200 .*"
expect cbc 0 "$hello" '' hello
logged cbc "TLSv1.2 \\. 1 200 ECDHE-RSA-AES128-SHA256 .*"
expect chacha 0 "$hello" '' hello
logged chacha "TLSv1.2 \\. 1 200 ECDHE-RSA-CHACHA20-POLY1305 .*"
expect retried-hello 0 "$hello" '' hello
logged retried-hello "TLSv1.3 \\. 1 200 .* secp384r1 .*"
expect http2 0 "$hello" '' hello
logged http2 "TLSv1.[23] .* alpn=http/1.1 .*"
expect plaintext 1 '' 'claudio: tls: TLS handshake with 127.0.0.1 failed: wrong version number' hello
expect gone 1 '' "claudio: server_error (HTTP 502): $page<title>502 Bad Gateway</title>*" hello
logged gone ".* 502 .*"
expect gone 1 '' "claudio: server_error (HTTP 502): $page<title>502 Bad Gateway</title>*" --stream hello
expect stall 1 '' "claudio: server_error (HTTP 504): $page<title>504 Gateway Time-out</title>*" hello
logged stall ".* 504 .*"
# nginx ends an answer that its upstream did not complete with a close_notify.
expect broken 1 '' "claudio: connect: the connection broke while reading the answer's body: the peer closed it" hello
expect broken-stream 1 '' \
  "claudio: connect: the connection broke while reading the answer's body: the peer closed it" --stream hello

wait "${conversations[@]}"
wait $s_server || { cat "$work/s_server"; touch "$work/failed"; }
[ ! -e "$work/failed" ]
