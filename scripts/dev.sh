#!/usr/bin/env bash
# A development server on ./.dev. The first run sets it up and prints its tokens; later runs keep the data.
# To begin afresh, remove the folder. COUNTERSIGN_* variables reach the server as usual.
set -euo pipefail
cd "$(dirname "$0")/.."

# What `countersign init` answers when the folder is already set up.
readonly conflict=6

cargo build --locked --package countersign
countersign="${CARGO_TARGET_DIR:-target}/debug/countersign"

status=0
"$countersign" init --data-dir .dev --organization dev --admin dev@example.com || status=$?
if ((status != 0 && status != conflict)); then
    exit "$status"
fi
exec "$countersign" server --data-dir .dev
