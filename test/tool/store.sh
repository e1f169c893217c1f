#!/usr/bin/env bash
# The database commands as a user meets them: what is printed where, the exit status, and that nothing is half-written.
# Usage: store.sh CLAUDIO
set -uo pipefail
claudio=$1
. "$(dirname "${BASH_SOURCE[0]}")/../support/fake_server.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/expect.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../support/eight_at_once.sh"
unset ANTHROPIC_API_KEY ANTHROPIC_BASE_URL SSL_CERT_FILE CLAUDIO_STORE CLAUDIO_MASTER_KEY
export XDG_CONFIG_HOME=$work/config
home=$work/config/claudio
start_fake_server "$claudio"

given() { # TEXT: a file to be used as standard input
  printf '%s' "$1" > "$work/input"
  echo "$work/input"
}

# The default database: made on first use, for its owner only, with a key file beside it.
expect 0 '' 'made the key file .*claudio.db.key; keep a copy' "$claudio" provider list
[ "$(stat -c %a "$home" "$home/claudio.db" "$home/claudio.db.key" | tr '\n' ' ')" = '700 600 600 ' ] ||
  { echo "FAILED: the modes of the default database: $(ls -l "$home")"; failed=1; }
expect 2 '' 'has no model' "$claudio" chat hello
expect 2 '' 'add one first' "$claudio" model add claude-sonnet-4-6
stdin=$(given 'sk-ant-api03-first-key-aaaa') expect 0 '' 'added the provider anthropic$' "$claudio" provider add anthropic \
  --key-stdin --api-base "$server_url" --set "ca_file=$ca_file" --set retry.max_retries=1 --set retry.base_delay_ms=1
expect 0 '' 'added the model' "$claudio" model add claude-sonnet-4-6 --set model_params.temperature=0.5
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 0 'You said: "hello"$' '' "$claudio" --store "sqlite:$home/claudio.db" chat --model claude-sonnet-4-6 hello
expect 2 '' 'did you mean "claude-sonnet-4-6"' "$claudio" chat --model claude-sonnet-46 hello

# What is wrong is said in one line, and nothing is changed by it.
"$claudio" config export "$work/before.json" || failed=1
expect 2 '' 'is there already' "$claudio" provider add anthropic
expect 2 '' 'did you mean "anthropic"' "$claudio" provider show antropic
expect 2 '' 'no provider is named "antropic"; did you mean "anthropic"' "$claudio" model add x --provider antropic
expect 2 '' 'is used by the model claude-sonnet-4-6' "$claudio" provider remove anthropic
expect 2 '' 'unknown field; did you mean "max_retries"' "$claudio" provider update anthropic --set retry.max_retrys=1
expect 2 '' 'provider_config.retry.max_retries: expected an integer' "$claudio" provider update anthropic --set retry.max_retries=-1
expect 2 '' 'expected FIELD=VALUE' "$claudio" provider update anthropic --set retry
expect 2 '' 'nothing to change' "$claudio" provider update anthropic
expect 2 '' 'there is no field retry.max_retrys' "$claudio" provider update anthropic --unset retry.max_retrys
expect 2 '' 'nested too deep' "$claudio" provider update anthropic --set "$(printf 'a.%.0s' $(seq 100))a=1"
expect 2 '' 'control character' "$claudio" provider add $'ev\e[31mil' --set api_key=env:X
expect 2 '' 'the name of a model stays' "$claudio" model update claude-sonnet-4-6 --set name=other
expect 2 '' 'no model is named "other"' "$claudio" model update claude-sonnet-4-6 --set 'fallbacks=[{"model":"other"}]'
for argument in api_key=sk-ant-in-an-argument 'api_keys=[{"api_key":"sk-ant-in-an-argument"}]' headers.x-api-key=sk-ant-in-an-argument \
  proxy=http://user:sk-ant-in-an-argument@proxy:3128; do
  expect 2 '' 'a secret is not given as an argument' "$claudio" provider update anthropic --set "$argument"
  expect 2 '' 'a secret is not given as an argument' "$claudio" provider add second --set "$argument"
