#!/usr/bin/env bash
# What must hold before each commit: format, lints, documentation, and the shape of the workspace. Needs no database.
#
#   scripts/check.sh [lints]     `lints`: without the tests of the workspace's shape
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all -- --check
cargo clippy --locked --workspace --all-targets -- --deny warnings
RUSTDOCFLAGS="--deny warnings" cargo doc --locked --workspace --no-deps --document-private-items --quiet
if [[ "${1:-}" != lints ]]; then
    cargo test --locked --workspace --test house --quiet
fi
