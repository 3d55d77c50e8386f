#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own, and stops the server whatever happens.
#
#   scripts/with-postgres.sh cargo test -p countersign-store
#
# The server has a data folder of its own under /tmp, listens on a free port of 127.0.0.1 and on a socket in that folder, and
# trusts local callers: it holds nothing but test data. Run as root, it is started as `postgres`, because PostgreSQL
# refuses to run as root. The command finds it in
#
#   COUNTERSIGN_TEST_POSTGRES_URL     postgres://postgres@127.0.0.1:PORT/postgres
#   COUNTERSIGN_TEST_POSTGRES_BIN     the folder of pg_dump and its like
#
# COUNTERSIGN_TEST_POSTGRES_FSYNC=on has it keep what it acknowledges over a power cut, as measurements want it.
set -euo pipefail

readonly start_seconds=60
readonly port_tries=20

say() { printf 'with-postgres: %s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 1
}

(($# > 0)) || fail "usage: scripts/with-postgres.sh COMMAND [ARGUMENT...]"

# The newest version that is here, unless one is named.
find_bin() {
    local bin
    if [[ -n "${COUNTERSIGN_TEST_POSTGRES_BIN:-}" ]]; then
        echo "$COUNTERSIGN_TEST_POSTGRES_BIN"
        return
    fi
    for bin in /usr/lib/postgresql/*/bin; do
        if [[ -x "$bin/initdb" ]]; then
            echo "$bin"
        fi
    done | sort --version-sort | tail -n 1
}

as_postgres() {
    if ((EUID == 0)); then
        # From the folder itself: the working folder may be closed to this account.
        (cd "$folder" && setpriv --reuid postgres --regid postgres --init-groups env HOME="$folder" "$@")
    else
        "$@"
    fi
}

bin=$(find_bin)
[[ -x "$bin/initdb" && -x "$bin/pg_ctl" ]] || fail "there is no PostgreSQL server here: install Debian's package postgresql"
if ((EUID == 0)); then
    getent passwd postgres >/dev/null || fail "there is no account postgres; Debian's package postgresql makes it"
fi

# Short, because the socket's path may hold 107 bytes.
folder=$(mktemp --directory /tmp/countersign-postgres.XXXXXX)
child=''

# shellcheck disable=SC2317 # reached through the trap
stop() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    if [[ -n "$child" ]]; then
        kill -TERM "$child" 2>/dev/null || true
        wait "$child" || true
    fi
    if [[ -f "$folder/data/postmaster.pid" ]]; then
        as_postgres "$bin/pg_ctl" stop --pgdata="$folder/data" --mode=immediate --wait --silent >/dev/null 2>&1 ||
            say "warning: the server in $folder did not stop"
    fi
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if ((EUID == 0)); then
    chown postgres:postgres "$folder"
fi

as_postgres "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --locale=C --encoding=UTF8 \
    >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    fail "initdb failed"
}

# What the tests end by force is a server of ours, never the machine: that this one's writes are with the operating system is as much as they ask
# of it. With fsync each database that is dropped makes it write everything out, and all others wait for some seconds. Measurements are made with
# it: COUNTERSIGN_TEST_POSTGRES_FSYNC=on. The times of commits are kept: the race tests ask which of two came first.
cat >>"$folder/data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 200
shared_buffers = 128MB
log_statement = 'none'
fsync = ${COUNTERSIGN_TEST_POSTGRES_FSYNC:-off}
track_commit_timestamp = on
SETTINGS

# Another program can take the port between the look and the start; then the next one is tried.
start() {
    local try
    for ((try = 0; try < port_tries; try++)); do
        port=$((20000 + RANDOM % 10000))
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            continue
        fi
        if as_postgres "$bin/pg_ctl" start --pgdata="$folder/data" --log="$folder/server.log" --options="-p $port" \
            --wait --timeout="$start_seconds" --silent >/dev/null 2>&1; then
            return 0
        fi
        grep --quiet 'Address already in use' "$folder/server.log" || return 1
        rm -f "$folder/server.log"
    done
    return 1
}

start || {
    cat "$folder/server.log" >&2 || true
    fail "PostgreSQL did not start"
}

export COUNTERSIGN_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
export COUNTERSIGN_TEST_POSTGRES_BIN="$bin"
say "$("$bin/postgres" --version) on 127.0.0.1:$port, data in $folder"

# In the background, so that a signal to this script is answered at once.
"$@" <&0 &
child=$!
status=0
wait "$child" || status=$?
child=''
exit "$status"
