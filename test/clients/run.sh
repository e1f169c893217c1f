#!/usr/bin/env bash
# Real clients of the Messages API against the fake server. Exit status 77 (skipped) without node 20 or newer.
# Usage: run.sh CLAUDIO
set -euo pipefail
claudio=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
major=$(node --version 2> /dev/null | sed -E 's/^v([0-9]+).*/\1/' || true)
if [ -z "$major" ] || [ "$major" -lt 20 ] || ! command -v npm > /dev/null; then
  echo "skipped: needs node 20 or newer and npm"
  exit 77
fi
work=$(mktemp -d)
servers=()
cleanup() {
  for server in "${servers[@]}"; do
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$work"
(cd "$work" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)

start() { # NAME ARGUMENTS...
  local name=$1
  shift
  "$claudio" fake-server --ca-out "$work/$name.pem" "$@" > "$work/$name" &
  servers+=($!)
  for _ in $(seq 100); do
    grep -qs listening "$work/$name" && break
    sleep 0.1
  done
  sed -n 's/^listening on \(.*\)\/v1$/\1/p' "$work/$name" > "$work/$name.url"
}
start plain
start scripted --script "$here/scripted.json"
cat "$work/plain.pem" "$work/scripted.pem" > "$work/ca.pem"
cd "$work"
env -u ANTHROPIC_API_KEY -u ANTHROPIC_BASE_URL NODE_EXTRA_CA_CERTS="$work/ca.pem" \
  node anthropic.mjs "$(cat plain.url)" "$(cat scripted.url)" "$claudio"