done
expect 2 '' 'standard input is empty' "$claudio" secret set anthropic
expect 2 '' 'is not set' "$claudio" secret set anthropic --from-env CLAUDIO_TEST_NO_SUCH_VARIABLE
expect 2 '' 'No such file' "$claudio" secret set anthropic --from-file "$work/none"
stdin=$(given 'sk x') expect 2 '' 'no secret belongs there' "$claudio" secret set anthropic --field api_base
stdin=$(given $'sk\nx') expect 2 '' 'api_key' "$claudio" secret set anthropic
stdin=$(given 'env:X') expect 2 '' 'a reference, not a secret' "$claudio" secret set anthropic
printf '{"providers": [],\n "models": [}' > "$work/bad.json"
expect 2 '' 'bad.json: not valid JSON in line 2, column 13' "$claudio" config import "$work/bad.json"
printf '{"providers": [], "models": [{"name": "m", "type": "LLM", "provider_name": "nobody"}]}' > "$work/bad.json"
expect 2 '' 'bad.json: models\[0\].provider_name: no provider is named "nobody"' "$claudio" config import "$work/bad.json"
printf '{"providers": [{"name": "p", "provider_type": "anthropic", "provider_config": {"api_key": "sk-ant-p"}}, {"name": "p"}], "models": []}' > "$work/bad.json"
expect 2 '' 'providers\[1\].name: the name "p" stands twice' "$claudio" config import "$work/bad.json"
expect 2 '' 'nothing was written' "$claudio" config export - --with-secrets
expect 2 '' 'is there already' "$claudio" config export "$work/before.json"
for command in 'provider list' 'secret rotate' 'chat hello'; do
  expect 2 '' 'expected sqlite:PATH' "$claudio" --store postgres:x $command
done
expect 2 '' 'excludes|Excludes' "$claudio" provider add p --key-stdin --key-env X
expect 2 '' 'A subcommand is required' "$claudio" provider
expect 0 'key-stdin' '' "$claudio" provider add --help
expect 0 'forget-old' '' "$claudio" secret rotate --help
"$claudio" config export "$work/after.json" || failed=1
cmp "$work/before.json" "$work/after.json" || { echo "FAILED: what was refused has changed something"; failed=1; }

# Secrets are shown by their last four characters, and found when they are stored twice.
expect 0 'anthropic .*…aaaa +1 ' '' "$claudio" provider list
expect 0 'api_key: …aaaa' '' "$claudio" provider show anthropic
expect 0 '"api_key": "vault:"' '' "$claudio" provider show anthropic --json
FIRST_KEY='sk-ant-api03-first-key-aaaa' expect 0 '' 'added the provider second$' "$claudio" provider add second --key-env FIRST_KEY
expect 0 'anthropic +api_key +…aaaa .* second api_key$' '' "$claudio" secret list
stdin=$(given 'sk-ant-api03-second-key-bbbb') expect 0 '' 'to …bbbb' "$claudio" secret set second
expect 0 '"version": 2' '' "$claudio" secret list --json
expect 2 '' 'several providers' "$claudio" model add claude-haiku-4-5
expect 0 '2 secrets' '' "$claudio" secret check
expect 0 '' 'added the provider third; it has no key yet: claudio secret set third' "$claudio" provider add third
expect 0 '' 'added the model' "$claudio" model add claude-haiku-4-5 --provider third
expect 2 '' 'no secret is stored for it yet; set it: claudio secret set third' "$claudio" chat --model claude-haiku-4-5 hello
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 0 '' 'removed the provider second' "$claudio" provider remove second
expect 0 '' 'removed the model' "$claudio" model remove claude-haiku-4-5
# A provider's key may be elsewhere, and is then looked up when it is used.
expect 0 '' 'updated' "$claudio" provider update third --set api_key=env:THIRD_KEY --api-base "$server_url" --set "ca_file=$ca_file"
expect 0 '' 'added' "$claudio" model add claude-haiku-4-5 --provider third
THIRD_KEY=sk-ant-third expect 0 'You said' '' "$claudio" chat --model claude-haiku-4-5 hello
expect 2 '' 'THIRD_KEY.*is not set' "$claudio" chat --model claude-haiku-4-5 hello

