#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, on a port of its own: bash test/postgresql/with_server.sh COMMAND...
# The command finds in its environment:
#   CLAUDIO_TEST_POSTGRESQL          postgresql://USER:PASSWORD@127.0.0.1:PORT
#   CLAUDIO_TEST_POSTGRESQL_CA       the certificate of the server, for sslrootcert
#   CLAUDIO_TEST_POSTGRESQL_CONTROL  a program: start, kill (as a crash does), stop
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "PostgreSQL is not installed: bash test/setup.sh postgresql" >&2; exit 1; }
as_server=()
# initdb and the server refuse to be root.
if [ "$(id -u)" -eq 0 ]; then
  as_server=(runuser -u postgres --)
fi

# Where the server's user can reach it, whatever TMPDIR says.
work=$(TMPDIR='' mktemp -d)
stop() {
  cd "$work"
  "${as_server[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate -w stop > /dev/null 2>&1 || true
  rm -rf "$work"
}
trap stop EXIT
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$work"
fi

password=$(openssl rand -hex 16)
"${as_server[@]}" bash -c "
  set -euo pipefail
  umask 077
  cd '$work'
  printf '%s' '$password' > password
  '$bin/initdb' -D data -U claudio_test --pwfile=password -A scram-sha-256 -E UTF8 --locale=C -N > initdb.log
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout data/server.key -out data/server.crt 2> openssl.log
  cat >> data/postgresql.conf << 'SETTINGS'
listen_addresses = '127.0.0.1'
unix_socket_directories = '$work'
ssl = on
fsync = off
full_page_writes = off
max_connections = 80
SETTINGS
  chmod 711 . && install -m 644 data/server.crt ca.pem
" || { cat "$work"/*.log >&2; exit 1; }

cat > "$work/control" << CONTROL
#!/usr/bin/env bash
cd "$work"
case \$1 in
  start) ${as_server[@]} "$bin/pg_ctl" -D "$work/data" -l "$work/server.log" -w start ;;
  kill) ${as_server[@]} "$bin/pg_ctl" -D "$work/data" -m immediate -w stop ;;
  stop) ${as_server[@]} "$bin/pg_ctl" -D "$work/data" -m fast -w stop ;;
esac > /dev/null
CONTROL
chmod 755 "$work/control"

# A port that is free now may be taken a moment later.
for attempt in 1 2 3 4 5; do
  port=$((20000 + RANDOM % 12000))
  "${as_server[@]}" bash -c "echo 'port = $port' >> '$work/data/postgresql.conf'"
  if "$work/control" start 2> /dev/null; then
    break
  fi
  [ "$attempt" -lt 5 ] || { "${as_server[@]}" cat "$work/server.log" >&2; exit 1; }
done

export CLAUDIO_TEST_POSTGRESQL="postgresql://claudio_test:$password@127.0.0.1:$port"
export CLAUDIO_TEST_POSTGRESQL_CA="$work/ca.pem"
export CLAUDIO_TEST_POSTGRESQL_CONTROL="$work/control"
"$@"
