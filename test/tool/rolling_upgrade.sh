#!/usr/bin/env bash
# The upgrade of a database from format 1 as docs/key-storage.md orders it, with the program of the last commit that knew
# format 1 only beside the new one. It is built from the git history, which takes some minutes: bash test/long.sh
# rolling_upgrade. CLAUDIO_OF_FORMAT_1 names one that is built already. 77 without git history.
# Usage: rolling_upgrade.sh CLAUDIO FOLDER-FOR-THE-OLD-BUILD; for PostgreSQL too under test/postgresql/with_server.sh
set -uo pipefail
claudio=$1
build=$2
last_of_format_1=d3b3489
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$source/test/support/fake_server.sh"
. "$source/test/support/expect.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY

old=${CLAUDIO_OF_FORMAT_1:-$build/build/tools/claudio}
if [ ! -x "$old" ]; then
  git -C "$source" cat-file -e "$last_of_format_1^{commit}" 2> /dev/null || { echo "no git history"; exit 77; }
  mkdir -p "$build/source"
  git -C "$source" archive "$last_of_format_1" | tar -x -C "$build/source" &&
    cmake -S "$build/source" -B "$build/build" -DCMAKE_BUILD_TYPE=Release -DCLAUDIO_BUILD_TESTS=OFF \
      -DCLAUDIO_BUILD_EXAMPLES=OFF -DCLAUDIO_INSTALL=OFF > "$build/log" 2>&1 &&
    cmake --build "$build/build" --target claudio >> "$build/log" 2>&1 ||
    { tail -n 30 "$build/log"; exit 1; }
fi

failed=0
start_fake_server "$claudio"
(umask 077; openssl rand -base64 32 > "$work/claudio.key")
key=(--key "file:$work/claudio.key")

given() { # TEXT: a file to be used as standard input
  printf '%s' "$1" > "$work/input"
  echo "$work/input"
}

# upgrade KIND: of the database CLAUDIO_STORE
upgrade() {
  # Made and used by the old version.
  stdin=$(given sk-ant-api03-first-key) expect 0 '' 'added the provider' "$old" "${key[@]}" provider add anthropic --key-stdin \
    --api-base "$server_url" --set "ca_file=$ca_file"
  expect 0 '' 'added the model' "$old" "${key[@]}" model add claude-sonnet-4-6

  # Both at once: each uses and changes what the other has written.
  expect 0 'You said: "hello"$' '' "$claudio" "${key[@]}" chat hello
  stdin=$(given sk-ant-api03-second-key) expect 0 '' 'set api_key' "$claudio" "${key[@]}" secret set anthropic
  expect 0 '' 'updated' "$claudio" "${key[@]}" provider update anthropic --set retry.max_retries=1
  expect 0 'can be decrypted' '' "$old" "${key[@]}" secret check
  expect 0 'You said: "hello"$' '' "$old" "${key[@]}" chat hello
  stdin=$(given sk-ant-api03-third-key) expect 0 '' 'set api_key' "$old" "${key[@]}" secret set anthropic
  expect 0 '' 'updated' "$old" "${key[@]}" provider update anthropic --set retry.max_retries=2
  expect 0 'You said: "hello"$' '' "$claudio" "${key[@]}" chat hello
  expect 0 'can be decrypted' '' "$claudio" "${key[@]}" secret check
  expect 0 '' '' "$old" "${key[@]}" config export "$work/before-$1.json" --with-secrets --yes

  # A rotation of the new version under format 1 is understood by the old one.
  (umask 077; { openssl rand -base64 32; cat "$work/claudio.key"; } > "$work/both.key")
  mv "$work/both.key" "$work/claudio.key"
  expect 0 '1 re-encrypted' '' "$claudio" "${key[@]}" secret rotate
  expect 0 'You said: "hello"$' '' "$old" "${key[@]}" chat hello

  # A process of the old version that has the database open, and changes it after the migration.
  mkfifo "$work/late-$1"
  "$old" "${key[@]}" config import - < "$work/late-$1" > "$work/imported-$1" 2>&1 &
  local importing=$!
  exec 7> "$work/late-$1"
  for _ in $(seq 100); do
    ls -l "/proc/$importing/fd" 2> /dev/null | grep -qE 'claudio\.db|socket:' && break
    sleep 0.1
  done

  if [ "$1" = sqlite ]; then
    expect 0 '' 'of format 1 and becomes one of format 2' "$claudio" "${key[@]}" store migrate
    [ "$(stat -c %a "$work/claudio.db.format-1")" = 600 ] || { echo "FAILED: no backup for its owner only"; failed=1; }
    expect 0 'You said: "hello"$' '' "$old" --store "sqlite:$work/claudio.db.format-1" "${key[@]}" chat hello
  else
    expect 2 '' 'nothing was changed.* give --yes' "$claudio" "${key[@]}" store migrate
    expect 0 'You said: "hello"$' '' "$old" "${key[@]}" chat hello
    expect 0 '' 'of format 1 and becomes one of format 2' "$claudio" "${key[@]}" store migrate --yes
  fi
  cat "$work/before-$1.json" >&7
  exec 7>&-
  wait "$importing" && { echo "FAILED: the old version has changed a database of format 2"; failed=1; }
  grep -q 'fingerprint_key' "$work/imported-$1" || { echo "FAILED: the old version says: $(cat "$work/imported-$1")"; failed=1; }

  # Afterwards the old version is refused, and has changed nothing.
  expect 1 '' 'was made by a newer version of claudio' "$old" "${key[@]}" provider list
  expect 1 '' 'was made by a newer version of claudio' "$old" "${key[@]}" model remove claude-sonnet-4-6
  expect 0 'You said: "hello"$' '' "$claudio" "${key[@]}" chat hello
  expect 0 '' '' "$claudio" "${key[@]}" config export "$work/after-$1.json" --with-secrets --yes
  cmp -s "$work/before-$1.json" "$work/after-$1.json" || { echo "FAILED: the migration has changed something"; failed=1; }
  expect 0 '' "tables are this version's" "$claudio" "${key[@]}" store migrate
}

export CLAUDIO_STORE=sqlite:$work/claudio.db
upgrade sqlite
if [ -n "${CLAUDIO_TEST_POSTGRESQL:-}" ]; then
  psql -q "$CLAUDIO_TEST_POSTGRESQL/postgres" -c "CREATE DATABASE rolling" || exit 1
  export CLAUDIO_STORE=$CLAUDIO_TEST_POSTGRESQL/rolling
  upgrade postgresql
fi
exit $failed
