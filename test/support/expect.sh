# Sourced, after `work` is set to a folder: expect, whose failures set failed=1.
failed=0

# expect STATUS STDOUT-PATTERN STDERR-PATTERN COMMAND...: extended regular expressions; an empty one means "prints nothing"
expect() {
  local status=$1 out=$2 err=$3
  shift 3
  "$@" > "$work/out" 2> "$work/err" < "${stdin:-/dev/null}"
  local got=$?
  local ok=yes
  [ "$got" -eq "$status" ] || ok="exit status $got instead of $status"
  for stream in out err; do
    local pattern=${!stream}
    if [ -z "$pattern" ]; then
      [ -s "$work/$stream" ] && ok="something on std$stream"
    else
      grep -qE -- "$pattern" "$work/$stream" || ok="no '$pattern' on std$stream"
    fi
  done
  if [ "$ok" != yes ]; then
    echo "FAILED: $*"
    echo "  $ok"
    sed 's/^/  out: /' "$work/out"
    sed 's/^/  err: /' "$work/err"
    failed=1
  fi
}
