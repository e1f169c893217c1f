#!/usr/bin/env bash
# Sets up, builds, and shows claudio at work against its fake server, over TLS. With ANTHROPIC_API_KEY set, the first
# call goes to the real API.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash test/setup.sh
cmake --preset release > /dev/null
cmake --build --preset release --target claudio example_01_quickstart example_02_many_calls example_quickstart_retries

bin=build/release
. test/support/fake_server.sh
start_fake_server "$bin/tools/claudio" --latency 200ms
with_fake_server() {
  env ANTHROPIC_API_KEY=sk-ant-fake-key ANTHROPIC_BASE_URL="$server_url" SSL_CERT_FILE="$ca_file" "$@"
}

echo
if [ -n "${ANTHROPIC_API_KEY:-}" ]; then
  echo "== One call to the real API (${ANTHROPIC_BASE_URL:-https://api.anthropic.com}): examples/01_quickstart.cpp"
  "$bin/examples/example_01_quickstart"
else
  echo "== One call to the fake server (200 ms away; set ANTHROPIC_API_KEY for the real API): examples/01_quickstart.cpp"
  with_fake_server "$bin/examples/example_01_quickstart"
fi
echo
echo "== A call to the fake server that is rate-limited, then meets an overload: examples/quickstart_retries.cpp"
"$bin/examples/example_quickstart_retries"
echo
echo "== 5,000 calls to the fake server, 200 ms away: examples/02_many_calls.cpp"
with_fake_server "$bin/examples/example_02_many_calls" 5000 500
