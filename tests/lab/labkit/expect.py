# SPDX-License-Identifier: GPL-2.0-or-later
"""Assertions that say what was there instead."""

import contextlib

from labkit.bus import BusError


def equal(actual, expected, what="it"):
    assert actual == expected, f"{what} is {actual!r}, not {expected!r}"


def contains(text, *parts):
    for part in parts:
        assert part in text, f"there is no {part!r} in {text!r}"


def lacks(text, *parts):
    for part in parts:
        assert part not in text, f"there is {part!r} in {text!r}"


class Refusal:
    """What the `with refused(…)` block was refused with."""
    name = None
    message = None


@contextlib.contextmanager
def refused(name, *words):
    """The block ends with the bus error `name`, whose message has every one of the words."""
    refusal = Refusal()
    try:
        yield refusal
    except BusError as error:
        assert error.name == name, f"refused with {error}, not with {name}"
        contains(error.message, *words)
        refusal.name, refusal.message = error.name, error.message
        return
    raise AssertionError(f"not refused, though {name} was expected")
