# SPDX-License-Identifier: GPL-2.0-or-later
"""A minute of the soak; `./lab bench soak` is the hour."""

import os
import random

from labkit.soak import run_soak

SECONDS = float(os.environ.get("SOAK_SECONDS") or 60)
# A second is promised; a machine that does other things besides gets this.
REPAIR_LIMIT = 5.0


def test_nothing_breaks_a_network(lab):
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(1 << 32))
    print(f"        soak: SOAK_SEED={seed}, {SECONDS:g} s")
    try:
        verdict = run_soak(lab, SECONDS, seed, REPAIR_LIMIT)
    except AssertionError as error:
        raise AssertionError(f"SOAK_SEED={seed}: {error}") from error
    for line in verdict.table():
        print(f"        {line}".rstrip())
    assert not verdict.broken, "\n".join([f"SOAK_SEED={seed}", *verdict.broken])


test_nothing_breaks_a_network.seconds = SECONDS + 120
