#!/usr/bin/env bash
# Installs an S3-compatible server for the tests (moto, from PyPI) into a folder of its own below target/, says so, and prints the
# path of its program. What is there already is used again.
#
#   COUNTERSIGN_TEST_S3_SERVER=$(scripts/s3-server.sh) cargo test -p countersign-store --test it
#
# Nothing is installed outside that folder. The tests start the server on a free port of 127.0.0.1.
set -euo pipefail
exec "$(dirname "$0")/pypi.sh" s3-server moto_server
