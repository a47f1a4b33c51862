#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds the tree to its layers: which room may include which, and which foreign header only one
room may include."""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include ([<"])([^">]+)[">]', re.MULTILINE)

# Room -> the rooms that it may include, itself aside.
LAYERS = {
    "util": set(),
    "model": {"util"},
    "host": {"model", "util"},
    "network": {"host", "model", "util"},
    "polkit": {"util"},
    "dbus": {"polkit", "network", "host", "model", "util"},
    "main": {"dbus", "network", "host", "util"},
    "cli": {"model", "util"},
    "kernel-test": set(),
}

# Helpers that files of host/ share. Beyond them, a file of host/ includes its own family's headers
# alone: nft-print.c those of nft*.
SHARED_IN_HOST = {"host/child.h", "host/file-watch.h", "host/netlink.h", "host/nft-batch.h",
                  "host/server.h"}

# A foreign header -> where alone it may be included.
FOREIGN = {
    "systemd/sd-bus.h": ("dbus/", "polkit/", "cli/"),
    "systemd/sd-bus-vtable.h": ("dbus/",),
    "NetworkManager.h": ("service/host/nm",),
    "yaml.h": ("service/model/config-yaml.c", "service/model/config-yaml-print.c",
               "service/model/config-document.c"),
}
FOREIGN_PREFIXES = {
    "libmnl/": ("service/host/",),
    "libnftnl/": ("service/host/",),
    "nftables/": ("service/host/",),
    "libnm": ("service/host/nm",),
}


def room_of(path):
    parts = path.parts
    if parts[0] == "service":
        return "main" if len(parts) == 2 else parts[1]
    return parts[0]


def family(path):
    return pathlib.Path(path).stem.split("-")[0]


def check_own(path, room, header):
    if "/" not in header:
        return f"{header}: an include carries its folder"
    target = header.split("/")[0]
    if target == room:
        if room == "host" and header not in SHARED_IN_HOST and family(header) != family(path):
            return f"{header}: files of host/ do not include each other"
        return None
    if target not in LAYERS[room]:
        return f"{header}: {room} must not include {target}"
    return None


def check_foreign(path, header):
    where = FOREIGN.get(header)
    for prefix, place in FOREIGN_PREFIXES.items():
        if header.startswith(prefix):
            where = place
    if where and not str(path).startswith(tuple(where)):
        return f"<{header}> belongs to {', '.join(where)} alone"
    return None


def main():
    top = pathlib.Path(sys.argv[1])
    failures = 0
    checked = 0
    for folder in ("service", "dbus", "polkit", "cli", "kernel-test"):
        for path in sorted((top / folder).rglob("*.[ch]")):
            relative = path.relative_to(top)
            room = room_of(relative)
            text = path.read_text()
            checked += 1
            if not text.startswith("/* SPDX-License-Identifier: GPL-2.0-or-later */"):
                print(f"{relative}: no SPDX line")
                failures += 1
            for kind, header in INCLUDE.findall(text):
                problem = check_own(relative, room, header) if kind == '"' else check_foreign(relative, header)
                if problem:
                    print(f"{relative}: {problem}")
                    failures += 1
    print(f"{checked} files, {failures} wrong includes")
    return 1 if failures or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
