#!/usr/bin/env bash
# The program at a terminal (tmux), as a user types and sees it. Usage: terminal.sh CLAUDIO
set -uo pipefail
command -v tmux > /dev/null || { echo "no tmux on this machine"; exit 77; }
claudio=$(realpath "$1")
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
failed=0
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY TMUX
cat > "$work/script.json" << 'JSON'
{"requests": [{"text": "red \u001b[31mX\u001b[0m bell \u0007 back\b\b\r\nturned \u202eabc c1 \u009b31m tab\tend"},
  {"status": 529}, {"text": "after a retry"}, {"text": "cut", "stop_reason": "max_tokens"},
  {"text": "no", "stop_reason": "refusal"}]}
JSON
start_fake_server "$claudio" --script "$work/script.json"
export XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state LC_ALL=C.UTF-8 EDITRC=/dev/null HOME=$work

"$claudio" fake-server --plaintext --pace 300ms > "$work/slow" &
slow_server=$!
for _ in $(seq 100); do grep -qs listening "$work/slow" && break; sleep 0.1; done
slow_url=$(sed -n 's/^listening on //p' "$work/slow")

config() { # FILE URL
  cat > "$1" << JSON
{"providers": [{"name": "anthropic", "provider_type": "anthropic", "provider_config":
   {"api_key": "sk-ant-test-key", "api_base": "$2", "ca_file": "$work/ca.pem",
    "retry": {"max_retries": 2, "base_delay_ms": 1}}}],
 "models": [{"name": "claude-sonnet-4-6", "type": "LLM", "provider_name": "anthropic"},
            {"name": "claude-haiku-4-5", "type": "LLM", "provider_name": "anthropic"}]}
JSON
}
config "$work/config.json" "$server_url"
config "$work/slow.json" "$slow_url"

terminals=0
tmux() { command tmux -S "$work/tmux.$terminals" -f /dev/null "$@"; }
end() {
  tmux kill-server 2> /dev/null
  kill "$slow_server" 2> /dev/null
  stop_fake_server
}
trap end EXIT

# begin COMMAND: in a new terminal; its exit status is shown when it ends
begin() {
  tmux kill-server 2> /dev/null
  # A server that ends takes its socket with it, later on.
  terminals=$((terminals + 1))
  tmux new-session -d -x "${columns:-100}" -y 40 "trap : INT; $1; echo \"[status \$?]\"; exec cat" || { echo "FAILED: tmux does not start"; exit 1; }
}
screen() { tmux capture-pane -p -J -S - -t 0 2> /dev/null; }
keys() { tmux send-keys -t 0 "$@"; }
typed() { tmux send-keys -t 0 -l -- "$1"; }
fail() {
  echo "FAILED: $1"
  screen | sed '/^$/d; s/^/  | /' | tail -n 30
  failed=1
}
# sees WHAT PATTERN [TIMES]: an extended regular expression comes to the screen, on so many lines
sees() {
  for _ in $(seq 200); do
    [ "$(screen | grep -cE -- "$2")" -ge "${3:-1}" ] && return
    sleep 0.05
  done
  fail "$1: no '$2'"
  return 1
}
sees_not() { # WHAT PATTERN
  if screen | grep -qE -- "$2"; then fail "$1: '$2'"; fi
}
chat="$claudio chat --config $work/config.json"

# Control characters of an answer are shown; the usage is told; streaming is the default.
begin "$chat hello"
sees 'control characters' 'red \^\[\[31mX\^\[\[0m bell \^G back\^H\^H$'
sees 'controls of direction and C1' 'turned <U\+202E>abc c1 <U\+009B>31m tab +end'
sees 'the usage' '^claudio: claude-sonnet-4-6: [0-9]+ tokens in, [0-9]+ out, \$[0-9.]+, [0-9.]+ (ms|s)$'
sees 'the status' '\[status 0\]'
# Retries are shown as they happen.
begin "$chat hello"
sees 'a retry' '^claudio: attempt 1 failed: overloaded .*; trying again in [0-9.]+ (ms|s)$'
sees 'the answer behind it' 'after a retry'
begin "$chat hello"
sees 'what was cut off' '^claudio: the answer was cut off after'
sees 'its status' '\[status 3\]'

