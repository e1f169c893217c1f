#!/usr/bin/env bash
# Translated requests against Anthropic's published OpenAPI schema. Exit status 77 (skipped) where the schema or
# Python's jsonschema is not there.
# Usage: run.sh CLAUDIO SCHEMA
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=/usr/bin/python3
[ -f "$2" ] || { echo "skipped: no $(basename "$2")"; exit 77; }
"$python" -c 'import jsonschema' 2> /dev/null || { echo "skipped: needs python3-jsonschema"; exit 77; }
"$python" "$here/requests.py" "$1" "$2" "$here/../translation/requests.json"
