#!/usr/bin/env bash
# Consumers by find_package, from an installed tree, and by add_subdirectory; each makes one call.
# Usage: run.sh BUILD_FOLDER WORK_FOLDER
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$1 work=$2
launcher=()
command -v ccache > /dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# As CLAUDIO_CCACHE does: hits in another clone, where WORK_FOLDER lies in it too.
export CCACHE_BASEDIR=$source CCACHE_NOHASHDIR=1

cmake --install "$build" --prefix "$work/prefix" > /dev/null
cmake -S "$source/conan/test_package" -B "$work/installed" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" "${launcher[@]}" > /dev/null
cmake --build "$work/installed"
"$work/installed/consumer"
(cd "$work" && "$work/installed/store_consumer")

# What is to fail says why.
refused() { # TEXT COMMAND...
  local text=$1 output
  shift
  if output=$("$@" 2>&1) || ! grep -qF -- "$text" <<< "$(tr -s ' \n' ' ' <<< "$output")"; then
    printf '%s\n' "$output" "expected a failure with: $text"
    return 1
  fi
}
miscompiled() { cmake -S "$source/test/consume/miscompiled" -B "$work/$1" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" "${@:2}"; }
refused 'claudio has no component "stores"; its components are core, claudio, store and testing.' \
  miscompiled no_component -DCOMPONENT=stores
miscompiled miscompiled > /dev/null
refused 'miscompiled.cpp:5: ?: in a statement with co_await' cmake --build "$work/miscompiled"
refused 'miscompiled.cpp:6: a braced temporary' cmake --build "$work/miscompiled"

cmake -S "$source/test/consume/subdirectory" -B "$work/subdirectory" -G Ninja -DCLAUDIO_SOURCE="$source" \
  -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O0 "${launcher[@]}" > /dev/null
cmake --build "$work/subdirectory" --target consumer
"$work/subdirectory/consumer"
refused 'miscompiled.cpp:5: ?: in a statement with co_await' cmake --build "$work/subdirectory" --target miscompiled
