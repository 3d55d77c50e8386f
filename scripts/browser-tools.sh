#!/usr/bin/env bash
# Installs what the tests of the pages drive Chromium with (playwright-core and axe-core, from npm), and whom they sign in by there
# (oidc-provider), into a folder of its own below target/, says so, and prints that folder. What is there already is used again. Chromium itself is Debian's; scripts/prerequisites.sh sees to it.
#
#   COUNTERSIGN_TEST_BROWSER_TOOLS=$(scripts/browser-tools.sh) cargo test --workspace --test browser
#
# Nothing is installed outside of target/browser-tools, no script of a package is run, and no browser is downloaded. The tests open pages of
# servers on 127.0.0.1 alone.
set -euo pipefail
cd "$(dirname "$0")/.."

# The list of packages, and what each of them must be, byte by byte.
readonly packages=scripts/browser/package.json locked=scripts/browser/package-lock.json

say() { printf 'browser-tools: %s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

command -v chromium >/dev/null || fail "chromium is missing: install Debian's package chromium"
command -v node >/dev/null || fail "node is missing: install Debian's package nodejs"

folder=${CARGO_TARGET_DIR:-target}/browser-tools
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# The mark is written last, so one that is the same means that everything was installed; somebody may have cleared it away since.
if ! cmp --silent "$locked" "$folder/installed.json" || [[ ! -d "$folder/node_modules/playwright-core" ]]; then
    command -v npm >/dev/null || fail "npm is missing: install Debian's package npm"
    say "installing what $locked lists from npm into $folder"
    rm -rf "$folder/node_modules" "$folder/installed.json"
    cp "$packages" "$locked" "$folder"
    ./scripts/again.sh npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --no-update-notifier >&2 ||
        fail "npm could not install what $locked lists"
    cp "$locked" "$folder/installed.json"
fi
printf '%s\n' "$folder"
