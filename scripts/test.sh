#!/usr/bin/env bash
# Prepares the machine and runs the tests beside a PostgreSQL server of their own.
#
#   scripts/test.sh full            everything
#   scripts/test.sh unprivileged    without the checks that mount file systems
#   scripts/test.sh release         the kill, power-cut and race tests at their release sizes
#
# It needs no terminal and asks nothing. The parts and their limits are in scripts/test-parts.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'test: %s\n' "$*" >&2; }

# Makes and mounts a small image and a tmpfs, as the tests will. Being root is not enough: a container may forbid it. They go lazily: that
# another program looks at a new file system for a moment is no reason not to begin.
can_mount() {
    local folder
    ((EUID == 0)) || return 1
    folder=$(mktemp --directory)
    mkdir "$folder/mounted"
    local works=0
    truncate --size=4M "$folder/image" &&
        mkfs.ext4 -q "$folder/image" &&
        mount -o loop "$folder/image" "$folder/mounted" &&
        umount --lazy "$folder/mounted" &&
        mount -t tmpfs -o size=1M countersign-test "$folder/mounted" &&
        umount --lazy "$folder/mounted" || works=1
    rm -rf "$folder"
    return "$works"
}

refuse_without_mounts() {
    if ((EUID != 0)); then
        say "error: the power-cut and full-disk checks mount file systems, and that needs root"
    else
        say "error: the power-cut and full-disk checks mount file systems, and this machine does not let root mount (a container?)"
    fi
    say "run it as root, or leave those checks out with: make test-unprivileged"
    exit 1
}

mode=${1:-full}
case "$mode" in
full | release)
    # Before anything is installed: who cannot run this shall not wait for it.
    ((EUID == 0)) || refuse_without_mounts
    ./scripts/prerequisites.sh mounts
    can_mount || refuse_without_mounts
    export COUNTERSIGN_TEST_MOUNTS=1
    ;;
unprivileged)
    ./scripts/prerequisites.sh
    export COUNTERSIGN_TEST_MOUNTS=0
    ;;
*)
    say "error: '$mode' is not one of full, unprivileged, release"
    exit 2
    ;;
esac

# A real S3-compatible server for the tests of the artifact store.
COUNTERSIGN_TEST_S3_SERVER=${COUNTERSIGN_TEST_S3_SERVER:-$(./scripts/s3-server.sh)}
export COUNTERSIGN_TEST_S3_SERVER
# Dagster's own programs, unmodified.
COUNTERSIGN_TEST_DAGSTER_BIN=${COUNTERSIGN_TEST_DAGSTER_BIN:-$(./scripts/dagster-tools.sh)}
export COUNTERSIGN_TEST_DAGSTER_BIN
# What drives Chromium.
COUNTERSIGN_TEST_BROWSER_TOOLS=${COUNTERSIGN_TEST_BROWSER_TOOLS:-$(./scripts/browser-tools.sh)}
export COUNTERSIGN_TEST_BROWSER_TOOLS

exec ./scripts/with-postgres.sh ./scripts/test-parts.sh "$mode"
