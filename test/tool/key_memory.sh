#!/usr/bin/env bash
# Nobody who gets at the database's files, or at a core dump of an idle process after a call, has a key.
# Usage: key_memory.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
failed=0
start_fake_server "$claudio"
stop_fake_server_only() { kill "$server" && wait "$server" 2> /dev/null; server=; }
start_plain_server() {
  # The file of the server before it would be read as this one's.
  rm "$work/listening"
  "$1" fake-server --plaintext > "$work/listening" &
  server=$!
  for _ in $(seq 100); do grep -qs listening "$work/listening" && break; sleep 0.1; done
  server_url=$(sed -n 's/^listening on //p' "$work/listening")
}

# Different parts of it would be found in pieces of a copy.
api_key=sk-ant-api03-FirstPartOfTheKey-SecondPartOfTheKey-ThirdPartOfTheKey
token=FirstPartOfTheToken-SecondPartOfTheToken
passphrase=FirstPartOfThePassphrase-SecondPart
master=$(openssl rand -base64 32)
export CLAUDIO_STORE=sqlite:$work/claudio.db
store() { CLAUDIO_MASTER_KEY=$master "$claudio" "$@"; }
store store create
printf %s "$api_key" | store provider add anthropic --key-stdin --api-base "$server_url" --set "ca_file=$ca_file"
printf %s "$token" | store secret set anthropic --field headers.x-gateway-token
store model add claude-sonnet-4-6

# count FILE: how often a part of a secret stands there, as text or as a key's bytes
count() {
  python3 - "$1" "${CLAUDIO_STORE#sqlite:}.key" "$master" << 'PYTHON'
import base64, os, sys
content = open(sys.argv[1], "rb").read()
parts = [b"FirstPartOfThe", b"SecondPartOfThe", b"ThirdPartOfThe"]
masters = {sys.argv[3]}
if os.path.exists(sys.argv[2]):
    masters |= {line.strip() for line in open(sys.argv[2]) if not line.startswith("#")}
for master in masters:
    key = base64.b64decode(master)
    parts += [master.encode()[:20], master.encode()[22:], key[:16], key[16:]]
print(sum(content.count(part) for part in parts))
if "KEY_MEMORY_SHOW" in os.environ:
    for part in parts:
        at = content.find(part)
        while at >= 0:
            print(hex(at), content[max(0, at - 60):at + 60], file=sys.stderr)
            at = content.find(part, at + 1)
PYTHON
}

# The conversation waits for its second line while the core is written.
converse() { # NAME OPTION...
  local name=$1 options=${*:2}
  {
    printf 'hello\n'
    for _ in $(seq 600); do [ -e "$work/$name.end" ] && break; sleep 0.1; done
    printf '\004'
  } | script -qfec "echo \$\$ > $work/$name.pid; exec $claudio $options chat" "$work/$name.talk" > /dev/null &
  conversation=$!
  for _ in $(seq 200); do
    # The answer, and the prompt for the next line behind it.
    [ "$(grep -c '^> ' "$work/$name.talk" 2> /dev/null)" -ge 1 ] && grep -q 'You said: "hello"' "$work/$name.talk" && break
    sleep 0.1
  done
  sleep 0.5
  pid=$(cat "$work/$name.pid")
}
end_conversation() {
  touch "$work/$1.end"
  wait "$conversation"
}

require_no_key() { # FILE WHAT
  local found
  found=$(count "$1")
  [ "$found" = 0 ] || { echo "FAILED: $2 has parts of a key, $found times"; failed=1; }
}

export CLAUDIO_MASTER_KEY=$master
converse by_variable
unset CLAUDIO_MASTER_KEY
for file in "$work"/claudio.db*; do require_no_key "$file" "the database's file ${file##*/}"; done
gcore -o "$work/core" "$pid" > "$work/gcore" 2>&1 && [ -s "$work/core.$pid" ] ||
  { echo "FAILED: no core dump"; cat "$work/gcore" "$work/by_variable.talk"; failed=1; }
