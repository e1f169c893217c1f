#!/usr/bin/env bash
# Translated requests and answers against the types of Anthropic's and OpenAI's SDKs, and the catalogue of models against
# the SDK's. Exit status 77 (skipped) without node 20 or newer.
# Usage: run.sh CLAUDIO FOLDER   the packages stay in FOLDER for the next run
set -euo pipefail
claudio=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
major=$(node --version 2> /dev/null | sed -E 's/^v([0-9]+).*/\1/' || true)
if [ -z "$major" ] || [ "$major" -lt 20 ] || ! command -v npm > /dev/null; then
  echo "skipped: needs node 20 or newer and npm"
  exit 77
fi
mkdir -p "$2"
work=$(realpath "$2")
server=
cleanup() {
  if [ -n "$server" ]; then
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
}
trap cleanup EXIT
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$here"/types.ts "$work"
cd "$work"
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --prefer-offline --no-audit --no-fund --ignore-scripts --loglevel=error
  cp package-lock.json node_modules/.installed
fi
rm -f listening
"$claudio" fake-server --ca-out ca.pem > listening &
server=$!
for _ in $(seq 100); do
  grep -qs listening listening && break
  sleep 0.1
done
NODE_EXTRA_CA_CERTS=ca.pem node catalogue.mjs "$(sed -n 's/^listening on //p' listening)"
node check.mjs "$claudio" "$here/../translation"
