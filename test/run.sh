#!/usr/bin/env bash
# Sets up, builds, and passes the tests: bash test/run.sh [arguments of ctest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash test/setup.sh
cmake --preset release -DCLAUDIO_BUILD_TESTS=ON > /dev/null
cmake --build --preset release
ctest --test-dir build/release --output-on-failure --no-tests=error "$@"
