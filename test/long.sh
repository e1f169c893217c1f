#!/usr/bin/env bash
# What takes too long for the gate: bash test/long.sh NAME. Without a name it lists them. What a run said is kept in
# bench/results/NAME.txt, with the date, the commit and the machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Each: a line for the list, and a function long_NAME.
names=(
  "soak            ten minutes of everything at once, at random"
  "soak_asan       the same under AddressSanitizer and UndefinedBehaviorSanitizer"
  "soak_tsan       five minutes of it under ThreadSanitizer"
  "fuzz            half an hour of all fuzz targets"
  "rotate_killed   500 rotations of keys, killed at any moment"
  "rolling_upgrade the upgrade of a database beside a program of the version before it, which is built first"
  "walk            the files that a call passes on its way, compared with CONTRIBUTING.md"
  "races           the tests of net, runtime and observe 20 times under ThreadSanitizer"
)

# soak PRESET SECONDS [OPTION...]
soak() {
  bash test/setup.sh libbenchmark-dev
  cmake --preset "$1" -DCLAUDIO_BUILD_BENCH=ON > /dev/null
  cmake --build --preset "$1" --target bench_soak
  echo "bench_soak --seconds ${*:2}"
  "build/$1/bench/bench_soak" --seconds "${@:2}"
}
long_soak() { soak release 600; }
long_soak_asan() { soak asan 600; }
long_soak_tsan() {
  TSAN_OPTIONS="suppressions=$PWD/test/tsan.supp history_size=4" soak tsan 300 --callers 64
}
long_fuzz() { bash test/fuzz/run.sh 1800; }
long_rotate_killed() {
  bash test/setup.sh
  cmake --preset release > /dev/null
  cmake --build --preset release --target claudio
  bash test/tool/rotate_killed.sh build/release/tools/claudio 500
}
long_rolling_upgrade() {
  bash test/setup.sh postgresql
  cmake --preset release > /dev/null
  cmake --build --preset release --target claudio
  bash test/postgresql/with_server.sh bash test/tool/rolling_upgrade.sh build/release/tools/claudio build/old_version
}
long_walk() {
  bash test/setup.sh
  python3 test/lint/walk.py --check
}
long_races() {
  bash test/setup.sh
  cmake --preset tsan > /dev/null
  cmake --build --preset tsan --target test_net test_runtime test_observe
  ctest --test-dir build/tsan --output-on-failure --no-tests=error --repeat until-fail:20 --timeout 3600 -R '^(net|runtime|observe)$'
}

name=${1:-}
if ! printf '%s\n' "${names[@]}" | grep -q "^$name " || [ $# -ne 1 ]; then
  [ -z "$name" ] || echo "no such name: $*" >&2
  echo "bash test/long.sh NAME; the names are:"
  printf '  %s\n' "${names[@]}"
  [ -z "$name" ]
  exit
fi

mkdir -p bench/results
result=bench/results/$name.txt
# Before the file of an earlier run is emptied, which would be a change.
commit=$(git describe --always --dirty=' with changes')
{
  echo "$name, $(date -u '+%Y-%m-%d %H:%M UTC'), commit $commit"
  echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *\([0-9]*\) /\1 x /'), $(
    awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), $(uname -sr | cut -d- -f1), $(c++ --version | head -n 1)"
  echo
} > "$result"
# Of the build only that it failed, of the run all; and no path of this machine.
set +e
(
  set -e
  "long_$name"
) 2>&1 | grep --line-buffered -v '^\[[0-9]*/[0-9]*\] ' | sed -u "s|$PWD/||g; s|$PWD|.|g; s|${TMPDIR:-/tmp}/[^ :'\"]*|TEMPORARY|g" | tee -a "$result"
status=${PIPESTATUS[0]}
[ "$status" -eq 0 ] && outcome=passed || outcome="FAILED with exit status $status"
echo "$outcome after $SECONDS s" | tee -a "$result"
exit "$status"
