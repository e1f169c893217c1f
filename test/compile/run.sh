#!/usr/bin/env bash
# Compiles each case and compares with its first line: "// compiles" or "// refused: TEXT OF THE MESSAGE".
# Usage: run.sh COMPILER INCLUDE_DIRECTORY CASE...
set -uo pipefail
compiler=$1 include=$2
shift 2
failed=0
for case in "$@"; do
  expected=$(head -n 1 "$case")
  output=$("$compiler" -std=c++20 -fsyntax-only -I "$include" "$case" 2>&1)
  status=$?
  case $expected in
    "// compiles") [ $status -eq 0 ] ;;
    "// refused: "*) [ $status -ne 0 ] && grep -qF -- "${expected#// refused: }" <<< "$output" ;;
    *) false ;;
  esac && continue
  echo "$case: expected '${expected#// }', the compiler ended with $status:"
  head -n 20 <<< "$output"
  failed=1
done
exit $failed
