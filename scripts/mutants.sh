#!/bin/sh
# Changes the code that decides who may do what, one place at a time, and runs the tests: a change that none of them notices is a hole in them.
#
# usage: scripts/mutants.sh        every place in the modules of scopes, roles and access; hours
#        scripts/mutants.sh BASE   of these modules what has changed since the commit BASE
#
# Needs cargo-mutants (`cargo install --locked cargo-mutants`; 27.1 is known to work). One engine, SQLite: what is changed here knows none.
# What was found and what was not is in target/mutants.
set -eu
cd "$(dirname "$0")/.."

if ! cargo mutants --version >/dev/null 2>&1; then
  echo "mutants: cargo-mutants is needed: cargo install --locked cargo-mutants" >&2
  exit 2
fi

out=${CARGO_TARGET_DIR:-target}/mutants
mkdir -p "$out"
changed=
if [ $# -gt 0 ]; then
  changed=$out/changed.diff
  git diff "$1" -- crates/domain/src crates/control/src/access >"$changed"
  if [ ! -s "$changed" ]; then
    echo "mutants: nothing that decides has changed since $1"
    exit 0
  fi
fi

export COUNTERSIGN_TEST_ENGINES=sqlite
status=0
cargo mutants ${changed:+--in-diff "$changed"} --output "$out/domain" --test-workspace=false \
  --file crates/domain/src/scope.rs --file 'crates/domain/src/scope/*.rs' --file crates/domain/src/network.rs \
  --file crates/domain/src/role.rs --file crates/domain/src/deployment_role.rs \
  -- --locked --lib || status=$?
cargo mutants ${changed:+--in-diff "$changed"} --output "$out/access" --test-workspace=false \
  --file 'crates/control/src/access/*.rs' \
  -- --locked --lib --test conformance --test rights || status=$?
exit $status
