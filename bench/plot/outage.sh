#!/usr/bin/env bash
# Draws the simulated outage. Usage: bash bench/plot/outage.sh [PLOT.svg]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
plot=$(realpath -m "${1:-build/outage.svg}")

bash test/setup.sh libbenchmark-dev python3
cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
cmake --build --preset release --target bench_outage

mkdir -p "$(dirname "$plot")"
measured=$(mktemp)
build/release/bench/bench_outage > "$measured"
python3 bench/plot/outage.py "$measured" "$plot"
rm -f "$measured"
echo "the plot is in $plot"
