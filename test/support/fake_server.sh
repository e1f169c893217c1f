# Sourced: start_fake_server PROGRAM [ARGUMENT…] sets server_url, server_port, ca_file and work, a
# folder that goes with the server when the script ends.

work=$(mktemp -d)
server=
stop_fake_server() {
  if [ -n "$server" ]; then
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap stop_fake_server EXIT

start_fake_server() {
  local program=$1
  shift
  ca_file=$work/ca.pem
  "$program" fake-server --ca-out "$ca_file" "$@" > "$work/listening" &
  server=$!
  for _ in $(seq 100); do
    grep -qs listening "$work/listening" && break
    sleep 0.1
  done
  server_url=$(sed -n 's/^listening on //p' "$work/listening")
  [ -n "$server_url" ] || { echo "the fake server did not start" >&2; exit 1; }
  server_port=$(sed -n 's/.*:\([0-9]*\).*/\1/p' "$work/listening")
}