# Out and in again, without and with secrets.
expect 0 '' '' "$claudio" config export "$work/open.json"
grep -q 'first-key' "$work/open.json" && { echo "FAILED: export shows a key"; failed=1; }
expect 0 '' '' "$claudio" config export "$work/all.json" --with-secrets --yes
grep -q 'sk-ant-api03-first-key-aaaa' "$work/all.json" || { echo "FAILED: export with secrets has no key"; failed=1; }
[ "$(stat -c %a "$work/all.json")" = 600 ] || { echo "FAILED: the export may be read by others"; failed=1; }
export CLAUDIO_STORE=sqlite:$work/copy.db
# A database that is named is not made by the way: its name may be mistyped.
for command in 'provider list' "provider add x --set api_key=env:X" "config import $work/all.json" 'chat hello' 'store migrate' 'secret rotate'; do
  expect 2 '' "there is no database $work/copy.db; if the name is right, make it: claudio --store $CLAUDIO_STORE store create" "$claudio" $command
done
[ -e "$work/copy.db" ] || [ -e "$work/copy.db.key" ] && { echo "FAILED: a database was made by the way"; failed=1; }
expect 0 '' 'the database is ready; it has 0 providers, 0 models and 0 secrets; add one' "$claudio" store create
expect 2 '' 'is there already' "$claudio" store create
expect 0 '' '2 providers added, 0 updated; 2 models added, 0 updated' "$claudio" config import "$work/all.json"
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 0 '' '0 providers added, 2 updated; 0 models added, 2 updated' "$claudio" config import "$work/open.json"
expect 0 'You said: "hello"$' '' "$claudio" chat --model claude-sonnet-4-6 hello
unset CLAUDIO_STORE
THIRD_KEY=sk-ant-third expect 0 'You said: "hello"$' '' "$claudio" chat --config "$work/all.json" hello
expect 2 '' '"vault:" stands for a secret in a database' "$claudio" chat --config "$work/open.json" hello

# Keys: other sources, wrong ones, none.
other=$(openssl rand -base64 32)
CLAUDIO_MASTER_KEY=$other expect 2 '' "key-encryption key is not this database's" "$claudio" provider list
CLAUDIO_MASTER_KEY=$other expect 2 '' "key-encryption key is not this database's" "$claudio" chat hello
CLAUDIO_MASTER_KEY='not a key' expect 2 '' 'CLAUDIO_MASTER_KEY, line 1: not a key' "$claudio" provider list
expect 0 'anthropic' '' "$claudio" --key "file:$home/claudio.db.key" provider list
expect 0 'anthropic' '' "$claudio" --key "command:cat '$home/claudio.db.key'" provider list
expect 2 '' 'failed with exit status 3' "$claudio" --key 'command:exit 3' provider list
expect 2 '' 'expected file:PATH' "$claudio" --key nonsense provider list
# A master key that is not used is not handed on.
CLAUDIO_MASTER_KEY=$other expect 0 'anthropic' '' "$claudio" \
  --key "command:printenv CLAUDIO_MASTER_KEY > '$work/handed_on'; cat '$home/claudio.db.key'" provider list
[ -s "$work/handed_on" ] && { echo "FAILED: a key command got the master key"; failed=1; }
printf 'sk-ant-api03-in-an-open-file' > "$work/open_key"
chmod 640 "$work/open_key"
expect 2 '' 'run: chmod 600' "$claudio" provider add from_file --key-file "$work/open_key"
expect 2 '' 'run: chmod 600' "$claudio" secret set anthropic --from-file "$work/open_key"
mkfifo "$work/key_pipe"
expect 2 '' 'not a regular file' "$claudio" secret set anthropic --from-file "$work/key_pipe"
expect 2 '' 'not a regular file' "$claudio" --key "file:$work/key_pipe" provider list
expect 2 '' 'not a regular file' "$claudio" --key "passphrase:file:$work/key_pipe" provider list
chmod 644 "$home/claudio.db.key"
expect 2 '' 'chmod 600' "$claudio" provider list
chmod 600 "$home/claudio.db.key"
mv "$home/claudio.db.key" "$work/kept"
expect 2 '' 'the key file .* is not there; put it back' "$claudio" provider list
mv "$work/kept" "$home/claudio.db.key"
PASS='correct horse' expect 0 '' 'the database is ready' "$claudio" --store "sqlite:$work/pass.db" --key passphrase:env:PASS store create
stdin=$(given 'sk-ant-by-passphrase') PASS='correct horse' expect 0 '' 'added' \
  "$claudio" --store "sqlite:$work/pass.db" --key passphrase:env:PASS provider add p --key-stdin
