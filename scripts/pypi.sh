#!/usr/bin/env bash
# Installs a program from PyPI for the tests: pypi.sh NAME PROGRAM takes the pinned packages of scripts/NAME.txt into target/NAME, and prints
# the path of the program. What is there already is used again.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly name=${1:?NAME} wanted=${2:?PROGRAM}
readonly packages=scripts/$name.txt

say() { printf '%s: %s\n' "$name" "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

folder=${CARGO_TARGET_DIR:-target}/$name
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
program=$folder/venv/bin/$wanted

# The list is copied last, so a list that is the same means that everything was installed; but the interpreter that it was installed for may
# have gone since.
if ! cmp --silent "$packages" "$folder/installed.txt" || [[ ! -x "$program" ]] || ! "$folder/venv/bin/python" -c '' 2>/dev/null; then
    command -v python3 >/dev/null || fail "python3 is missing: install Debian's packages python3 and python3-venv"
    say "installing what $packages lists from PyPI into $folder/venv"
    rm -rf "$folder/venv" "$folder/installed.txt"
    python3 -m venv "$folder/venv" || fail "no virtual environment can be made: install Debian's package python3-venv"
    ./scripts/again.sh "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps --requirement "$packages" >&2 ||
        fail "pip could not install what $packages lists"
    cp "$packages" "$folder/installed.txt"
fi
printf '%s\n' "$program"
