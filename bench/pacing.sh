#!/usr/bin/env bash
# 20,000 calls against the fake server, which enforces a limit of requests a minute: paced, and with retries only.
# Usage: bash bench/pacing.sh [RPM [CALLS]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rpm=${1:-12000}
calls=${2:-20000}

bash test/setup.sh libbenchmark-dev
cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
cmake --build --preset release --target bench_pacing claudio

ulimit -n "$(ulimit -Hn)"
# In a subshell, so that each has a server of its own, whose bucket is full.
measure() (
  . test/support/fake_server.sh
  start_fake_server build/release/tools/claudio --latency 200ms --rpm "$rpm"
  export ANTHROPIC_BASE_URL=$server_url SSL_CERT_FILE=$ca_file
  build/release/bench/bench_pacing "$1" "$rpm" "$calls" 1000
)

echo "| $calls calls, 1,000 at once, $rpm requests a minute | answered | failed | sent | 429 | seconds | of what the limit allows |"
echo "|---|---|---|---|---|---|---|"
for mode in configured told retries; do
  read -r answered failed sent refused seconds share <<< "$(measure $mode)"
  printf '| %s | %d | %d | %d | %d | %.1f | %.1f %% |\n' $mode "$answered" "$failed" "$sent" "$refused" "$seconds" \
    "$(awk "BEGIN {print 100 * $share}")"
done
