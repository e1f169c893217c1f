#!/usr/bin/env bash
# The program as a user meets it: what is printed where, and the exit status.
# Usage: chat.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/expect.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
export XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state

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
expect 2 '' 'no command "claudio no-such-command"; the commands are chat, provider' "$claudio" no-such-command
expect 2 '' 'no command "claudio chta"; did you mean chat\?' "$claudio" chta hello
expect 2 '' 'no command "claudio provider lst"; did you mean list\?' "$claudio" provider lst
expect 2 '' 'no command "claudio store crate"; did you mean create\?' "$claudio" store crate
expect 2 '' 'A subcommand is required: set, list' "$claudio" secret
expect 2 '' 'no option --modle; did you mean --model\?' "$claudio" chat --modle x hello
expect 2 '' 'no option --sotre; did you mean --store\?' "$claudio" provider list --sotre=sqlite:x
expect 2 '' 'no option --key-fil; did you mean --key-file\?' "$claudio" provider add --key-fil x
expect 2 '' '"is" is one too many; a text with spaces needs quotes' "$claudio" chat what is this
expect 2 '' '--log-level: there is no level "verbose"; it is one of debug, info, warning, error, off' "$claudio" --log-level verbose chat hello
expect 2 '' '"2" has no unit; write 2ms or 2s' "$claudio" fake-server --latency 2
expect 2 '' 'expected a time such as 200ms' "$claudio" fake-server --pace 2h
expect 2 '' 'PROMPT is missing' "$claudio" chat
expect 2 '' 'excludes' "$claudio" chat --stream --tools-demo hello
expect 2 '' 'temperature' "$claudio" chat --temperature hot hello
expect 2 '' 'ANTHROPIC_API_KEY is not set' "$claudio" chat hello
ANTHROPIC_API_KEY=' ' expect 2 '' 'ANTHROPIC_API_KEY" is empty' "$claudio" chat hello
expect 2 '' 'no/such/file' "$claudio" chat --config /no/such/file hello
expect 2 '' 'ADDRESS:PORT' "$claudio" fake-server --listen nowhere
expect 2 '' '--rpm' "$claudio" fake-server --rpm 0

# What a newcomer's shell needs, and no file that stays when the server has gone.
[ "$(cat "$work/listening")" = "listening on $base" ] || { echo "FAILED: more than the address for a script"; failed=1; }
TMPDIR=$work "$claudio" fake-server > "$work/variables" &
own=$!
for _ in $(seq 100); do grep -qs SSL_CERT_FILE "$work/variables" && break; sleep 0.1; done
(. <(grep export "$work/variables"); expect 0 'You said: "hello"$' '' "$claudio" chat hello; exit $failed) || failed=1
kill "$own" && wait "$own" || { echo "FAILED: the fake server's exit status"; failed=1; }
ls "$work"/claudio-ca-* 2> /dev/null && { echo "FAILED: a temporary file is left"; failed=1; }

config
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" hello
expect 0 '^\{.*"object":"chat.completion".*"usage"' '' "$claudio" chat --config "$work/config.json" --json hello
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --system brief --max-tokens 5 --temperature 0.5 hello
echo 'from a pipe' > "$work/prompt"
stdin=$work/prompt expect 0 'You said: "from a pipe' '' "$claudio" chat --config "$work/config.json" -
stdin=/dev/null expect 2 '' 'the prompt is empty' "$claudio" chat --config "$work/config.json" -
# What is piped in goes below the prompt, or is the prompt.
piped() { # STATUS OUT ERR COMMAND ARGUMENTS...: the arguments of chat behind a pipe
  local status=$1 out=$2 err=$3 from=$4
  shift 4
  behind_pipe() { eval "$from" | "$claudio" chat --config "$work/config.json" "$@"; }
  expect "$status" "$out" "$err" behind_pipe "$@"
}
piped 0 'You said: "from a pipe$' '' "echo from a pipe"
piped 0 'You said: "Review this$' '' "printf 'line 1\\nline 2'" 'Review this'
grep -qx 'line 2"' "$work/out" || { echo "FAILED: what was piped in is not below the prompt"; failed=1; }
piped 0 'You said: "hello"$' '' : hello
piped 2 '' 'PROMPT is missing, and standard input is empty' :
piped 2 '' 'PROMPT is missing, and standard input is empty' "printf ' \\n'"
piped 2 '' 'standard input is not text in UTF-8 \(see its byte 3\)' "printf 'ab\\377'"
piped 2 '' 'standard input is not text in UTF-8 \(see its byte 2\)' "printf 'a\\0b'" hello
piped 2 '' 'standard input has more than 32 MiB' 'yes'
closed() { "$claudio" chat --config "$work/config.json" "$@" <&-; }
expect 0 'You said: "hello"$' '' closed hello
expect 2 '' 'PROMPT is missing' closed
unreadable() { "$claudio" chat --config "$work/config.json" hello 0> "$work/write_only"; }
expect 2 '' "can't read standard input: Bad file descriptor" unreadable
stdin=$work expect 2 '' "can't read standard input: Is a directory" "$claudio" chat --config "$work/config.json" hello
no_output() { "$claudio" chat --config "$work/config.json" hello >&-; }
expect 1 '' "can't write the answer to standard output" no_output
expect 2 '' 'PROMPT is not text in UTF-8' "$claudio" chat --config "$work/config.json" $'\xff'
expect 2 '' 'did you mean "claude-sonnet-4-6"\?.*configured: claude-sonnet-4-6; add it to models in' "$claudio" chat --config "$work/config.json" --model claude-sonet-4-6 hello
expect 0 'You said: "hello"$' 'claude-sonnet-4-6: [0-9]+ tokens in, [0-9]+ out, \$' "$claudio" chat --config "$work/config.json" -v hello