printf 'correct horse\n' > "$work/passphrase"
chmod 644 "$work/passphrase"
expect 2 '' 'may be used by others than its owner; run: chmod 600' "$claudio" --store "sqlite:$work/pass.db" --key "passphrase:file:$work/passphrase" secret check
chmod 600 "$work/passphrase"
expect 0 'can be decrypted' '' "$claudio" --store "sqlite:$work/pass.db" --key "passphrase:file:$work/passphrase" secret check
PASS='wrong horse' expect 2 '' "is not this database's" "$claudio" --store "sqlite:$work/pass.db" --key passphrase:env:PASS secret check

# What was changed by something else is not used.
tampered() { python3 -c "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]); database.execute(sys.argv[2]); database.commit()" "$home/claudio.db" "$1"; }
tampered "update providers set provider_config = replace(provider_config, 'https://127.0.0.1', 'https://localhost') where name = 'anthropic'"
expect 2 '' 'was changed by something else than claudio' "$claudio" chat --model claude-sonnet-4-6 hello
# Nothing but its acceptance makes it valid, whatever else is changed.
stdin=$(given sk-ant-new) expect 2 '' 'was changed by something else' "$claudio" secret set anthropic
expect 2 '' 'was changed by something else' "$claudio" provider update anthropic --api-base "$server_url"
expect 2 '' 'was changed by something else' "$claudio" provider update anthropic --set retry.max_retries=7
expect 2 '' 'was changed by something else' "$claudio" model update claude-sonnet-4-6 --set max_tokens=5
expect 2 '' 'was changed by something else' "$claudio" model add claude-opus-4-8 --provider anthropic
expect 2 '' 'was changed by something else' "$claudio" config import "$work/all.json"
expect 2 '' 'was changed by something else' "$claudio" config import "$work/open.json"
expect 2 '' 'was changed by something else' "$claudio" config export -
expect 2 '' 'was changed by something else' "$claudio" store copy "sqlite:$home/claudio.db" "sqlite:$work/evil.db" --to-key "file:$home/claudio.db.key"
expect 0 'anthropic .*https://localhost.* \(not used, see below\)' 'claudio provider accept anthropic' "$claudio" provider list
expect 0 'fault: provider "anthropic" was changed by something else' '' "$claudio" provider show anthropic
expect 0 '"fault": "provider .*was changed by something else' '' "$claudio" provider show anthropic --json
expect 1 '' 'was changed by something else.*' "$claudio" secret check
expect 0 're-encrypted' 'the provider anthropic was changed by something else than claudio, and stays unusable' "$claudio" secret rotate
expect 2 'api_base: https://localhost' 'nothing was accepted; at a terminal answer y, elsewhere give --yes' "$claudio" provider accept anthropic
expect 2 '' 'was changed by something else than claudio' "$claudio" chat --model claude-sonnet-4-6 hello
expect 0 'provider_config.api_base: https://localhost' 'accepted the provider anthropic as it is' "$claudio" provider accept anthropic --yes
expect 0 '' 'nothing is to be accepted' "$claudio" provider accept anthropic --yes
expect 2 '' 'did you mean "anthropic"' "$claudio" provider accept antropic --yes
expect 0 '' 'updated' "$claudio" provider update anthropic --api-base "$server_url"
expect 0 'You said: "hello"$' '' "$claudio" chat --model claude-sonnet-4-6 hello
expect 0 'can be decrypted' '' "$claudio" secret check

