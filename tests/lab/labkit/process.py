# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that run to their end, programs that go on, and waiting for something to become true."""

import subprocess
import time

from gi.repository import GLib


class CommandFailed(AssertionError):
    """A program ended with another exit code than was expected."""


class NeverHappened(AssertionError):
    """A deadline passed."""


def pump():
    """Lets what came over the bus be dispatched."""
    context = GLib.MainContext.default()
    while context.iteration(False):
        pass


def wait_for(condition, what, deadline=5.0):
    """The first true value of condition(), which is asked again and again until the deadline (in
    seconds). `what` is for the message."""
    end = time.monotonic() + deadline
    while True:
        pump()
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise NeverHappened(f"not within {deadline:g} s: {what}")
        time.sleep(0.004)


def stays(condition, what, seconds):
    """Asserts that condition() holds for all of that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pump()
        assert condition(), f"it did not stay so: {what}"
        time.sleep(0.01)


def run(*command, expect=0, stdin=None, timeout=30, env=None):
    """Runs a program and returns its stdout. `expect` is its exit code, a tuple of them, or None for
    any. The CompletedProcess is what run_full() returns."""
    done = run_full(*command, stdin=stdin, timeout=timeout, env=env)
    allowed = expect if isinstance(expect, tuple) else (expect,)
    if expect is not None and done.returncode not in allowed:
        raise CommandFailed(f"{' '.join(map(str, command))}: exit code {done.returncode}, not "
                            f"{expect}\nstdout: {done.stdout}\nstderr: {done.stderr}")
    return done.stdout


def run_full(*command, stdin=None, timeout=30, env=None):
    return subprocess.run([str(word) for word in command], input=stdin, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL if stdin is None else None, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def as_user(user, *command):
    """The command line that runs `command` as that user, with no more than the user has."""
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env",
            *command)


def stop(child):
    """Ends a program that was started with Popen."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