# A conversation: lines are edited and remembered, Ctrl-C empties the line, Ctrl-D leaves. A refusal is no part of it.
begin "$chat"
sees 'the banner' '^claudio: talking to claude-sonnet-4-6; /help lists commands'
sees 'the prompt' '^> $'
typed 'unspeakable' && keys Enter
sees 'a refusal' '^claudio: the answer was refused: '
typed 'first ünd' && keys Left Left Left && typed 'MID ' && keys End && typed '!' && keys Enter
sees 'an edited line' 'You said: "first MID ünd!"'
typed 'never sent' && keys C-c
sees 'Ctrl-C at the prompt' '^claudio: Ctrl-C again, or Ctrl-D, leaves'
sees 'the line after it' '^> $'
typed 'nor this' && keys C-c && sees 'a second line that was given up' '^> nor this$' && sees 'the line after it' '^> $'
sees_not 'a line that was given up' 'You said: "never sent'
keys Up && sees 'history' '^> first MID ünd!$' 2 && keys Enter
sees 'a line out of the history' 'You said: "first MID ünd!"' 2
typed 'one\' && keys Enter && sees 'the next line' '^\| $' && typed 'two' && keys Enter
sees 'two lines' 'You said: "one$'
sees 'two lines' '^two"$'
typed '/paste' && keys Enter && sees 'what ends a paste' 'a line that has just a dot'
typed '/model in a paste' && keys Enter && typed $'\tindented' && keys Enter && typed '.' && keys Enter
sees 'pasted lines' 'You said: "/model in a paste$'
tmux set-buffer $'pasted\nat once' && tmux paste-buffer -p -t 0 && sees 'a bracketed paste' '^at once' && keys Enter
sees 'a bracketed paste that is sent' 'You said: "pasted$'
sees_not 'marks of a paste' '20[01]~'
typed '/help' && keys Enter && sees 'help' '/save FILE +Writes'
typed '/modle' && keys Enter && sees 'a mistyped command' 'there is no command /modle; did you mean /model\?'
typed '/model claude-haiku-4-6' && keys Enter
sees 'a model that is not configured' 'did you mean "claude-haiku-4-5".*configured: claude-sonnet-4-6, claude-haiku-4-5; add it to models in'
typed '/model claude-haiku-4-5' && keys Enter && sees 'another model' '^claudio: talking to claude-haiku-4-5$'
typed '/system Be brief.' && keys Enter && sees 'a system prompt' '^claudio: the system prompt: Be brief.$'
typed "/save $work/saved.md" && keys Enter && sees 'a file' 'saved to'
typed "/save $work/saved.md" && keys Enter && sees 'a file that is there' 'File exists'
[ "$(stat -c %a "$work/saved.md")" = 600 ] && grep -q '^first MID ünd!$' "$work/saved.md" && ! grep -q unspeakable "$work/saved.md" ||
  fail "the saved conversation: $(cat "$work/saved.md")"
typed '/clear' && keys Enter && sees 'a new conversation' '^claudio: a new conversation$'
typed '/quit' && keys Enter && sees 'the end' '\[status 0\]'
[ -e "$work/state" ] && fail 'a conversation was kept that nobody asked to keep'

# Debian's terminals take lines of 4,095 characters; ours are as long as they are.
begin "$chat"
sees 'the prompt' '^> $'
line=$(printf 'word%05d ' $(seq 1000))
typed "${line% }" && keys Enter
sees 'an answer to a long line' 'claudio: .* tokens in'
typed "/save $work/long.md" && keys Enter && sees 'the file' 'saved to'
grep -qx -- "${line% }" "$work/long.md" || fail "a line of 10,000 characters came as $(wc -c < "$work/long.md")"
# It stays whole when the window changes its size while it is edited.
typed 'a line that is edited while the window changes its size, and that is longer than the window is wide then' 
tmux resize-window -t 0 -x 60 -y 30 && sleep 0.3 && typed ', still' && tmux resize-window -t 0 -x 100 -y 30
typed ' whole' && keys Enter
sees 'a line after a resize' 'wide then, still whole"'
keys C-c && sees 'Ctrl-C once' 'Ctrl-C again' && keys C-c && sees 'Ctrl-C twice' '\[status 0\]'

