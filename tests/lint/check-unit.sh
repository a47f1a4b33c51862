#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# systemd's own opinion of the daemon's unit. The program that it starts is not installed here, which
# is the one complaint that does not count.

set -eu
analyze=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
unit=$directory/dut-networkd.service
sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$2" >"$unit"
"$analyze" verify --man=no "$unit" 2>"$directory/said" || { cat "$directory/said"; exit 1; }
if grep -F "$unit" "$directory/said"; then
        exit 1
fi
"$analyze" security --offline=true --threshold=30 --no-pager "$unit" >"$directory/security" || {
        cat "$directory/security"
        exit 1
}
tail -n 1 "$directory/security"
