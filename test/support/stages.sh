# Sourced: `stage NAME COMMAND...` runs a stage and says how long it took; where one fails, the script ends and names it.
# At the end there is a table of them, as CONTRIBUTING.md has it.
stage_rows=()
current=
end_of_stages() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    echo "== $current FAILED after $SECONDS s in all"
  fi
  echo
  echo "| stage | seconds |"
  echo "|---|---|"
  [ "${#stage_rows[@]}" -eq 0 ] || printf '%s\n' "${stage_rows[@]}"
  echo "| all | $SECONDS |"
  exit "$status"
}
trap end_of_stages EXIT

# Not in an if: there, set -e would be off inside the functions.
stage() {
  local begin=$SECONDS
  current=$1
  shift
  echo "== $current"
  "$@"
  echo "== $current passed in $((SECONDS - begin)) s"
  stage_rows+=("| $current | $((SECONDS - begin)) |")
}
