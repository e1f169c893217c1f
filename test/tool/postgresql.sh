#!/usr/bin/env bash
# The program with a PostgreSQL database, and copies from and to SQLite. Usage: with_server.sh bash postgresql.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/expect.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/eight_at_once.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
export XDG_CONFIG_HOME=$work/config
start_fake_server "$claudio"

make_database() { # NAME
  psql -q "$CLAUDIO_TEST_POSTGRESQL/postgres" -c "CREATE DATABASE $1" || exit 1
}
make_key() { # FILE
  (umask 077; openssl rand -base64 32 > "$1")
}

make_database desk
export CLAUDIO_STORE=$CLAUDIO_TEST_POSTGRESQL/desk
password=${CLAUDIO_TEST_POSTGRESQL##*claudio_test:}
password=${password%%@*}

# Nothing is made for a database that others share: they need the key too.
expect 2 '' 'say where the keys of this database are with --key' "$claudio" provider list
make_key "$work/first.key"
key=(--key "file:$work/first.key")
expect 0 '' 'this version.s; it has 0 providers, 0 models and 0 secrets' "$claudio" "${key[@]}" store migrate
expect 0 '' 'the database is ready; it has 0 providers' "$claudio" "${key[@]}" store create
printf 'sk-ant-api03-first-key-aaaa' > "$work/input"
stdin=$work/input expect 0 '' 'added the provider anthropic$' "$claudio" "${key[@]}" provider add anthropic --key-stdin \
  --api-base "$server_url" --set "ca_file=$ca_file"
expect 0 '' 'added the model' "$claudio" "${key[@]}" model add claude-sonnet-4-6
expect 0 'You said: "hello"$' '' "$claudio" "${key[@]}" chat hello
expect 0 'anthropic .*api_key .*aaaa' '' "$claudio" "${key[@]}" secret list
expect 2 '' 'did you mean "anthropic"' "$claudio" "${key[@]}" provider show antropic

# To SQLite, with that one's own key, and back.
file=sqlite:$work/desk.db
make_key "$work/second.key"
expect 0 '' 'copied; the database has 1 provider, 1 model and 1 secret$' "$claudio" "${key[@]}" store copy "$CLAUDIO_STORE" \
  "$file" --to-key "file:$work/second.key"
expect 0 'You said: "hello"$' '' "$claudio" --store "$file" --key "file:$work/second.key" chat hello
expect 2 '' 'is not this database' "$claudio" --store "$file" "${key[@]}" chat hello
diff <("$claudio" "${key[@]}" config export - 2>&1) \
  <("$claudio" --store "$file" --key "file:$work/second.key" config export - 2>&1) || { echo "FAILED: the copy differs"; failed=1; }
expect 2 '' 'has 1 provider, 1 model and 1 secret already; --merge' "$claudio" --key "file:$work/second.key" store copy \
  "$file" "$CLAUDIO_STORE" --to-key "file:$work/first.key"
expect 0 '' 'copied' "$claudio" --key "file:$work/second.key" store copy "$file" "$CLAUDIO_STORE" \
  --to-key "file:$work/first.key" --merge
expect 0 'You said: "hello"$' '' "$claudio" "${key[@]}" chat hello
# One key for both, from a variable, which is taken out of the environment.
CLAUDIO_MASTER_KEY=$(cat "$work/first.key") expect 0 '' 'copied; the database has 1 provider' "$claudio" store copy \
  "$CLAUDIO_STORE" "sqlite:$work/other.db"

CLAUDIO_TEST_PHRASE='correct horse' expect 0 '' 'copied; the database has 1 provider' "$claudio" --key "file:$work/first.key" \
  store copy "$CLAUDIO_STORE" "sqlite:$work/phrase.db" --to-key passphrase:env:CLAUDIO_TEST_PHRASE
CLAUDIO_TEST_PHRASE='correct horse' expect 0 '' 'copied' "$claudio" --key passphrase:env:CLAUDIO_TEST_PHRASE \
  store copy "sqlite:$work/phrase.db" "sqlite:$work/phrase2.db"
expect 2 '' 'there is no database .*typo.db' "$claudio" "${key[@]}" store copy "sqlite:$work/typo.db" "sqlite:$work/other2.db"
[ -e "$work/typo.db" ] && { echo "FAILED: a database was made by copying from it"; failed=1; }
expect 0 '' '' bash -c "! '$claudio' --key 'command:env >&2; cat $work/first.key' provider list 2>&1 > '$work/listed' | grep CLAUDIO_STORE"
# A provider that somebody changed is not made valid by a copy.
psql -q "$CLAUDIO_STORE" -c "UPDATE claudio.providers SET provider_config = replace(provider_config, 'https', 'http')"
expect 2 '' 'was changed by something else than claudio' "$claudio" "${key[@]}" store copy "$CLAUDIO_STORE" "sqlite:$work/evil.db"
psql -q "$CLAUDIO_STORE" -c "UPDATE claudio.providers SET provider_config = replace(provider_config, 'http:', 'https:')"

# A rotation to a new key, while another process follows.
make_key "$work/both.key"
cat "$work/first.key" >> "$work/both.key"
expect 0 '1 re-encrypted with the current key' '' "$claudio" --key "file:$work/both.key" secret rotate
expect 2 '' 'is not this database' "$claudio" "${key[@]}" provider list
expect 0 'You said: "hello"$' '' "$claudio" --key "file:$work/both.key" chat hello

# A database of format 1 is used as it is; the migration asks.
make_database old
psql -q -o /dev/null "$CLAUDIO_TEST_POSTGRESQL/old" -f "$(dirname "${BASH_SOURCE[0]}")/../store/data/format_1.sql"
(umask 077; echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= > "$work/old.key")
on_old() { "$claudio" --store "$CLAUDIO_TEST_POSTGRESQL/old" --key "file:$work/old.key" "$@"; }
expect 0 '3 secrets, all' '' on_old secret check
expect 2 '' 'nothing was changed; at a terminal answer y, elsewhere give --yes' on_old store migrate
expect 0 '' "tables are this version's; it has 3 providers" on_old store migrate --yes
expect 0 '3 secrets, all' '' on_old secret check

make_database at_once
eight_at_once "$claudio" "$CLAUDIO_TEST_POSTGRESQL/at_once" "$work/first.key"

# What can't be reached, and what is refused, is told without the password.
refused() { # STATUS STDERR-PATTERN STORE-URL
  expect "$1" '' "$2" "$claudio" --log-level debug --store "$3" "${key[@]}" provider list
  if grep -q "$password" "$work/err"; then
    echo "FAILED: the database's password is in: $(cat "$work/err")"
    failed=1
  fi
}
refused 1 'database "nowhere" does not exist' "$CLAUDIO_TEST_POSTGRESQL/nowhere"
refused 1 'password authentication failed' "${CLAUDIO_STORE/claudio_test:/nobody:}"
refused 2 'a port is a number' "postgresql://x:$password@127.0.0.1:port/x"
refused 2 'expected sqlite:PATH or postgresql://' "mysql://x:$password@host/y"
"$CLAUDIO_TEST_POSTGRESQL_CONTROL" stop
refused 1 "can't be connected to: .*Connection refused.*; trying again" "$CLAUDIO_STORE"
"$CLAUDIO_TEST_POSTGRESQL_CONTROL" start
expect 0 'anthropic' '' "$claudio" --key "file:$work/both.key" provider list
exit "$failed"
