# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab bench`: runs the build's bench program, with a LAN and an upstream around it. It prints what it
measures, and fails by its exit code."""

import os
import subprocess

from labkit.lan import Lan, write_default_resolver

PROGRAM = "tests/bench/bench"


def run_bench(*names):
    program = os.path.join(os.environ["LAB_BUILD"], PROGRAM)
    if not os.access(program, os.X_OK):
        print(f"the build has no {PROGRAM}")
        return 1
    write_default_resolver()
    lan = Lan()
    code = subprocess.run([program, *names], check=False, stdin=subprocess.DEVNULL).returncode
    lan.server.close()
    return 1 if code else 0