# An import says what it takes away; an export goes to a pipe too.
stdin=$(given 'sk-ant-token') expect 0 '' 'set headers.x-auth' "$claudio" --store "sqlite:$work/copy.db" secret set third --field headers.x-auth
expect 0 '' 'were removed: 1$' "$claudio" --store "sqlite:$work/copy.db" config import "$work/open.json"
mkfifo "$work/pipe"
cat "$work/pipe" > "$work/piped" &
expect 0 '' '' "$claudio" config export "$work/pipe"
wait $!
[ -p "$work/pipe" ] && grep -q '"providers"' "$work/piped" || { echo "FAILED: an export to a pipe"; failed=1; }
CLAUDIO_MASTER_KEY=$(tail -n 1 "$home/claudio.db.key") expect 2 '' 'do not come from one key file' "$claudio" secret rotate --new-key

# A new key, and none of the old ones afterwards.
printf '  # kept in the safe of building 3\n\n' >> "$home/claudio.db.key"
cp "$home/claudio.db.key" "$work/old.key"
expect 0 '^1 re-encrypted' 'put a new key in front' "$claudio" secret rotate --new-key
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 0 '^0 re-encrypted with the current key, 1 were' 'took the older keys out' "$claudio" secret rotate --forget-old
expect 0 'You said: "hello"$' '' "$claudio" chat hello
expect 2 '' "is not this database's" "$claudio" --key "file:$work/old.key" provider list
[ "$(grep -vcE '^ *#|^$' "$home/claudio.db.key")" = 1 ] || { echo "FAILED: old keys stayed in the key file"; failed=1; }
diff <(grep -E '^ *#|^$' "$work/old.key") <(grep -E '^ *#|^$' "$home/claudio.db.key") || { echo "FAILED: the comments of the key file are gone"; failed=1; }
cp "$home/claudio.db.key" "$work/old2.key"

# A key that is added is in use after the next rotation only.
expect 0 '' 'put a new key in front .*Copy the file to all machines' "$claudio" secret add-key
expect 0 'You said: "hello"$' '' "$claudio" --key "file:$work/old2.key" chat hello
expect 0 '^1 re-encrypted' 'took the older keys out' "$claudio" secret rotate --forget-old
expect 2 '' "is not this database's" "$claudio" --key "file:$work/old2.key" provider list

# A database of format 1 is used as it is, until it is migrated.
cp "$(dirname "${BASH_SOURCE[0]}")/../store/data/format_1.db" "$work/old.db"
chmod 600 "$work/old.db"
(umask 077; echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= > "$work/old.db.key")
stdin=$(given sk-ant-later) expect 0 '' 'set api_key' "$claudio" --store "sqlite:$work/old.db" secret set second
expect 0 '3 secrets, all' '' "$claudio" --store "sqlite:$work/old.db" secret check
[ -e "$work/old.db.format-1" ] && { echo "FAILED: something else than store migrate made a backup"; failed=1; }
expect 0 '' 'of format 1 and becomes one of format 2.*' "$claudio" --store "sqlite:$work/old.db" store migrate
grep -q "as it was before, the database is in $work/old.db.format-1" "$work/err" || { echo "FAILED: the backup is not told"; failed=1; }
[ "$(stat -c %a "$work/old.db.format-1")" = 600 ] || { echo "FAILED: the backup may be read by others"; failed=1; }
expect 0 '3 secrets, all' '' "$claudio" --store "sqlite:$work/old.db" secret check
expect 0 '' "the database's tables are this version's; it has 3 providers, 2 models and 3 secrets" "$claudio" --store "sqlite:$work/old.db" store migrate

