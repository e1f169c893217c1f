#!/usr/bin/env bash
# Rotations that are killed at any moment and run again lose nothing, nor do two at once.
# Usage: rotate_killed.sh CLAUDIO [ROUNDS]
set -uo pipefail
claudio=$1
rounds=${2:-25}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset CLAUDIO_MASTER_KEY
export CLAUDIO_STORE=sqlite:$work/claudio.db
failed=0
secrets=1000

{
  printf '{"providers": ['
  for i in $(seq "$secrets"); do
    printf '%s{"name": "p%d", "provider_type": "anthropic", "provider_config": {"api_key": "sk-ant-api03-key-of-%d"}}' \
      "$([ "$i" = 1 ] || echo ,)" "$i" "$i"
  done
  printf '], "models": []}'
} > "$work/config.json"
"$claudio" store create 2> /dev/null
"$claudio" config import "$work/config.json" 2> /dev/null
"$claudio" config export "$work/expected.json" --with-secrets --yes

check() { # WHAT
  "$claudio" config export "$work/now.json" --with-secrets --yes --force || failed=1
  cmp -s "$work/expected.json" "$work/now.json" || { echo "FAILED: keys were lost: $1"; failed=1; }
}

killed=0
halfway=0
for round in $(seq "$rounds"); do
  "$claudio" secret rotate --new-key > /dev/null 2>&1 &
  rotation=$!
  # From before its first step to after its last, again and again.
  sleep "0.$(printf %03d $((round % 25 * 8)))"
  kill -KILL "$rotation" 2> /dev/null
  wait "$rotation" 2> /dev/null
  [ $? -eq 137 ] && killed=$((killed + 1))
  check "killed in round $round"
  [ "$("$claudio" secret list | awk 'NR > 1 { print $5 }' | sort -u | wc -l)" -gt 1 ] && halfway=$((halfway + 1))
done
[ "$killed" -gt 3 ] || { echo "FAILED: only $killed rotations were killed"; failed=1; }

"$claudio" secret rotate --new-key > "$work/first" 2>&1 &
first=$!
"$claudio" secret rotate --new-key > "$work/second" 2>&1 &
second=$!
# The one whose key is older by then gives up.
wait "$first"
one=$?
wait "$second"
[ $((one * $?)) -eq 0 ] || { echo "FAILED: two rotations at once"; cat "$work/first" "$work/second"; failed=1; }
check "two rotations at once"

"$claudio" secret rotate --forget-old > "$work/last" 2>&1 || { echo "FAILED: the last rotation"; cat "$work/last"; failed=1; }
[ "$("$claudio" secret list | awk 'NR > 1 { print $5 }' | sort -u | wc -l)" = 1 ] || { echo "FAILED: keys of several ids are left"; failed=1; }
[ "$(grep -vc '^#' "$work/claudio.db.key")" = 1 ] || { echo "FAILED: old keys are left in the key file"; failed=1; }
check "after the last rotation"
echo "$killed of $rounds rotations were killed, $halfway of them halfway"
exit $failed
