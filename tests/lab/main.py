#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab's unit runs: reads the request, does it, and leaves its exit code behind."""

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = "/run/lab"


def check(pattern=""):
    from labkit.runner import run_tests
    return run_tests(HERE, pattern, SHARED, os.environ.get("LAB_COLOUR") == "yes")


def demo():
    from labkit.demo import run_demo
    return run_demo()


def shell():
    from labkit.shell import hold
    return hold(f"{SHARED}/ready")


def bench(*names):
    from labkit.bench import run_bench
    return run_bench(*names)


COMMANDS = {"check": check, "demo": demo, "shell": shell, "bench": bench}


def main():
    with open(f"{SHARED}/request", encoding="utf-8") as file:
        command, *arguments = file.read().splitlines()
    try:
        code = COMMANDS[command](*arguments)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        code = 3
    with open(f"{SHARED}/status", "w", encoding="ascii") as file:
        file.write(f"{code}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