# Damage: each row has its own error, and the others work.
cp "$home/claudio.db" "$work/damaged.db" && cp "$home/claudio.db.key" "$work/damaged.db.key"
damaged() { python3 - "$work/damaged.db" "$1" << 'PYTHON'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.executescript(sys.argv[2])
database.commit()
PYTHON
}
stdin=$(given 'sk-ant-api03-other-key-cccc') expect 0 '' 'added' "$claudio" --store "sqlite:$work/damaged.db" provider add other --key-stdin
damaged "update secrets set sealed = cast(substr(sealed, 1, length(sealed) - 1) || x'00' as blob) where provider_name = 'other'"
expect 1 '' "other api_key: the secret's text can't be decrypted" "$claudio" --store "sqlite:$work/damaged.db" secret check
expect 0 'You said: "hello"$' '' "$claudio" --store "sqlite:$work/damaged.db" chat hello
expect 0 "other .*can't be decrypted" '' "$claudio" --store "sqlite:$work/damaged.db" provider list
damaged "pragma foreign_keys = off; insert into models select null, 'astray', type, 'nobody', max_tokens, model_params, settings, created_at_ms, updated_at_ms from models limit 1"
expect 0 'astray +nobody' 'model "astray".provider_name: no provider is named "nobody"' "$claudio" --store "sqlite:$work/damaged.db" model list
expect 0 '"fault": "model' '' "$claudio" --store "sqlite:$work/damaged.db" model list --json
expect 2 '' 'no provider is named "nobody"' "$claudio" --store "sqlite:$work/damaged.db" chat --model astray hello
"$claudio" --store "sqlite:$work/damaged.db" chat hello 2> /dev/null | grep -q 'You said: "hello"' || { echo "FAILED: a model without its provider stops others"; failed=1; }
damaged 'pragma user_version = 99'
expect 1 '' 'was made by a newer version of claudio' "$claudio" --store "sqlite:$work/damaged.db" provider list
damaged 'pragma user_version = 1; pragma application_id = 7'
expect 1 '' 'belongs to another program' "$claudio" --store "sqlite:$work/damaged.db" provider list
head -c 5000 /dev/zero | tr '\0' 'x' > "$work/damaged.db"
rm -f "$work"/damaged.db-*
expect 1 '' 'is not a SQLite database' "$claudio" --store "sqlite:$work/damaged.db" provider list
expect 1 '' "can't make the key file .*No such file or directory" "$claudio" --store "sqlite:$work/none/x.db" store create
expect 1 '' "can't make the database .*No such file or directory" "$claudio" --key "file:$home/claudio.db.key" --store "sqlite:$work/none/x.db" store create

(umask 077; openssl rand -base64 32 > "$work/at_once.key")
"$claudio" --store "sqlite:$work/at_once.db" --key "file:$work/at_once.key" store create 2> /dev/null
eight_at_once "$claudio" "sqlite:$work/at_once.db" "$work/at_once.key"

# A full disk (a file that may not grow), and a file that may not be written.
many() { # the models of a configuration that needs more room
  printf '{"providers": [], "models": ['
  for i in $(seq 2000); do printf '%s{"name": "claude-sonnet-4-6-%d", "type": "LLM", "provider_name": "anthropic"}' "$([ "$i" = 1 ] || echo ,)" "$i"; done
  printf ']}'
}
many > "$work/many.json"
full() { (ulimit -f 100; trap '' XFSZ; "$claudio" config import "$work/many.json"); }
expect 1 '' "can't be used: (the disk is full|disk I/O error)" full
expect 0 'claude-sonnet-4-6' '' "$claudio" model list
"$claudio" model list | grep -q 'claude-sonnet-4-6-1' && { echo "FAILED: a half-written import"; failed=1; }
if [ "$(id -u)" -eq 0 ]; then
  chmod -R a+rX "$work" && chmod 777 "$home" && chmod 644 "$home"/claudio.db*
  cp "$home/claudio.db.key" "$work/nobody.key" && chown nobody "$work/nobody.key" && chmod 600 "$work/nobody.key"
  chmod 555 "$home"
  read_only() { setpriv --reuid=nobody --clear-groups "$claudio" --store "sqlite:$home/claudio.db" --key "file:$work/nobody.key" "$@"; }
else
  chmod 444 "$home"/claudio.db* && chmod 555 "$home"
  read_only() { "$claudio" --store "sqlite:$home/claudio.db" "$@"; }
fi
expect 0 'claude-haiku-4-5' '' read_only model list
expect 1 '' "read-only|Permission denied" read_only model remove claude-haiku-4-5
chmod 700 "$home" && chmod 600 "$home"/claudio.db*
exit $failed
