#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs suites of `meson test` and reports each test as the lab reports its own: a line for the
reader, a line for the count. A failing test shows the end of its output.

Usage: meson_tests.py BUILD-DIRECTORY LABEL PATTERN RESULTS-FILE MESON-ARGUMENT..."""

import json
import os
import subprocess
import sys

FAILED = {"FAIL", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS", "ERROR"}
PASSED = {"OK", "EXPECTEDFAIL"}
OUTPUT_LINES = 25
# Other suites and the lab run beside them.
PATIENCE = 4


def run_meson(directory, arguments):
    """The records of meson's log, and what meson itself said."""
    log = os.path.join(directory, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    done = subprocess.run(["meson", "test", "-C", directory, "--no-rebuild",
                           f"--timeout-multiplier={PATIENCE}", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if not os.path.exists(log):
        # meson writes none where a suite is empty, and says so.
        return [], done.stdout
    with open(log, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines], done.stdout


def verdict(record):
    result = record["result"].upper()
    if result in PASSED:
        return "ok", ""
    if result == "SKIP":
        words = (record.get("stdout") or "").strip().splitlines()
        reason = words[-1] if words else "it says no reason"
        return ("failed" if os.environ.get("CI") else "skipped"), reason
    if result in FAILED:
        return "failed", f"{result.lower()}, return code {record['returncode']}"
    return "failed", f"meson calls it {result}"


def show(kind, name, reason):
    colours = {"ok": 32, "failed": 31, "skipped": 33}
    word = f"{kind:7}"
    if sys.stdout.isatty():
        word = f"\x1b[{colours[kind]}m{word}\x1b[0m"
    print(f"{word} {name}" + (f" ({reason})" if reason else ""), flush=True)


def show_output(record):
    text = "\n".join(filter(None, (record.get("stdout"), record.get("stderr"))))
    for line in text.splitlines()[-OUTPUT_LINES:]:
        print("        | " + line)


def main():
    directory, label, pattern, results, *arguments = sys.argv[1:]
    records, words = run_meson(directory, arguments)
    if not records and "No suitable tests" not in words and "No tests defined" not in words:
        print(words)
        return 1

    with open(results, "a", encoding="utf-8") as out:
        for record in records:
            # "project:suite / name" in meson's log
            name = f"{label}/{record['name'].rsplit(' / ', 1)[-1]}"
            if pattern.lower() not in name.lower():
                continue
            kind, reason = verdict(record)
            show(kind, name, reason)
            if kind == "failed":
                show_output(record)
            out.write(f"{kind}\t{name}\t{reason}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
