#!/usr/bin/env bash
# Nobody who gets at the database's files, or at a core dump of an idle process after a call, has a key.
# Usage: key_memory.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
failed=0
start_fake_server "$claudio"

# Different parts of it would be found in pieces of a copy.
api_key=sk-ant-api03-FirstPartOfTheKey-SecondPartOfTheKey-ThirdPartOfTheKey
token=FirstPartOfTheToken-SecondPartOfTheToken
passphrase=FirstPartOfThePassphrase-SecondPart
master=$(openssl rand -base64 32)
export CLAUDIO_STORE=sqlite:$work/claudio.db
store() { CLAUDIO_MASTER_KEY=$master "$claudio" "$@"; }
printf %s "$api_key" | store provider add anthropic --key-stdin --api-base "$server_url" --set "ca_file=$ca_file"
printf %s "$token" | store secret set anthropic --field headers.x-gateway-token
store model add claude-sonnet-4-6

# count FILE: how often a part of a secret stands there, as text or as a key's bytes
count() {
  python3 - "$1" "$api_key" "$token" "$passphrase" "$master" << 'PYTHON'
import base64, sys
content = open(sys.argv[1], "rb").read()
parts = [b"FirstPartOfThe", b"SecondPartOfThe", b"ThirdPartOfThe"]
key = base64.b64decode(sys.argv[5])
parts += [sys.argv[5].encode()[:20], sys.argv[5].encode()[22:], key[:16], key[16:]]
print(sum(content.count(part) for part in parts))
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
printf '%s\n' "$passphrase" > "$work/passphrase"
export CLAUDIO_STORE=sqlite:$work/passphrase.db
options="--key passphrase:file:$work/passphrase"
printf %s "$api_key" | "$claudio" $options provider add anthropic --key-stdin --api-base "$server_url" --set "ca_file=$ca_file"
"$claudio" $options model add claude-sonnet-4-6
converse by_passphrase "$options"
gcore -o "$work/core" "$pid" > "$work/gcore" 2>&1
require_no_key "$work/core.$pid" "a core dump of a process with a passphrase"
end_conversation by_passphrase
exit $failed
