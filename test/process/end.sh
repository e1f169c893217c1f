#!/usr/bin/env bash
# end.sh PROGRAM: runs it under valgrind; 77 (skipped) where that is missing.
set -u
command -v valgrind >/dev/null || exit 77
log=$(mktemp)
trap 'rm -f "$log"' EXIT
valgrind -q --error-exitcode=99 --leak-check=no --log-file="$log" "$1" 2>/dev/null
status=$?
cat "$log" >&2
exit $status
