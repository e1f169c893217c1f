#!/usr/bin/env bash
# The example answers with models of a database that the program made.
# Usage: database_example.sh CLAUDIO EXAMPLE
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
unset CLAUDIO_MASTER_KEY
start_fake_server "$1"
export CLAUDIO_STORE=sqlite:$work/claudio.db
"$1" store create
printf 'sk-ant-x' | "$1" provider add anthropic --key-stdin --api-base "$server_url" --set "ca_file=$ca_file"
"$1" provider add keyless < /dev/null
"$1" model add claude-sonnet-4-6 --provider anthropic
"$1" model add claude-haiku-4-5 --provider keyless
"$2" "$CLAUDIO_STORE" "$work/claudio.db.key" > "$work/answers"
cat "$work/answers"
grep -q '^claude-sonnet-4-6: Hello!' "$work/answers" && grep -q '^claude-haiku-4-5: .*no secret is stored' "$work/answers"
