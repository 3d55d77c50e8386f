#!/usr/bin/env bash
# Sees to it that the machine has what the tests need, and says what it installs and why. Debian and its children.
#
#   scripts/prerequisites.sh [mounts]     `mounts`: also what makes and mounts file systems
#
# What is missing is installed as root or through a password-less sudo; otherwise the error names the packages.
set -euo pipefail

# Keeps Debian's postgresql package from starting a server of its own: the tests start theirs, on a port of its own.
readonly no_main_cluster=/etc/postgresql-common/createcluster.d/countersign-tests.conf

say() { printf 'prerequisites: %s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1 || [[ -x "/usr/sbin/$1" || -x "/sbin/$1" ]]; }

has_postgres() {
    local bin
    for bin in ${COUNTERSIGN_TEST_POSTGRES_BIN:-} /usr/lib/postgresql/*/bin; do
        if [[ -x "$bin/initdb" && -x "$bin/postgres" && -x "$bin/pg_dump" ]]; then
            return 0
        fi
    done
    return 1
}

# Runs a command as root, if there is a way that asks nobody.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif has sudo && sudo -n true 2>/dev/null; then
        sudo -n -- "$@"
    else
        return 1
    fi
}

install_packages() {
    has apt-get || fail "there is no apt-get here; install what corresponds to Debian's $*, then run this again"
    as_root true || fail "not root and no password-less sudo; run: apt-get install --no-install-recommends $*"
    say "installing from Debian: $*"
    if [[ " $* " == *" postgresql "* ]]; then
        as_root mkdir -p "${no_main_cluster%/*}"
        echo 'create_main_cluster = false' | as_root tee "$no_main_cluster" >/dev/null
        trap 'as_root rm -f "$no_main_cluster"' EXIT
    fi
    # A mirror may fail for a moment, and another program may be installing something.
    local patient=(-o Acquire::Retries=5 -o DPkg::Lock::Timeout=300)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get "${patient[@]}" update --quiet=2 ||
        say "apt-get update failed; trying with the package lists that are here"
    local output
    output=$(as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "${patient[@]}" install --yes --quiet=2 --no-install-recommends "$@" </dev/null 2>&1) || {
        printf '%s\n' "$output" >&2
        fail "apt-get could not install: $*"
    }
}

# Rust and a C compiler are the reader's own choice: named, not installed.
has cargo || fail "cargo is missing: install Rust from https://rustup.rs"
has cc || fail "there is no C compiler (cc): install Debian's package gcc (SQLite and the cryptography are built from C)"
for component in fmt clippy; do
    cargo "$component" --version >/dev/null 2>&1 || fail "cargo $component is missing: rustup component add rustfmt clippy"
done

missing=()
need() {
    local package=$1 why=$2
    say "$package is missing: $why"
    missing+=("$package")
}

has_postgres || need postgresql "the tests run on SQLite and on a PostgreSQL server of their own"
python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || need python3-venv "the artifact store is tried against an S3-compatible server from PyPI"
has chromium || need chromium "the pages are tried in a real browser"
has node || need nodejs "the browser is driven by scripts"
has npm || need npm "what drives the browser is from npm"
has setpriv || need util-linux "as root, PostgreSQL is started under its own account with setpriv"
if [[ "${1:-}" == mounts ]]; then
    has mkfs.ext4 || need e2fsprogs "the power-cut tests make ext4 file systems"
    has mount || need mount "the power-cut and full-disk tests mount file systems"
    has losetup || need mount "the power-cut tests mount image files"
fi

if ((${#missing[@]} > 0)); then
    install_packages "${missing[@]}"
    has_postgres || fail "the package postgresql is installed, but /usr/lib/postgresql/*/bin has no initdb, postgres and pg_dump"
fi
