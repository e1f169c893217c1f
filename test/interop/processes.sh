# Sourced: a folder `work` and a list `processes`, both of which go when the script ends; fail WHAT FILE…, which notes a
# failure and shows the ends of files; a key whose text is nowhere else.
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
processes=()
cleanup() {
  for process in "${processes[@]}"; do
    kill "$process" 2> /dev/null
    wait "$process" 2> /dev/null
  done
  rm -rf "$work"
}
trap cleanup EXIT
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE
key=sk-ant-interop-secret

fail() {
  echo "FAILED: $1"
  shift
  for file in "$@"; do
    cut -c1-300 "$file" 2> /dev/null | tail -n 25 | sed "s/^/  $(basename "$file"): /"
  done
  touch "$work/failed"
}

# needs PROGRAM…: ends the script as skipped where one is missing
needs() {
  for program in "$@"; do
    command -v "$program" > /dev/null || { echo "skipped: needs $program"; exit 77; }
  done
}
