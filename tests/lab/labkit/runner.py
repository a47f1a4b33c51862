# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds the tests, runs them one after the other, and reports each. A test is a function test_… in a
file test_….py; it takes the Lab, and passes by returning."""

import faulthandler
import importlib
import inspect
import os
import signal
import subprocess
import sys
import time
import traceback

from labkit.lab import DAEMON_UNIT, Lab

TEST_SECONDS = 60        # a test that needs more says so by its attribute `seconds`
HARD_SECONDS = 90        # after that: it cannot even be interrupted
JOURNAL_LINES = 25
MESSAGE_LINES = 40
REASON_LENGTH = 160
COLOURS = {"ok": 32, "failed": 31, "skipped": 33}


class Skipped(Exception):
    """The test cannot run here; says why. Where continuous integration runs, that is a failure."""


class KernelLacks(Skipped):
    """The running kernel has not got a feature: the only reason that is good everywhere."""


class TooLong(AssertionError):
    """The test was still running at its deadline."""


def find_tests(directory, pattern):
    """(name, function) in the order of the files and of their lines."""
    tests = []
    for file in sorted(os.listdir(directory)):
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(file[:-3])
        subject = file[len("test_"):-3].replace("_", "-")
        functions = [function for name, function in inspect.getmembers(module, inspect.isfunction)
                     if name.startswith("test_") and function.__module__ == module.__name__]
        functions.sort(key=lambda function: function.__code__.co_firstlineno)
        for function in functions:
            behaviour = function.__name__[len("test_"):].replace("_", "-")
            name = f"lab/{subject}/{behaviour}"
            if pattern.lower() in name.lower():
                tests.append((name, function))
    return tests


class Report:
    """A line per test: for the reader on stdout, for the count in a file."""

    def __init__(self, path, colour):
        # Line by line, so that what ran counts even when the runner is killed.
        self.file = open(path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        self.colour = colour
        self.failed = 0

    def add(self, kind, name, seconds, reason="", details=()):
        word = f"{kind:7}"
        if self.colour:
            word = f"\x1b[{COLOURS[kind]}m{word}\x1b[0m"
        # At once: another container may be writing there as well.
        print("\n".join([f"{word} {name} {seconds:.2f} s" + (f" ({reason})" if reason else ""),
                         *(f"        | {line}" for line in details)]))
        reason = " ".join(reason.split())
        self.file.write(f"{kind}\t{name}\t{reason}\n")
        self.failed += kind == "failed"


def journal_since(start):
    done = subprocess.run(
        ["journalctl", "--quiet", "--no-pager", "--output=short-precise", f"--since=@{start:.6f}",
         f"--unit={DAEMON_UNIT}", "--identifier=dut-networkd", "--identifier=systemd",
         f"--lines={JOURNAL_LINES}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.splitlines()


def failure_details(error, start):
    """Where in the test it failed, what it said, and the journal of that time."""
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if "/tests/lab/" in frame.filename and not frame.filename.endswith("runner.py"):
            lines.append(f"{os.path.basename(frame.filename)}:{frame.lineno}: {frame.line}")
    lines += f"{type(error).__name__}: {error}".splitlines()[:MESSAGE_LINES]
    return lines + [f"journal: {line}" for line in journal_since(start)]


def in_short(error):
    """What fits into the line of a test."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= REASON_LENGTH else words[:REASON_LENGTH] + "…"


def attempt(function, *arguments):
    """The exception that it ends with, or None."""
    seconds = getattr(function, "seconds", TEST_SECONDS)

    def too_long(_signal, _frame):
        raise TooLong(f"it ran longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + HARD_SECONDS, exit=True)
    try:
        function(*arguments)
    except Exception as error:  # whatever a test raises is its result
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
    return None


def run_test(lab, report, name, function):
    start, clock = time.time(), time.monotonic()
    lab.begin()
    error = attempt(function, lab)
    left_behind = attempt(lab.end)
    seconds = time.monotonic() - clock

    if isinstance(error, Skipped):
        good = isinstance(error, KernelLacks) or not os.environ.get("CI")
        report.add("skipped" if good else "failed", name, seconds, str(error))
    elif error or left_behind:
        first = error or left_behind
        details = failure_details(first, start)
        if error and left_behind and str(error) != str(left_behind):
            details += [f"afterwards: {line}" for line in str(left_behind).splitlines()]
        report.add("failed", name, seconds, in_short(first), details)
    else:
        report.add("ok", name, seconds)
    if error or left_behind:
        failure = attempt(lab.scrub)
        if failure:
            print(f"        | what {name} has left cannot be taken away: {failure}")


def is_claimed(name, claims):
    """Whether it is for this container to run: the first one that asks has it."""
    try:
        with open(os.path.join(claims, name.replace("/", "+")), "x", encoding="ascii"):
            return True
    except FileExistsError:
        return False


def run_tests(directory, pattern, shared, colour):
    """Runs those that no other container has taken, the longest first; 0 when none failed."""
    sys.path.insert(0, directory)
    tests = find_tests(directory, pattern)
    tests.sort(key=lambda test: -getattr(test[1], "seconds", TEST_SECONDS))
    report = Report(f"{shared}/results", colour)
    if not tests:
        return 0
    lab = Lab()
    for name, function in tests:
        if is_claimed(name, f"{shared}/claims"):
            run_test(lab, report, name, function)
    return 1 if report.failed else 0
