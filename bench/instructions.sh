#!/usr/bin/env bash
# User-space instructions per call, which no neighbour on the machine can disturb, against the recorded budget.
# Usage: bash bench/instructions.sh BUILD_DIRECTORY [--record]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=$(realpath "$1")
budget=bench/instructions.txt

. test/support/fake_server.sh
# With rate limits that these few calls don't use to the half, for the headers that tell them.
start_fake_server "$build/tools/claudio" --rpm 40000 --itpm 20000000 --otpm 4000000

# count MODE CALLS: instructions of a whole run
count() {
  CLAUDIO_BENCH_MODE=$1 PEERS_CA=$ca_file PEERS_PROMPT= valgrind --tool=callgrind \
    --callgrind-out-file="$work/profile" "$build/bench/invoke_bench" "$server_port" /v1/messages "$2" 8 100 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

# The difference of two runs is what their further calls took.
for mode in native serialized openai; do
  few=$(count $mode 400)
  many=$(count $mode 1400)
  echo "$mode $(((many - few) / 1000))"
done > "$work/counted"

if [ "${2:-}" = --record ]; then
  cp "$work/counted" $budget
fi
status=0
while read -r mode counted; do
  recorded=$(sed -n "s/^$mode //p" $budget)
  verdict=ok
  # Two in a hundred for another compiler's or library's version.
  if [ "$counted" -gt $((recorded * 102 / 100)) ]; then
    verdict="over the budget; see what costs it, or record it anew (--record) and say why"
    status=1
  fi
  printf '%-10s %7d instructions per call, budget %7d: %s\n' "$mode" "$counted" "$recorded" "$verdict"
done < "$work/counted"
exit $status
