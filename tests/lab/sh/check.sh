# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# `./lab check`: the meson suites of both builds, the lab tests, and the count of all.
#
# The lab's tests wait more than they compute: several containers share them, each taking the next
# one that nobody has, while the other suites are built and run beside them.

results=''
lab_parts=()

# check_meson DIRECTORY LABEL PATTERN SUITE...: one line per test, counted like the lab's.
check_meson() {
        local dir=$1 label=$2 pattern=$3 suite args=() code
        shift 3
        for suite in "$@"; do
                args+=(--suite "$suite")
        done
        say "$label: $*"
        /usr/bin/python3 "$top/tests/lab/meson_tests.py" "$dir" "$label" "$pattern" "$results" "${args[@]}"
        code=$?
        [ $code -eq 0 ] || check_failed "$label/meson" "meson test ended with $code"
}

check_failed() {
        say_result failed "$1" "$2"
        printf 'failed\t%s\t%s\n' "$1" "$2" >>"$results"
}

# check_lab_part PATTERN DIRECTORY: one of the containers.
check_lab_part() {
        local code
        out_dir=$2 container_name=$container_name.${2##*.}
        trap container_end EXIT
        trap 'exit 143' TERM
        container_run check "$1"
        code=$?
        # The runner's own words about a failing test are in its results.
        [ $code -le 1 ] || results=$out_dir/results check_failed lab/run "it ended with $code"
}

# check_lab_start PATTERN: begins; one that names lab tests has few of them.
check_lab_start() {
        local n=2 part
        ! is_for_the_lab "$1" || n=1
        say "the lab"
        claims_dir=$out_dir/claims
        for ((part = 1; part <= n; part++)); do
                (check_lab_part "$1" "$out_dir/part.$part") &
                lab_parts+=($!)
        done
}

check_lab_end() {
        local pid part
        for pid in "${lab_parts[@]}"; do
                wait "$pid"
        done
        lab_parts=()
        for part in "$out_dir"/part.*/results; do
                [ ! -f "$part" ] || cat "$part" >>"$results"
        done
}

# check_stop: on the way out, whatever the way.
check_stop() {
        local pid
        for pid in "${lab_parts[@]}"; do
                kill "$pid" 2>/dev/null
                wait "$pid" 2>/dev/null
        done
        lab_parts=()
}

# check_sanitized PATTERN: builds it behind what is timed beside it.
check_sanitized() {
        if build_sanitized; then
                check_meson "$sanitize_dir" sanitized "$1" unit host fuzz
        else
                check_failed build/sanitized "see above"
        fi
}

count() {
        grep -c "^$1"$'\t' "$results"
}

# Names of lab tests alone begin so.
is_for_the_lab() {
        [[ $1 == lab/* ]]
}

command_check() {
        local pattern=${1-} passed failed skipped
        results=$out_dir/all-results
        : >"$results"

        if build_plain loud; then
                check_lab_start "$pattern"
                is_for_the_lab "$pattern" ||
                        check_meson "$build_dir" plain "$pattern" unit host kill fuzz lint
        else
                check_failed build/plain "see above"
        fi
        is_for_the_lab "$pattern" || check_sanitized "$pattern"
        check_lab_end

        passed=$(count ok) failed=$(count failed) skipped=$(count skipped)
        if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ]; then
                check_failed check "no test ran${pattern:+ for the pattern $pattern}"
                failed=1
        fi
        if [ "$failed" -gt 0 ]; then
                say "failed (logs in .lab/last-failure)"
                grep $'^failed\t' "$results" | cut -f 2,3 | sed 's/\t$//; s/\t/: /; s/^/   /'
        fi
        if [ "$skipped" -gt 0 ]; then
                say "skipped"
                grep $'^skipped\t' "$results" | cut -f 2,3 | sed 's/\t/: /; s/^/   /'
        fi
        printf '%s\n' "$passed passed, $failed failed"
        [ "$failed" -eq 0 ]
}
