#!/usr/bin/env bash
# The service example answers over HTTP, several clients at once, and ends at SIGTERM.
# Usage: service.sh CLAUDIO SERVICE
set -uo pipefail
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
  rm -rf "$work"
}
trap cleanup EXIT
"$1" fake-server --ca-out "$work/ca.pem" --latency 50ms > "$work/fake" &
pids+=($!)
for _ in $(seq 100); do grep -qs listening "$work/fake" && break; sleep 0.1; done
ANTHROPIC_API_KEY=sk-ant-x ANTHROPIC_BASE_URL=$(sed 's/listening on //' "$work/fake") SSL_CERT_FILE="$work/ca.pem" \
  "$2" 0 4 > "$work/service" &
service=$!
pids+=("$service")
for _ in $(seq 100); do grep -qs listening "$work/service" && break; sleep 0.1; done
port=$(sed -E 's/.*:([0-9]+)\/ask/\1/' "$work/service")

ask() { # BODY: one POST, by the shell alone
  exec 3<> "/dev/tcp/127.0.0.1/$port"
  printf 'POST /ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s' "${#1}" "$1" >&3
  cat <&3
}
for i in 1 2 3 4 5 6 7 8; do
  ask "question $i" > "$work/answer.$i" &
  asking+=($!)
done
wait "${asking[@]}"
failed=0
for i in 1 2 3 4 5 6 7 8; do
  grep -q "You said: \"question $i\"" "$work/answer.$i" || { echo "no answer to question $i:"; cat "$work/answer.$i"; failed=1; }
done
kill -TERM "$service"
wait "$service" || { echo "the service ended with $?"; failed=1; }
exit $failed
