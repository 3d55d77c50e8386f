#!/usr/bin/env bash
# Runs the parts of the test suite one after another and adds up what they say. Called by scripts/test.sh, which has set
# up PostgreSQL and COUNTERSIGN_TEST_MOUNTS. A part that fails does not keep the next from running.
#
# The last line is `N passed, N failed`, summed over every test binary; a part that ends badly without a failed test
# (it did not build, it ran out of time) counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

readonly mode=${1:?full, unprivileged or release}

# Test binaries with a part of their own: they start servers and kill them, so they run alone and say what they count.
# Every other test binary belongs to the part `tests`, and is found by itself.
readonly own_part=(crash power_cut revocation_race leaks stories)

# Parts of which every check mounts a file system.
readonly needs_mounts=(power_cut)

logs=$(mktemp --directory)
names=()
seconds=()
results=()
passed=0
failed=0
ignored=0
running=''
must_run_tests=0
left_out=()

# shellcheck disable=SC2317 # reached through the trap
interrupted() {
    trap '' INT TERM HUP
    if [[ -n "$running" ]]; then
        kill -TERM "$running" 2>/dev/null
        wait "$running"
    fi
    rm -rf "$logs"
    exit 130
}
trap interrupted INT TERM HUP

# Adds up the result lines of cargo's test binaries in one log.
count() {
    local log=$1 sums
    sums=$(awk '/^test result: / {
        for (i = 2; i <= NF; i++) {
            if ($i == "passed;") passed += $(i - 1)
            if ($i == "failed;") failed += $(i - 1)
            if ($i == "ignored;") ignored += $(i - 1)
        }
    }
    # The conformance suite counts its cases itself, once for each engine.
    /^conformance: [a-z]+: [0-9]+ passed, [0-9]+ failed$/ { passed += $3; failed += $5 }
    END { print passed + 0, failed + 0, ignored + 0 }' "$log")
    read -r part_passed part_failed part_ignored <<<"$sums"
}

# part NAME MINUTES COMMAND...
part() {
    local name=$1 minutes=$2 status=0 began=$SECONDS log="$logs/${#names[@]}"
    shift 2
    printf '\n== %s (at most %s minutes)\n' "$name" "$minutes"
    : >"$log"
    timeout --kill-after=30s "${minutes}m" "$@" >"$log" 2>&1 </dev/null &
    running=$!
    # Ends by itself soon after the part does.
    tail --lines=+1 --follow --pid="$running" "$log" &
    local follower=$!
    wait "$running" || status=$?
    running=''
    wait "$follower"

    count "$log"
    if ((status == 124 || status == 137)); then
        printf 'test: error: %s did not end within %s minutes\n' "$name" "$minutes" >&2
    fi
    if ((status == 0 && must_run_tests && part_passed == 0)); then
        printf 'test: error: %s ran no test\n' "$name" >&2
        status=1
    fi
    if ((status != 0 && part_failed == 0)); then
        part_failed=1
    fi
    passed=$((passed + part_passed))
    failed=$((failed + part_failed))
    ignored=$((ignored + part_ignored))
    names+=("$name")
    seconds+=($((SECONDS - began)))
    if ((status == 0)); then results+=(ok); else results+=("FAILED (exit $status)"); fi
}

# As `part`, for a test binary that may mount file systems.
own_part() {
    local name=$1 minutes=$2 needs
    for needs in "${needs_mounts[@]}"; do
        if [[ "$name" == "$needs" && "${COUNTERSIGN_TEST_MOUNTS:-0}" != 1 ]]; then
            left_out+=("$name")
            return
        fi
    done
    must_run_tests=1
    part "$name" "$minutes" "${cargo_test[@]}" --test "$name" -- --nocapture --test-threads=1
    must_run_tests=0
}

# The test binaries without a part of their own, as `--test` arguments. One name may stand for a binary in several crates.
other_tests() {
    local path name own
    for path in crates/*/tests/*.rs crates/*/tests/*/main.rs; do
        [[ -e "$path" ]] || continue
        name=${path#crates/*/tests/}
        name=${name%/main.rs}
        name=${name%.rs}
        for own in "${own_part[@]}"; do
            [[ "$name" != "$own" ]] || continue 2
        done
        printf '%s\n' "$name"
    done | sort --unique | sed 's/^/--test=/'
}

# Always the whole workspace: a single package would be built again, with other features of the shared dependencies.
cargo_test=(cargo test --locked --workspace --no-fail-fast)

if [[ -z "${COUNTERSIGN_TEST_BUILDKITE_AGENT:-}" ]]; then
    echo "test: NOTE: no real buildkite-agent takes part; COUNTERSIGN_TEST_BUILDKITE_AGENT=/path/to/buildkite-agent names one, or several with : between them" >&2
fi

if [[ "$mode" == release ]]; then
    export COUNTERSIGN_TEST_SIZE=release
    cargo_test+=(--release)
    part "build" 30 "${cargo_test[@]}" --no-run
    own_part crash 60
    own_part power_cut 60
    own_part revocation_race 60
    own_part leaks 60
    own_part stories 10
else
    export COUNTERSIGN_TEST_SIZE=small
    mapfile -t others < <(other_tests)
    part "format and lints" 12 ./scripts/check.sh lints
    part "build" 15 "${cargo_test[@]}" --no-run
    # More at once than there are cores: most of them wait, for a disk, a server or an agent.
    part "tests" 12 env RUST_TEST_THREADS=6 "${cargo_test[@]}" --lib --bins "${others[@]}"
    part "documentation tests" 5 "${cargo_test[@]}" --doc
    own_part crash 6
    own_part power_cut 6
    own_part revocation_race 6
    own_part leaks 5
    own_part stories 5
    part "demo" 10 make demo DEMO_ARGS=--once
fi

rm -rf "$logs"

printf '\n%-24s %8s  %s\n' part minutes result
total=0
for i in "${!names[@]}"; do
    total=$((total + seconds[i]))
    printf '%-24s %5d:%02d  %s\n' "${names[i]}" $((seconds[i] / 60)) $((seconds[i] % 60)) "${results[i]}"
done
printf '%-24s %5d:%02d\n\n' "all" $((total / 60)) $((total % 60))

if ((${#left_out[@]} > 0)); then
    printf 'left out, because they mount file systems: %s (make test runs them, as root)\n' "${left_out[*]}"
fi
if [[ "${COUNTERSIGN_TEST_MOUNTS:-0}" != 1 ]]; then
    echo 'single checks that mount file systems were left out of other parts too (make test runs them, as root)'
fi
if ((ignored > 0)); then
    echo "$ignored ignored"
fi
echo "$passed passed, $failed failed"
((failed == 0))
