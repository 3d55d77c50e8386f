#!/usr/bin/env bash
# Runs a command that fetches something, and runs it again when it fails: a registry that answers 502 for a moment ends nothing.
#
#   scripts/again.sh npm ci
set -uo pipefail

readonly waits=(5 10 20 40)

for wait in "${waits[@]}"; do
    "$@" && exit 0
    printf 'again: %s failed; once more in %s s\n' "$1" "$wait" >&2
    sleep "$wait"
done
exec "$@"
