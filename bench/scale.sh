#!/usr/bin/env bash
# 1 to 10,000 calls in flight against the fake server at 200 ms, on one thread and on two: a table, and a plot.
# Usage: bash bench/scale.sh [PLOT.svg]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
plot=$(realpath -m "${1:-build/scale.svg}")

bash test/setup.sh libbenchmark-dev python3
cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
cmake --build --preset release --target bench_scale claudio

ulimit -n "$(ulimit -Hn)"
. test/support/fake_server.sh
start_fake_server build/release/tools/claudio --latency 200ms
export ANTHROPIC_BASE_URL=$server_url SSL_CERT_FILE=$ca_file

measure() {
  printf '%s %s %s ' "$1" "$2" "$3"
  build/release/bench/bench_scale "$1" "$2" "$3" "$4"
}
{
  for in_flight in 1 10 100 500 1000 2000 5000 9500; do
    calls=$((40000 / in_flight))
    measure 1 one "$in_flight" "$((calls < 8 ? 8 : calls > 50 ? 50 : calls))"
  done
  for in_flight in 500 2000 5000; do
    measure 2 each "$in_flight" 15
    measure 2 one "$in_flight" 15
  done
} | tee /dev/stderr > "$work/measured"
mkdir -p "$(dirname "$plot")"
python3 bench/support/scale_report.py "$work/measured" "$plot"
echo "the plot is in $plot"
