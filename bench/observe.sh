#!/usr/bin/env bash
# What observing costs: calls without observers, with metrics, and with metrics and traces of every call, in turn; medians of
# CPU time per call, and user-space instructions, as multiples of those without.
# Usage: bash bench/observe.sh [ROUNDS [CALLS]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-9}
calls=${2:-40000}
bash test/setup.sh libbenchmark-dev python3 valgrind
cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
cmake --build --preset release --target invoke_bench claudio
. test/support/fake_server.sh
start_fake_server build/release/tools/claudio
# Apart from each other, else one is measured by how the other is scheduled.
taskset -pc 0 "$server" > /dev/null

# run MODE OBSERVE CALLS [PROGRAM...]: a line of JSON, by a program such as valgrind
run() {
  local mode=$1 observe=$2 number=$3
  shift 3
  CLAUDIO_BENCH_MODE=$mode CLAUDIO_BENCH_OBSERVE=$observe CLAUDIO_BENCH_TRACES="$work/spans" PEERS_CA=$ca_file PEERS_PROMPT= \
    taskset -c 1 "$@" build/release/bench/invoke_bench "$server_port" /v1/messages "$number" 64 500
  rm -f "$work/spans"
}
instructions() { # MODE OBSERVE: per call
  local few many
  few=$(run "$1" "$2" 400 valgrind --tool=callgrind --callgrind-out-file="$work/profile" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
  many=$(run "$1" "$2" 1400 valgrind --tool=callgrind --callgrind-out-file="$work/profile" 2>&1 | sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
  echo $(((many - few) / 1000))
}

for mode in native serialized openai; do
  for round in $(seq "$rounds"); do
    for observe in off metrics traces; do
      run $mode $observe "$calls" | sed "s/^/$mode $observe /" >> "$work/runs"
    done
  done
  for observe in off metrics traces; do
    echo "$mode $observe $(instructions $mode $observe)" >> "$work/instructions"
  done
done
python3 - "$work/runs" "$work/instructions" << 'PY'
import collections, json, statistics, sys
cpu = collections.defaultdict(list)
for line in open(sys.argv[1]):
    mode, observe, result = line.split(" ", 2)
    cpu[mode, observe].append(json.loads(result)["cpu_us"])
instructions = {tuple(line.split()[:2]): int(line.split()[2]) for line in open(sys.argv[2])}
for (mode, observe), measured in cpu.items():
    # Of neighbours in time, since the machine's speed changes.
    ratio = statistics.median(one / off for one, off in zip(measured, cpu[mode, "off"]))
    counted, base = instructions[mode, observe], instructions[mode, "off"]
    print(f"{mode:10} {observe:8} {statistics.median(measured):6.1f} us CPU a call, {ratio:.3f} x; "
          f"{counted} instructions, {counted / base:.3f} x")
PY
