#!/usr/bin/env bash
# Installs Dagster's own programs for the tests (dagster-cloud with its agent, and dg, from PyPI) into a folder of its own below target/,
# says so, and prints the folder of the programs. What is there already is used again.
#
#   COUNTERSIGN_TEST_DAGSTER_BIN=$(scripts/dagster-tools.sh) cargo test --workspace --test it -- dagster_tools
#
# An older release of the agent goes into target/dagster-tools/older: the same programs run it with PYTHONPATH set to that folder.
# Nothing is installed outside of target/dagster-tools. The tests start the programs against a server on 127.0.0.1 alone.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(./scripts/pypi.sh dagster-tools dagster-cloud)
programs=$(dirname "$program")

readonly packages=scripts/dagster-older.txt
older=$(cd "$programs/../.." && pwd)/older
if ! cmp --silent "$packages" "$older/installed.txt"; then
    printf 'dagster-tools: installing what %s lists from PyPI into %s\n' "$packages" "$older" >&2
    rm -rf "$older"
    ./scripts/again.sh "$programs/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --target "$older" --requirement "$packages" >&2 || {
        printf 'dagster-tools: error: pip could not install what %s lists\n' "$packages" >&2
        exit 1
    }
    cp "$packages" "$older/installed.txt"
fi
printf '%s\n' "$programs"
