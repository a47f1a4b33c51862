# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab bench`: runs the programs of the build's tests/bench, each in a lab with a LAN and an
upstream. A bench prints what it measures, and fails by its exit code."""

import os
import subprocess

from labkit.lan import Lan, write_default_resolver

TOP = os.environ.get("LAB_TOP", "/")
DIRECTORIES = (os.path.join(os.environ.get("LAB_BUILD", ""), "tests/bench"),
               os.path.join(TOP, "tests/bench"))


def find_benches(name):
    """Executables bench-… of the build and of the source tree, whose name has `name` in it."""
    found = {}
    for directory in DIRECTORIES:
        if not os.path.isdir(directory):
            continue
        for file in sorted(os.listdir(directory)):
            path = os.path.join(directory, file)
            if file.startswith("bench-") and name in file and os.path.isfile(path) \
                    and os.access(path, os.X_OK):
                found[file] = path
    return found


def run_bench(name):
    benches = find_benches(name)
    if not benches:
        print(f"there is no bench {name or 'at all'}")
        return 1
    write_default_resolver()
    lan = Lan()
    failed = 0
    for file, path in benches.items():
        print(f"\n== {file.removeprefix('bench-')}")
        environment = {**os.environ, "PYTHONPATH": os.path.join(TOP, "tests/lab")}
        failed += subprocess.run([path], check=False, env=environment).returncode != 0
    lan.server.close()
    return 1 if failed else 0
