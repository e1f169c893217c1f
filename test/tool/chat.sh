#!/usr/bin/env bash
# The program as a user meets it: what is printed where, and the exit status.
# Usage: chat.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/expect.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
export XDG_CONFIG_HOME=$work/config

start_fake_server "$claudio"
base=$server_url

config() {
  cat > "$work/config.json" << JSON
{"providers": [{"name": "anthropic", "provider_type": "anthropic", "provider_config":
   {"api_key": "${key:-sk-ant-test-key}", "api_base": "${1:-$base}", "ca_file": "$work/ca.pem",
    "retry": {"max_retries": 1, "base_delay_ms": 1}}}],
 "models": [{"name": "${model:-claude-sonnet-4-6}", "type": "LLM", "provider_name": "anthropic"}]}
JSON
}

expect 0 'chat' '' "$claudio" --help
expect 0 'max-tokens' '' "$claudio" chat --help
expect 0 'ca-out' '' "$claudio" fake-server --help
expect 0 '^claudio [0-9]' '' "$claudio" --version
expect 2 '' '.' "$claudio"
expect 2 '' '.' "$claudio" no-such-command
expect 2 '' 'PROMPT is missing' "$claudio" chat
expect 2 '' 'excludes' "$claudio" chat --stream --tools-demo hello
expect 2 '' 'temperature' "$claudio" chat --temperature hot hello
expect 2 '' 'ANTHROPIC_API_KEY is not set' "$claudio" chat hello
ANTHROPIC_API_KEY=' ' expect 2 '' 'ANTHROPIC_API_KEY" is empty' "$claudio" chat hello
expect 2 '' 'no/such/file' "$claudio" chat --config /no/such/file hello
expect 2 '' 'ADDRESS:PORT' "$claudio" fake-server --listen nowhere
expect 2 '' '--rpm' "$claudio" fake-server --rpm 0

config
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" hello
expect 0 '^\{.*"object":"chat.completion".*"usage"' '' "$claudio" chat --config "$work/config.json" --json hello
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --system brief --max-tokens 5 --temperature 0.5 hello
echo 'from a pipe' > "$work/prompt"
stdin=$work/prompt expect 0 'You said: "from a pipe' '' "$claudio" chat --config "$work/config.json" -
stdin=/dev/null expect 2 '' 'the prompt is empty' "$claudio" chat --config "$work/config.json" -
expect 2 '' 'did you mean "claude-sonnet-4-6"' "$claudio" chat --config "$work/config.json" --model claude-sonet-4-6 hello
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$base SSL_CERT_FILE=$work/ca.pem \
  expect 0 'You said: "hello"$' 'temperature' "$claudio" chat --temperature 0.5 hello
ANTHROPIC_API_KEY=$'sk-ant-x\n' ANTHROPIC_BASE_URL=${base/https/HTTPS}$'\n' SSL_CERT_FILE=$work/ca.pem \
  expect 0 'You said: "hello"$' '' "$claudio" chat hello
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$base SSL_CERT_FILE=/no/such/ca.pem \
  expect 1 '' 'SSL_CERT_FILE names "/no/such/ca.pem"' "$claudio" chat hello

expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --stream hello
expect 0 '^\{.*"object":"chat.completion.chunk".*"finish_reason":"stop"' '' "$claudio" chat --config "$work/config.json" --stream --json hello
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --tools-demo hello

# A second server: a model that calls a tool, a stream that breaks, and answers slow enough to be cancelled.
cat > "$work/script.json" << 'JSON'
{"requests": [{"tool_calls": [{"name": "add", "input": {"numbers": [1, 2]}}, {"name": "add", "input": {}}]},
  {"text": "It is 3."}, {"text": "one two three", "cut_after_events": 4}]}
JSON
"$claudio" fake-server --plaintext --pace 400ms --script "$work/script.json" > "$work/second" &
second=$!
for _ in $(seq 100); do grep -qs listening "$work/second" && break; sleep 0.1; done
slow=$(sed -n 's/^listening on //p' "$work/second")
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow \
  expect 0 '^It is 3.$' 'add .*numbers.*-> "3' "$claudio" chat --tools-demo 'One and two?'
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow expect 1 '^one' 'stream_truncated' "$claudio" chat --stream hello
# A conversation at a terminal: the first answer is cancelled by Ctrl-C, the program goes on, Ctrl-D ends it.
# Each key is typed when what it answers is on the screen; exec, as a shell between would end by the Ctrl-C itself.
on_screen() {
  for _ in $(seq 200); do
    grep -qs -- "$1" "$work/talk" && return
    sleep 0.1
  done
}
{
  on_screen '^> ' && printf 'first\n'
  on_screen 'Hello' && printf '\003'
  on_screen 'claudio: cancelled' && printf 'second\n'
  on_screen 'You said: "second"' && sleep 1 && printf '\004'
} | ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow timeout 60 script -qfec "exec $claudio chat" "$work/talk" > /dev/null
status=$?
if [ $status -ne 0 ] || ! grep -q 'claudio: cancelled' "$work/talk" || grep -q 'You said: "first"' "$work/talk" ||
  ! grep -q 'You said: "second"' "$work/talk"; then
  echo "FAILED: a conversation at a terminal (status $status)"
  sed 's/^/  /' "$work/talk"
  failed=1
fi
# SIGTERM while an answer streams: it is finished first.
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow "$claudio" chat --stream 'the last one' > "$work/drained" 2>&1 &
draining=$!
for _ in $(seq 100); do grep -qs 'You' "$work/drained" && break; sleep 0.1; done
kill -TERM "$draining"
wait "$draining"
status=$?
if [ $status -ne 143 ] || ! grep -q 'You said: "the last one"$' "$work/drained"; then
  echo "FAILED: SIGTERM during an answer (status $status)"
  sed 's/^/  /' "$work/drained"
  failed=1
fi
kill "$second" && wait "$second" 2> /dev/null

config "${base%/v1}/v2"
expect 1 '' 'model_not_found \(HTTP 404, not_found_error\).*request id req_' "$claudio" chat --config "$work/config.json" hello
config https://127.0.0.1:1/v1
expect 1 '' 'Connection refused' "$claudio" chat --config "$work/config.json" hello
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$base expect 1 '' 'ca_file' "$claudio" chat hello
config http://example.com/v1
expect 2 '' 'providers\[0\].provider_config.api_base' "$claudio" chat --config "$work/config.json" hello
config
expect 0 'hello' 'request_id=req_' "$claudio" --log-level debug chat --config "$work/config.json" hello
grep -q 'sk-ant-test-key' "$work/err" && { echo "FAILED: the debug log shows the key"; failed=1; }
exit $failed
