#!/usr/bin/env bash
# Sets up, builds, and passes the tests: bash test/run.sh [arguments of ctest]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# gdb for a core dump of a running process, PostgreSQL and Prometheus for servers of the tests' own, the others for what
# tests do beside the program.
bash test/setup.sh gdb openssl postgresql prometheus python3
cmake --preset release -DCLAUDIO_BUILD_TESTS=ON > /dev/null
cmake --build --preset release
# Most of them wait most of the time; test/CMakeLists.txt says what takes a processor of its own.
ctest --test-dir build/release --output-on-failure --no-tests=error -j "$((2 * $(nproc)))" "$@"