# Attachments: the files go before the question; what can't be attached is told.
printf '\211PNG\r\n\032\nxxxx' > "$work/a.png"
printf '\377\330\377\340xxxx' > "$work/b.bin"
printf '%%PDF-1.7\nxxxx' > "$work/c.pdf"
printf 'a text, ünd more' > "$work/d.txt"
expect 0 'You said: "look"$' '' "$claudio" chat --config "$work/config.json" -f "$work/a.png" -f "$work/b.bin" -f "$work/c.pdf" --file "$work/d.txt" look
printf '\000\001\002' > "$work/e.bin"
: > "$work/empty"
mkfifo "$work/fifo"
truncate -s 40M "$work/large"
while read -r file message; do
  expect 2 '' "-f $file: $message" "$claudio" chat --config "$work/config.json" -f "$file" look
done << FILES
$work/none No such file or directory
$work a folder
$work/fifo not a regular file
/dev/zero not a regular file
$work/empty the file is empty
$work/large too large
$work/e.bin unknown kind of file; Claude takes PNG, JPEG, GIF, WebP, PDF, and text in UTF-8
FILES

# Nothing is kept unless it is asked for; what is kept is its owner's alone, whatever lies in its place.
[ -e "$work/state" ] && { echo "FAILED: something was kept"; failed=1; }
expect 0 'You said: "one"$' '' "$claudio" chat --config "$work/config.json" --keep one
kept=$work/state/claudio/conversation.json
[ "$(stat -c %a "$work/state/claudio" "$kept" | tr '\n' ' ')" = '700 600 ' ] || { echo "FAILED: modes of what is kept"; failed=1; }
expect 0 'You said: "two"$' '' "$claudio" chat --config "$work/config.json" -c two
[ "$(grep -o '"role":"user"' "$kept" | wc -l)" = 2 ] || { echo "FAILED: -c does not go on"; failed=1; }
chmod 755 "$work/state/claudio"
mv "$kept" "$work/elsewhere.json" && ln -s "$work/elsewhere.json" "$kept"
expect 2 '' 'the kept conversation: .*symbolic links' "$claudio" chat --config "$work/config.json" -c three
cp "$work/elsewhere.json" "$work/before.json"
expect 0 'You said: "four"$' '' "$claudio" chat --config "$work/config.json" --keep four
cmp "$work/before.json" "$work/elsewhere.json" && [ ! -L "$kept" ] && [ "$(stat -c %a "$work/state/claudio")" = 700 ] ||
  { echo "FAILED: a symbolic link leads astray"; failed=1; }
echo '{"messages": 1}' > "$kept"
expect 2 '' 'conversation.json is damaged; remove it' "$claudio" chat --config "$work/config.json" -c five
rm -r "$work/state" && ln -s "$work" "$work/state"
ln -s "$work/config" "$work/claudio"
expect 1 'You said: "six"$' 'the kept conversation: .*claudio: ' "$claudio" chat --config "$work/config.json" --keep six
rm "$work/claudio" "$work/state"
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$base SSL_CERT_FILE=$work/ca.pem \
  expect 0 'You said: "hello"$' 'temperature' "$claudio" chat --temperature 0.5 hello
ANTHROPIC_API_KEY=$'sk-ant-x\n' ANTHROPIC_BASE_URL=${base/https/HTTPS}$'\n' SSL_CERT_FILE=$work/ca.pem \
  expect 0 'You said: "hello"$' '' "$claudio" chat hello
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$base SSL_CERT_FILE=/no/such/ca.pem \
  expect 1 '' 'SSL_CERT_FILE names "/no/such/ca.pem"' "$claudio" chat hello

expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --stream hello
expect 0 '^\{.*"object":"chat.completion.chunk".*"finish_reason":"stop"' '' "$claudio" chat --config "$work/config.json" --stream --json hello
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/config.json" --tools-demo hello

# A provider or a model alone, and a field that is mistyped.
python3 - "$work" << 'PYTHON'
import json, sys
work = sys.argv[1]
config = json.load(open(work + "/config.json"))
provider, model = config["providers"][0], config["models"][0]
wrong = json.loads(json.dumps(config))
wrong["providers"][0]["provider_config"]["api_kye"] = wrong["providers"][0]["provider_config"].pop("api_key")
moved = json.loads(json.dumps(config))
moved["provider"] = moved.pop("providers")
for name, value in {"provider": provider, "model": model, "both": [model, provider], "wrong": wrong, "moved": moved}.items():
    json.dump(value, open(f"{work}/{name}.json", "w"))
PYTHON
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/provider.json" --model claude-haiku-4-5 hello
expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/both.json" hello
expect 2 '' 'model.json: models\[0\].provider_name: no provider is named "anthropic".*\{"providers": \[' "$claudio" chat --config "$work/model.json" hello
expect 2 '' 'provider_config.api_kye: unknown field; did you mean "api_key"' "$claudio" chat --config "$work/wrong.json" hello
expect 2 '' 'moved.json: provider: unknown field; did you mean "providers"' "$claudio" chat --config "$work/moved.json" hello
expect 0 '' '1 provider added, 0 updated; 0 models' "$claudio" config import "$work/provider.json"
expect 0 '' '0 providers added, 0 updated; 1 model added' "$claudio" config import "$work/model.json"
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 2 '' 'configured: claude-sonnet-4-6; add it: claudio model add NAME' "$claudio" chat --model nonsense hello
rm -r "$XDG_CONFIG_HOME"

# A second server: a model that calls a tool, a stream that breaks, and answers slow enough to be cancelled.
cat > "$work/script.json" << 'JSON'
{"requests": [{"tool_calls": [{"name": "add", "input": {"numbers": [1, 2]}}, {"name": "add", "input": {}}]},
  {"text": "It is 3."}, {"text": "one two three", "cut_after_events": 4},
  {"text": "all that fits", "stop_reason": "max_tokens"}, {"text": "all that fits", "stop_reason": "model_context_window_exceeded"},
  {"text": "no", "stop_reason": "refusal"}, {"text": "for now", "stop_reason": "pause_turn"}, {"text": "the end", "stop_reason": "stop_sequence"},
  {"text": "all that fits", "stop_reason": "max_tokens"}, {"text": "bytes \u001b[31m", "pace_ms": 1}, {"status": 529}, {"text": "again"}]}
JSON
"$claudio" fake-server --plaintext --pace 400ms --script "$work/script.json" > "$work/second" &
second=$!
for _ in $(seq 100); do grep -qs listening "$work/second" && break; sleep 0.1; done
slow=$(sed -n 's/^listening on //p' "$work/second")
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow \
  expect 0 '^It is 3.$' 'add .*numbers.*-> "3' "$claudio" chat --tools-demo 'One and two?'
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow expect 1 '^one' 'stream_truncated' "$claudio" chat --stream hello
# Incomplete answers, whole or streamed, as text or JSON.
export ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow
expect 3 '^all that fits$' 'the answer was cut off after [0-9]+ tokens, the most it may have' "$claudio" chat hello
expect 3 '^all that fits$' "the answer was cut off: the model's context window is full" "$claudio" chat hello
expect 3 '^no$' 'the answer was refused: ' "$claudio" chat hello
expect 3 '^for now$' 'the model has paused' "$claudio" chat hello
expect 0 '^the end$' '' "$claudio" chat hello
expect 3 '"finish_reason":"length"' 'cut off after' "$claudio" chat --json hello
expect 0 $'^bytes \033\\[31m$' '' "$claudio" chat --stream hello
expect 0 '^again$' 'attempt 1 failed: overloaded .*; trying again in ' "$claudio" chat -v hello
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL
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
# SIGINT ends a single answer, and the program by it; python gives it the signal's usual meaning again.
cat > "$work/interrupt.py" << 'PYTHON'
import os, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
asked = subprocess.Popen([sys.argv[1], "chat", "--stream", "to be interrupted"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
asked.stdout.read(5)
asked.send_signal(signal.SIGINT)
asked.stdout.read()
print(asked.wait())
PYTHON
[ "$(ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$slow python3 "$work/interrupt.py" "$claudio" 2> "$work/err")" = -2 ] &&
  grep -qx 'claudio: cancelled' "$work/err" || { echo "FAILED: an answer that is interrupted: $(cat "$work/err")"; failed=1; }
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
