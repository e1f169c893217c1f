#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for its share of the time: bash test/fuzz/run.sh [SECONDS]
# A finding ends it; the input stays in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-60}

bash test/setup.sh clang libclang-rt-dev
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz --target fuzz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
findings=$PWD/build/fuzz/findings
mkdir -p "$findings"

targets=(test/fuzz/*.cpp)
share=$((seconds / ${#targets[@]}))
# 0 would be without end.
share=$((share > 0 ? share : 1))
for source in "${targets[@]}"; do
  name=$(basename "$source" .cpp)
  mkdir "$work/$name"
  if ! "build/fuzz/test/fuzz/fuzz_$name" -max_total_time="$share" -max_len=4096 -rss_limit_mb=2048 -timeout=10 \
    -artifact_prefix="$findings/$name-" "$work/$name" "test/fuzz/corpus/$name" > "$work/log" 2>&1; then
    tail -n 60 "$work/log" >&2
    exit 1
  fi
  echo "fuzz $name: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) .*/\1 runs in \2 s/p' "$work/log")"
done
