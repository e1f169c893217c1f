#!/usr/bin/env bash
# The service example answers over HTTP, several clients at once, in time or not at all, notices clients that leave, and at
# SIGTERM finishes what is under way.
# Usage: service.sh CLAUDIO SERVICE
set -uo pipefail
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
# What is slow: one answer for its deadline, one whose client leaves, and after eight others one that is drained.
cat > "$work/script.json" << 'JSON'
{"requests": [{"text": "never", "delay_ms": 60000}, {"text": "never", "delay_ms": 60000},
  {"text": "soon", "delay_ms": 50, "times": 8}, {"text": "the last one", "delay_ms": 1500}]}
JSON
"$1" fake-server --ca-out "$work/ca.pem" --script "$work/script.json" > "$work/fake" &
pids+=($!)
for _ in $(seq 100); do grep -qs listening "$work/fake" && break; sleep 0.1; done
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$(sed 's/listening on //' "$work/fake") SSL_CERT_FILE="$work/ca.pem" \
  "$2" 0 4 3 > "$work/service" 2> "$work/log" &
service=$!
pids+=("$service")
for _ in $(seq 100); do grep -qs listening "$work/service" && break; sleep 0.1; done
port=$(sed -nE 's/.*:([0-9]+)\/ask/\1/p' "$work/service")

send() { # BODY: one POST, by the shell alone
  exec 3<> "/dev/tcp/127.0.0.1/$port"
  printf 'POST /ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s' "${#1}" "$1" >&3
}
ask() {
  send "$1"
  cat <&3
}
failed=0
complain() { echo "$1"; cat "$work/log"; failed=1; }
ask "a slow one" | grep -q '^HTTP/1.1 504' || complain "a question without an answer in time was not answered by 504"
send "an abandoned one"
sleep 0.5
exec 3>&-
for _ in $(seq 20); do grep -q 'a client left' "$work/log" && break; sleep 0.1; done
grep -q 'a client left' "$work/log" || complain "nobody noticed that a client left"

for i in 1 2 3 4 5 6 7 8; do
  ask "question $i" > "$work/answer.$i" &
  asking+=($!)
done
wait "${asking[@]}"
for i in 1 2 3 4 5 6 7 8; do
  grep -q '^soon' "$work/answer.$i" || { complain "no answer to question $i:"; cat "$work/answer.$i"; }
done
ask "the last one" > "$work/last" &
asking=$!
sleep 0.5
kill -TERM "$service"
wait "$asking"
grep -q '^the last one' "$work/last" || { complain "SIGTERM cut off an answer:"; cat "$work/last"; }
ask "too late" 2> /dev/null | grep -q HTTP && complain "a question after SIGTERM was answered"
wait "$service" || complain "the service ended with $?"
exit $failed
