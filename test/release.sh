#!/usr/bin/env bash
# What only a release needs, an hour and a half: bash test/release.sh [STEP...], all without one. What is committed is
# tried, in a clone of its own below build/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. test/support/stages.sh
clone=build/release_check/claudio
fresh_clone() { rm -rf "$clone" && git clone -q . "$clone"; }

# The version is the same wherever it is said, and its changes are described.
step_version() {
  local version
  version=$(sed -nE 's/^project\(claudio VERSION ([0-9.]+) .*/\1/p' CMakeLists.txt)
  grep -qF "version = \"$version\"" conan/conanfile.py || { echo "conan/conanfile.py is not of version $version"; return 1; }
  grep -q "^## ${version//./\\.}\b" CHANGELOG.md || { echo "CHANGELOG.md says nothing of version $version"; return 1; }
}

# The commands of the README, as one who has just cloned it gives them.
step_readme() {
  local commands
  fresh_clone
  commands=$(sed -n '/^```sh$/,/^```$/p' README.md | grep '^bash ')
  [ "$(wc -l <<< "$commands")" -eq 2 ] || { echo "README.md has not the two commands that are tried here:"; echo "$commands"; return 1; }
  (cd "$clone" && unset ANTHROPIC_API_KEY && bash -euo pipefail -c "$commands")
}

step_gate() {
  [ -d "$clone" ] || fresh_clone
  (cd "$clone" && bash .ci/run)
}

# The recipe, where Conan is there: its dependencies are built by it.
step_conan() {
  if command -v conan > /dev/null; then
    conan create conan --build=missing
  else
    python3 -m py_compile conan/conanfile.py conan/test_package/conanfile.py
    rm -rf conan/__pycache__ conan/test_package/__pycache__
    echo "no conan on this machine: only the recipe's syntax was checked"
  fi
}

# Without our presets: no ccache, no -Werror, and the installed tree is used.
step_package() {
  rm -rf build/package
  cmake -S . -B build/package/build -G Ninja -DCLAUDIO_BUILD_TESTS=OFF -DCLAUDIO_BUILD_EXAMPLES=OFF > /dev/null
  ! grep -qE 'ccache|-Werror' build/package/build/build.ninja || { echo "a packager gets ccache or -Werror"; return 1; }
  cmake --build build/package/build
  bash test/consume/run.sh build/package/build "$PWD/build/package"
}

step_benchmarks() {
  bash test/setup.sh libbenchmark-dev
  cmake --preset release -DCLAUDIO_BUILD_BENCH=ON > /dev/null
  cmake --build --preset release
  for name in sse stream translate call store; do
    "build/release/bench/bench_$name" --benchmark_min_time=0.01 > /dev/null
  done
  bash bench/sessions.sh 50 500 1
  bash bench/pacing.sh 12000 2000
}

# The release build under valgrind: what is read before it is set, and what the sanitizers' builds hide.
step_memcheck() {
  bash test/setup.sh valgrind
  cmake --preset release > /dev/null
  cmake --build --preset release --target test_core test_observe
  for name in core observe; do
    CLAUDIO_TEST_DATA=test valgrind --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite \
      "build/release/test/test_$name" --catch_system_errors=no
  done
}

step_long() {
  for name in soak fuzz rotate_killed races; do
    bash test/long.sh "$name"
  done
}

all=(version readme gate conan package benchmarks memcheck long)
for step in "${@:-${all[@]}}"; do
  [[ " ${all[*]} " == *" $step "* ]] || { current="reading the steps (they are: ${all[*]})"; exit 2; }
done
for step in "${@:-${all[@]}}"; do
  stage "$step" "step_$step"
done
