#!/usr/bin/env bash
# Installs an S3-compatible server for the tests (moto, from PyPI) into a folder of its own below target/, says so, and prints the
# path of its program. What is there already is used again.
#
#   COUNTERSIGN_TEST_S3_SERVER=$(scripts/s3-server.sh) cargo test -p countersign-store --test it
#
# Nothing is installed outside that folder. The tests start the server on a free port of 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly packages=scripts/s3-server.txt

say() { printf 's3-server: %s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

folder=${CARGO_TARGET_DIR:-target}/s3-server
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
program=$folder/venv/bin/moto_server

# The list is copied last, so a list that is the same means that everything was installed.
if ! cmp --silent "$packages" "$folder/installed.txt" || [[ ! -x "$program" ]]; then
    command -v python3 >/dev/null || fail "python3 is missing: install Debian's packages python3 and python3-venv"
    say "installing from PyPI into $folder/venv: $(grep -v '^#' "$packages" | tr '\n' ' ')"
    rm -rf "$folder/venv" "$folder/installed.txt"
    python3 -m venv "$folder/venv" || fail "no virtual environment can be made: install Debian's package python3-venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$packages" >&2 ||
        fail "pip could not install what $packages lists"
    cp "$packages" "$folder/installed.txt"
fi
printf '%s\n' "$program"
