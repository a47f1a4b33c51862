# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# What the lab says to whoever runs it. Colour only on a terminal.

if [ -t 1 ]; then
        bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
        bold='' red='' green='' yellow='' plain=''
fi

say() {
        printf '%s\n' "$bold:: $*$plain"
}

say_error() {
        printf '%s\n' "${red}lab: $*$plain" >&2
}

# say_result ok|failed|skipped NAME [REASON]: one line per test, as the runner in the lab prints it.
say_result() {
        local colour=$green
        [ "$1" = failed ] && colour=$red
        [ "$1" = skipped ] && colour=$yellow
        printf '%s%-7s%s %s%s\n' "$colour" "$1" "$plain" "$2" "${3:+ ($3)}"
}
