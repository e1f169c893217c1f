#!/usr/bin/env bash
# Our session beside Beast's on asio::ssl, in turn against one fake server: CPU per call and per opened session, memory
# per session. Usage: bash bench/sessions.sh [SESSIONS [CALLS [ROUNDS]]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
sessions=${1:-500}
calls=${2:-20000}
rounds=${3:-5}

bash test/setup.sh libbenchmark-dev
cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
cmake --build --preset release --target bench_sessions claudio

. test/support/fake_server.sh
start_fake_server build/release/tools/claudio
export ANTHROPIC_BASE_URL=$server_url SSL_CERT_FILE=$ca_file

for _ in $(seq "$rounds"); do
  for kind in beast own; do
    build/release/bench/bench_sessions "$kind" "$sessions" "$calls"
  done
done > "$work/rounds"

# Medians of each, and of the ratios of neighbours: the machine's speed drifts.
python3 - "$work/rounds" "$sessions" << 'PYTHON'
import statistics
import sys

rows = [line.split() for line in open(sys.argv[1], encoding="utf-8")]
beast = [[float(x) for x in row[1:]] for row in rows if row[0] == "beast"]
own = [[float(x) for x in row[1:]] for row in rows if row[0] == "own"]
print(f"{sys.argv[2]} sessions, {len(own)} rounds: beast, own, own : beast")
for column, name in enumerate(("CPU µs per call", "CPU µs to open a session", "KiB per session")):
    ratio = statistics.median(o[column] / b[column] for o, b in zip(own, beast))
    print(f"{name:26} {statistics.median(b[column] for b in beast):8.1f} "
          f"{statistics.median(o[column] for o in own):8.1f} {ratio:8.2f}")
PYTHON
