#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The whole tree as .clang-format has it. Skipped (77) where there is no clang-format 14: other
# versions disagree about details.

set -eu
cd "$1"
formatter=$(command -v clang-format-14 || command -v clang-format || true)
case $("${formatter:-false}" --version 2>/dev/null) in
*"version 14."*) ;;
*)
        echo "no clang-format 14"
        exit 77
        ;;
esac
find service dbus polkit cli tests -name '*.[ch]' -print0 | xargs -0 "$formatter" --dry-run --Werror
