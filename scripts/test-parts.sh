#!/usr/bin/env bash
# Runs the parts of the test suite one after another and adds up what they say. Called by scripts/test.sh, which has set
# up PostgreSQL and COUNTERSIGN_TEST_MOUNTS. A part that fails does not keep the next from running.
#
# The last line is `N passed, N failed`, summed over every test binary; a part that ends badly without a failed test
# (it did not build, it ran out of time) counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

readonly mode=${1:?full, unprivileged or release}

# Test binaries with a part of their own: they start servers and kill them, and say what they count.
readonly own_part=(crash power_cut revocation_race leaks stories browser)

# Test binaries that start nothing but PostgreSQL's databases, and take long.
readonly within_one_process=(conformance scale)

# Every other test binary belongs to the part `tests`, and is found by itself.

# Parts of which every check mounts a file system.
readonly needs_mounts=(power_cut)

logs=$(mktemp --directory)
names=()
seconds=()
results=()
passed=0
failed=0
ignored=0
must_run_tests=0
left_out=()

# Parts that have begun and whose end has not been seen: number, process, whether it must run tests.
begun=()
begun_pids=()
begun_must=()

# shellcheck disable=SC2317 # reached through the trap
interrupted() {
    trap '' INT TERM HUP
    local pid
    for pid in "${begun_pids[@]}"; do
        kill -TERM "$pid" 2>/dev/null
    done
    wait
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

# begin NAME MINUTES COMMAND...: a part that runs beside those that have begun and not been settled.
begin() {
    local name=$1 minutes=$2 number=${#names[@]}
    shift 2
    names+=("$name")
    seconds+=(0)
    results+=('')
    : >"$logs/$number"
    timeout --kill-after=30s "${minutes}m" "$@" >"$logs/$number" 2>&1 </dev/null &
    begun+=("$number $minutes $SECONDS")
    begun_pids+=($!)
    begun_must+=("$must_run_tests")
}

# Waits for all parts that have begun, shows what they said, one after the other, and counts.
settle() {
    local at number minutes began pid must follower status part_failed part_passed part_ignored
    for at in "${!begun[@]}"; do
        read -r number minutes began <<<"${begun[$at]}"
        pid=${begun_pids[$at]}
        must=${begun_must[$at]}
        status=0
        printf '\n== %s (at most %s minutes)\n' "${names[$number]}" "$minutes"
        # Ends by itself soon after the part does.
        tail --lines=+1 --follow --pid="$pid" "$logs/$number" &
        follower=$!
        wait "$pid" || status=$?
        wait "$follower"
        # Of parts side by side the later ones are seen to end when the first has been shown.
        seconds[number]=$((SECONDS - began))

        count "$logs/$number"
        if ((status == 124 || status == 137)); then
            printf 'test: error: %s did not end within %s minutes\n' "${names[$number]}" "$minutes" >&2
        fi
        if ((status == 0 && must && part_passed == 0)); then
            printf 'test: error: %s ran no test\n' "${names[$number]}" >&2
            status=1
        fi
        if ((status != 0 && part_failed == 0)); then
            part_failed=1
        fi
        passed=$((passed + part_passed))
        failed=$((failed + part_failed))
        ignored=$((ignored + part_ignored))
        if ((status == 0)); then results[number]=ok; else results[number]="FAILED (exit $status)"; fi
    done
    begun=()
    begun_pids=()
    begun_must=()
}

# part NAME MINUTES COMMAND...: by itself.
part() {
    begin "$@"
    settle
}

# As `begin`, for a test binary that may mount file systems.
begin_own() {
    local name=$1 minutes=$2 needs threads=1
    for needs in "${needs_mounts[@]}"; do
        if [[ "$name" == "$needs" && "${COUNTERSIGN_TEST_MOUNTS:-0}" != 1 ]]; then
            left_out+=("$name")
            return
        fi
    done
    # Each of these has a server and a browser of its own, and waits for both.
    if [[ "$name" == browser ]]; then threads=2; fi
    must_run_tests=1
    begin "$name" "$minutes" "${cargo_test[@]}" --test "$name" -- --nocapture --test-threads="$threads"
    must_run_tests=0
}

# own_part NAME MINUTES: such a binary by itself.
own_part() {
    begin_own "$@"
    settle
}

# The test binaries without a part of their own, as `--test` arguments. One name may stand for a binary in several crates.
other_tests() {
    local path name own
    for path in crates/*/tests/*.rs crates/*/tests/*/main.rs; do
        [[ -e "$path" ]] || continue
        name=${path#crates/*/tests/}
        name=${name%/main.rs}
        name=${name%.rs}
        for own in "${own_part[@]}" "${within_one_process[@]}"; do
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
    own_part stories 20
    own_part browser 20
else
    export COUNTERSIGN_TEST_SIZE=small
    mapfile -t others < <(other_tests)
    part "format and lints" 20 ./scripts/check.sh lints
    part "build" 30 "${cargo_test[@]}" --no-run
    part "documentation tests" 5 "${cargo_test[@]}" --doc
    # Parts that wait much of their time, for servers to start, for a disk, for agents, share the machine by twos.
    # More threads than there are cores, for the same reason.
    begin "tests" 30 env RUST_TEST_THREADS=6 "${cargo_test[@]}" --lib --bins "${others[@]}"
    begin_own crash 20
    settle
    begin_own stories 16
    begin_own leaks 16
    settle
    begin_own power_cut 16
    begin_own revocation_race 16
    settle
    # By itself: a browser is as many processes as it likes.
    own_part browser 20
    # Last: it builds the binary as it is shipped, in the place of the one that other tests start. What it runs beside starts none, and
    # goes first.
    begin "conformance" 30 "${cargo_test[@]}" "${within_one_process[@]/#/--test=}"
    begin "demo" 30 nice make demo DEMO_ARGS=--once
    settle
fi

rm -rf "$logs"

printf '\n%-24s %8s  %s\n' part minutes result
for i in "${!names[@]}"; do
    printf '%-24s %5d:%02d  %s\n' "${names[i]}" $((seconds[i] / 60)) $((seconds[i] % 60)) "${results[i]}"
done
printf '%-24s %5d:%02d  (parts that ran side by side count once)\n\n' "all" $((SECONDS / 60)) $((SECONDS % 60))

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