# Ctrl-C ends the answer, not the program, and what was half said is forgotten.
begin "$claudio chat --config $work/slow.json"
sees 'the prompt' '^> $'
typed 'slow' && keys Enter && sees 'the begin of an answer' 'Hello' && keys C-c
sees 'a cancelled answer' '^claudio: cancelled$'
sees 'the prompt after it' '^> $'
typed 'typed ahead'
typed "/" && keys C-c && typed "/save $work/cancelled.md" && keys Enter && sees 'the file' 'saved to'
[ -s "$work/cancelled.md" ] && fail "a cancelled turn stayed in the conversation"
keys C-d && sees 'Ctrl-D' '\[status 0\]'
begin "$claudio chat --config $work/slow.json slow"
sees 'the begin of an answer' 'Hello' && keys C-c && sees 'an answer that is interrupted' '\[status 130\]'

# Ctrl-Z leaves the terminal in order, and the line goes on as it was.
begin "PS1='% ' bash --norc -i"
sees 'a shell' '^% $' && typed "$chat" && keys Enter && sees 'the prompt' '^> $'
typed 'half' && keys C-z && sees 'a stop' 'Stopped' && typed 'fg' && keys Enter && sees 'the line' '^> half$' 2
typed ' a line' && keys Enter && sees 'the whole line' 'You said: "half a line"'

# A conversation that is kept, and forgotten.
begin "$chat -c"
sees 'that there is none yet' 'note: no conversation is kept yet'
typed 'remember me' && keys Enter && sees 'the answer' 'You said: "remember me"' && keys C-d && sees 'the end' '\[status 0\]'
kept=$work/state/claudio/conversation.json
[ "$(stat -c '%a %F' "$kept") $(stat -c %a "${kept%/*}")" = '600 regular file 700' ] || fail "modes of the kept conversation"
begin "$chat -c" && sees 'the prompt' '^> $'
typed "/save $work/again.md" && keys Enter && sees 'the file' 'saved to' && grep -q 'remember me' "$work/again.md" || fail 'a kept conversation'
typed '/forget' && keys Enter && sees 'forgetting' 'the kept conversation is deleted' && keys C-d && sees 'the end' '\[status 0\]'
[ -e "$kept" ] && fail '/forget left the conversation'

# Without a terminal that can edit, a line that is cut off is not sent.
begin "TERM=dumb $chat"
sees 'the prompt' '^> $'
typed "${line% }" && keys Enter && sees 'a line that is cut off' 'nothing was sent: a line has more than the 4,095'
typed 'short' && keys Enter && sees 'a short line' 'You said: "short"'
keys C-c && sees 'Ctrl-C' 'Ctrl-C again' && keys C-d && sees 'the end' '\[status 0\]'

# A database that was mistyped is made when that is asked for.
begin "$claudio --store sqlite:$work/new.db provider add anthropic"
sees 'a question' 'there is no database .*new.db' && sees 'a question' 'Make it now\? \[y/N\]' && typed 'n' && keys Enter
sees 'nothing' '\[status 2\]'
[ -e "$work/new.db" ] && fail 'a mistyped database was made'
begin "$claudio --store sqlite:$work/new.db provider add anthropic"
sees 'a question' 'Make it now' && typed 'y' && keys Enter && sees 'the key' 'API key for anthropic' && typed 'sk-ant-xyz' && keys Enter
sees 'the provider' 'added the provider anthropic' && sees 'the status' '\[status 0\]'
exit $failed
