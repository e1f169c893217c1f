# Sourced, after expect.sh: eight_at_once PROGRAM STORE KEY-FILE
# Eight processes make the tables of a new database at once, and each puts a provider into it.
eight_at_once() {
  local program=$1 with=(--store "$2" --key "file:$3") processes=() i
  for i in 1 2 3 4 5 6 7 8; do
    "$program" "${with[@]}" provider add "p$i" --set api_key=env:X > "$work/at_once.$i" 2>&1 &
    processes+=($!)
  done
  for i in "${!processes[@]}"; do
    wait "${processes[$i]}" || { echo "FAILED: one of eight at once: $(cat "$work/at_once.$((i + 1))")"; failed=1; }
  done
  [ "$("$program" "${with[@]}" provider list --json | grep -c '"name"')" = 8 ] || { echo "FAILED: eight at once"; failed=1; }
}
