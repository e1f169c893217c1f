#!/usr/bin/env bash
# A database on a medium that can't be written, or that has no free byte, is read; a change is refused.
# Usage: read_only.sh CLAUDIO
set -uo pipefail
claudio=$(realpath "$1")
unset ANTHROPIC_API_KEY CLAUDIO_STORE CLAUDIO_MASTER_KEY
work=$(mktemp -d)
mkdir "$work/disk"
trap 'umount "$work/disk" 2> /dev/null; rm -rf "$work"' EXIT
mount -t tmpfs -o size=512k,mode=700 none "$work/disk" 2> /dev/null || { echo "mounting is not permitted here"; exit 77; }
. "$(dirname "${BASH_SOURCE[0]}")/../support/expect.sh"

database=$work/disk/claudio.db
on_disk() { "$claudio" --store "sqlite:$database" --key "file:$work/claudio.key" "$@"; }
(umask 077; openssl rand -base64 32 > "$work/claudio.key"; printf 'sk-ant-api03-old-key-aaaa' > "$work/old"; printf 'sk-ant-api03-new-key-bbbb' > "$work/new")
on_disk store create 2> /dev/null
on_disk provider add anthropic --key-file "$work/old" 2> /dev/null
on_disk model add claude-sonnet-4-6 2> /dev/null
cp "$database" "$work/settled.db"
# A program that was killed leaves a journal, in which alone the newer key stands.
python3 - "$database" "$claudio" "$work" << 'PYTHON'
import os, sqlite3, subprocess, sys
database, program, work = sys.argv[1:]
beside = sqlite3.connect(database)
beside.execute("select * from store").fetchall()
subprocess.run([program, "--store", "sqlite:" + database, "--key", f"file:{work}/claudio.key", "secret", "set", "anthropic",
                "--from-file", f"{work}/new"], check=True, stderr=subprocess.DEVNULL)
os._exit(0)
PYTHON
[ -s "$database-wal" ] || { echo "FAILED: the test has no pending journal"; exit 1; }
cp "$database" "$work/pending.db" && cp "$database-wal" "$work/pending.db-wal" && cp "$database-shm" "$work/pending.db-shm"

put() { # FILES... that are on the disk when it is full or read-only
  mount -o remount,rw "$work/disk" && rm -f "$work"/disk/*
  for suffix in "${@:2}"; do cp "$work/$1.db$suffix" "$database$suffix"; done
}
# More than fits into the pages that the database has already.
{
  printf '{"providers": [], "models": ['
  for i in $(seq 2000); do printf '%s{"name": "m%d", "type": "LLM", "provider_name": "anthropic"}' "$([ "$i" = 1 ] || echo ,)" "$i"; done
  printf ']}'
} > "$work/many.json"
read_only() { mount -o remount,ro "$work/disk"; }
full() { head -c 1M /dev/zero > "$work/disk/filler" 2> /dev/null; }

for state in read_only full; do
  for files in 'settled ' 'pending  -wal' 'pending  -wal -shm'; do
    set -- $files
    key=aaaa
    [ "$1" = pending ] && key=bbbb
    put "$1" '' "${@:2}"
    $state
    expect 0 "anthropic .*…$key" '' on_disk provider list
    expect 0 "claude-sonnet-4-6" '' on_disk model list
    expect 0 '1 secret, it can be decrypted' '' on_disk secret check
    [ "$state" = full ] || expect 1 '' 'read-only|Read-only' on_disk model remove claude-sonnet-4-6
    [ "$state" = read_only ] || expect 1 '' 'disk is full|No space left|disk I/O error' on_disk config import "$work/many.json"
  done
done
exit $failed
