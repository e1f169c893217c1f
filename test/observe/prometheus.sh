#!/usr/bin/env bash
# The service example's metrics as operators get them: promtool accepts them, a real Prometheus scrapes and counts them, and
# the dashboard finds in it all that it asks for. Exit status 77 (skipped) where one of them or python3 is missing;
# `bash test/setup.sh prometheus python3` installs them.
# Usage: prometheus.sh CLAUDIO SERVICE
set -uo pipefail
claudio=$(realpath "$1")
service=$(realpath "$2")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../interop/processes.sh"
needs promtool prometheus python3
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1

# until_true COMMAND...: up to 20 s
until_true() {
  for _ in $(seq 100); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.2
  done
  return 1
}
give_up() { fail "$@"; exit 1; }

# get URL: the body of a 200
get() {
  python3 -c '
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as response:
    sys.stdout.buffer.write(response.read())
    sys.exit(response.status != 200)' "$1"
}

# One question is answered at the third attempt, one fails at the first. A session dies in between, and more than half of a
# limit is used, so that the service keeps it.
cat > "$work/script.json" << 'JSON'
{"requests": [{"text": "yes", "then_close": true}, {"status": 529}, {"status": 429, "headers": {"retry-after": "0"}}, {"text": "at last"},
  {"status": 400}]}
JSON
"$claudio" fake-server --ca-out "$work/ca.pem" --script "$work/script.json" --rpm 12 --itpm 1000000 --otpm 1000000 \
  > "$work/fake" &
processes+=($!)
until_true grep listening "$work/fake" || give_up "the fake server does not start" "$work/fake"
ANTHROPIC_API_KEY=$key ANTHROPIC_BASE_URL=$(sed -n 's/^listening on //p' "$work/fake") SSL_CERT_FILE="$work/ca.pem" \
  "$service" 0 2 20 0 > "$work/service" 2> "$work/service.log" &
processes+=($!)
until_true grep '^metrics on' "$work/service" || give_up "the service does not say where its metrics are" "$work/service"*
metrics=$(sed -n 's/^metrics on //p' "$work/service")
port=$(sed -nE 's/^listening on .*:([0-9]+)\/ask/\1/p' "$work/service")

# It cannot choose a port itself; where one that was free was taken meanwhile, another is tried.
cat > "$work/prometheus.yml" << YAML
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: claudio, static_configs: [{targets: ['$(sed -E 's/.*\/\/(.*)\/metrics/\1/' <<< "$metrics")']}]}
YAML
for _ in 1 2 3; do
  prometheus=http://127.0.0.1:$(python3 -c "
import socket
one = socket.socket()
one.bind(('127.0.0.1', 0))
print(one.getsockname()[1])")
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --log.level=warn \
    --web.listen-address="${prometheus#http://}" 2> "$work/prometheus.log" &
  scraper=$!
  processes+=($scraper)
  ready() { ! kill -0 $scraper || get "$prometheus/-/ready"; }
  until_true ready && kill -0 $scraper 2> /dev/null && break
done
# gives NUMBER QUERY: whether Prometheus answers so
gives() { promtool query instant "$prometheus" "$2" | grep -q "=> $1 @"; }
until_true gives 1 'up{job="claudio"}' || give_up "Prometheus does not scrape the service" "$work/prometheus.log"

asked=10
for ((i = 1; i <= asked; ++i)); do
  exec 3<> "/dev/tcp/127.0.0.1/$port"
  printf 'POST /ask HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nwell?' >&3
  head -n 1 <&3
done > "$work/answers"
exec 3>&-
[ "$(grep -c ' 200 ' "$work/answers")" = $((asked - 1)) ] || fail "not all but one were answered" "$work/answers" "$work/service.log"

for path in livez readyz; do
  get "${metrics%/metrics}/$path" > "$work/health" 2>&1 || fail "no 200 for /$path" "$work/health"
done
get "$metrics" > "$work/exposition" || give_up "no metrics" "$work/service.log"
promtool check metrics < "$work/exposition" > "$work/promtool" 2>&1 || fail "promtool does not like the metrics" "$work/promtool"
[ -s "$work/promtool" ] && fail "promtool complains about the metrics" "$work/promtool"

# Since two seconds ago: then a rate has two samples of each.
until_true gives $asked 'sum(gen_ai_client_operation_duration_seconds_count offset 2s)' ||
  fail "Prometheus does not count $asked calls" <(grep ^gen_ai_client_operation_duration_seconds_count "$work/exposition")
dashboard=$here/../../docs/grafana-dashboard.json
judge() { python3 "$here/dashboard.py" "$@" > "$work/dashboard" 2>&1; }
{ judge "$dashboard" "$work/exposition" "$prometheus" && judge --self-test "$dashboard" "$work/exposition"; } ||
  fail "the dashboard" "$work/dashboard"
[ ! -e "$work/failed" ]
