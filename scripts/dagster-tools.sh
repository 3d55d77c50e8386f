#!/usr/bin/env bash
# Installs Dagster's own programs for the tests (dagster-cloud with its agent, and dg, from PyPI) into a folder of its own below target/,
# says so, and prints the folder of the programs. What is there already is used again.
#
#   COUNTERSIGN_TEST_DAGSTER_BIN=$(scripts/dagster-tools.sh) cargo test --workspace --test it -- dagster_tools
#
# Nothing is installed outside that folder. The tests start the programs against a server on 127.0.0.1 alone.
set -euo pipefail
program=$("$(dirname "$0")/pypi.sh" dagster-tools dagster-cloud)
dirname "$program"