grep -q 'You said: "hello"' "$work/by_variable.talk" || { echo "FAILED: no call was made"; failed=1; }
[ "$failed" = 1 ] || require_no_key "$work/core.$pid" "a core dump"
rm -f "$work/core.$pid"
# The same with the pages that are left out: there they are, and the search finds them.
gdb -p "$pid" -batch -ex 'set dump-excluded-mappings on' -ex "generate-core-file $work/whole" > "$work/gcore" 2>&1
[ "$(count "$work/whole")" -gt 0 ] || { echo "FAILED: the search finds nothing where keys are"; cat "$work/gcore"; failed=1; }
rm -f "$work/whole"
end_conversation by_variable

# Keys from a file, and a key under a passphrase.
printf '%s\n' "$master" > "$work/claudio.db.key"
chmod 600 "$work/claudio.db.key"
converse by_file
gcore -o "$work/core" "$pid" > "$work/gcore" 2>&1
require_no_key "$work/core.$pid" "a core dump of a process with a key file"
rm -f "$work/core.$pid"
end_conversation by_file
(umask 077; printf '%s\n' "$passphrase" > "$work/passphrase")
export CLAUDIO_STORE=sqlite:$work/passphrase.db
options="--key passphrase:file:$work/passphrase"
"$claudio" $options store create
printf %s "$api_key" | "$claudio" $options provider add anthropic --key-stdin --api-base "$server_url" --set "ca_file=$ca_file"
"$claudio" $options model add claude-sonnet-4-6
converse by_passphrase "$options"
gcore -o "$work/core" "$pid" > "$work/gcore" 2>&1
require_no_key "$work/core.$pid" "a core dump of a process with a passphrase"
rm -f "$work/core.$pid"
end_conversation by_passphrase

# Where requests are not encrypted, the head with the key goes to the kernel as it is.
stop_fake_server_only
start_plain_server "$claudio"
export CLAUDIO_STORE=sqlite:$work/claudio.db
"$claudio" provider update anthropic --api-base "$server_url" --unset ca_file 2> /dev/null
converse by_http
grep -q 'You said: "hello"' "$work/by_http.talk" || { echo "FAILED: no call was made over http"; failed=1; }
gcore -o "$work/core" "$pid" > "$work/gcore" 2>&1
require_no_key "$work/core.$pid" "a core dump of a process that speaks http"
rm -f "$work/core.$pid"
end_conversation by_http

# Commands that end soon: a dump when they report something, one when they end, and one while SQLite writes.
case $(uname -m) in
  aarch64) first_argument='$x0' ;;
  *) first_argument='$rdi' ;;
esac
dump() { # NAME SYSCALL COMMAND...
  local name=$1 syscall=$2
  shift 2
  # To standard output or error, or with the exit status.
  local condition="condition 1 $first_argument <= 2"
  [ "$syscall" = fdatasync ] && condition='ignore 1 4'
  gdb -q -batch -ex 'set pagination off' -ex "catch syscall $syscall" -ex "$condition" -ex run \
    -ex "generate-core-file $work/core" -ex kill --args "$@" < /dev/null > "$work/gdb" 2>&1
  [ -s "$work/core" ] || { echo "FAILED: no core dump of $name"; tail -n 20 "$work/gdb"; failed=1; return; }
  require_no_key "$work/core" "a core dump of $name at $syscall"
  rm -f "$work/core"
}
cat > "$work/import.json" << JSON
{"providers": [{"name": "imported", "provider_type": "anthropic", "provider_config": {
  "api_keys": [{"api_key": "$api_key"}, {"api_key": "$api_key-2"}], "headers": {"x-gateway-token": "$token"}}}],
 "models": [{"name": "claude-haiku-4-5", "type": "LLM", "provider_name": "imported"}]}
JSON
for at in write exit_group; do
  dump 'config import' $at "$claudio" config import "$work/import.json"
  dump 'secret rotate' $at "$claudio" secret rotate --new-key
  [ "$at" = write ] || CLAUDIO_MASTER_KEY=$(grep -v '^#' "$work/claudio.db.key" | head -n 1) dump 'provider list with a key by variable' $at "$claudio" provider list
done
# With the comments of a file that the program has made.
export CLAUDIO_STORE=sqlite:$work/rotated.db
"$claudio" store create
printf %s "$api_key" | "$claudio" provider add anthropic --key-stdin
"$claudio" secret rotate --new-key > /dev/null
dump 'secret rotate' fdatasync "$claudio" secret rotate --new-key
exit $failed
