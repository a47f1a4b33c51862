# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# `./lab check`: the meson suites of both builds, the lab tests, and the count of all.

results=''

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

check_lab() {
        say "the lab"
        container_run check "$1"
        local code=$?
        # The runner's own words about a failing test are in `results` already.
        [ $code -le 1 ] || check_failed lab/run "it ended with $code"
        if [ -f "$out_dir/results" ]; then
                cat "$out_dir/results" >>"$results"
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
                is_for_the_lab "$pattern" ||
                        check_meson "$build_dir" plain "$pattern" unit host kill fuzz lint
                check_lab "$pattern"
        else
                check_failed build/plain "see above"
        fi
        if is_for_the_lab "$pattern"; then
                :
        elif build_sanitized; then
                check_meson "$sanitize_dir" sanitized "$pattern" unit host fuzz
        else
                check_failed build/sanitized "see above"
        fi

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
