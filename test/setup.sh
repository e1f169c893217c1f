#!/usr/bin/env bash
# Installs what building and testing need (Debian 12; the names are Ubuntu 24.04's too, which was not tried), then builds.
# Says before what it installs, and what else it changes: the tests have servers of their own.
# Sourced or run by examples/quickstart.sh, test/run.sh and .ci/run; leaves a machine that has everything as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(g++ cmake ninja-build ccache libboost1.81-dev libboost-json1.81-dev libboost-test1.81-dev libssl-dev
          libspdlog-dev libcli11-dev libsqlite3-dev libpq-dev libedit-dev)
. /etc/os-release
if [ "${ID:-}" = ubuntu ]; then
  # Ubuntu 24.04 has Boost 1.83 under the plain names.
  packages=("${packages[@]//1.81/}")
fi
packages+=("$@")

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || { echo "needs root or sudo to install: ${missing[*]}" >&2; exit 2; }
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}" >&2
  if [[ " ${missing[*]} " == *" postgresql "* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    echo "writing /etc/postgresql-common/createcluster.conf, so that no cluster is made and no server started for this" \
      "machine; to take it back: rm /etc/postgresql-common/createcluster.conf && pg_createcluster VERSION main" >&2
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf > /dev/null
  fi
  if [[ " ${missing[*]} " == *" prometheus "* ]] && [ ! -e /etc/systemd/system/prometheus.service ]; then
    echo "masking prometheus.service, so that no server is started for this machine, now or from the next boot on; to" \
      "take it back: systemctl unmask prometheus" >&2
    "${as_root[@]}" mkdir -p /etc/systemd/system
    "${as_root[@]}" ln -s /dev/null /etc/systemd/system/prometheus.service
  fi
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi
