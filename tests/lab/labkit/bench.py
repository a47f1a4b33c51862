# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab bench`: runs the build's bench program, with a LAN and an upstream around it. It prints what it
measures, and fails by its exit code. `./lab bench soak` runs the soak instead, an hour of it,
`./lab bench twins` what twins cost, and `./lab bench guests` what guests do."""

import os
import random
import subprocess

from labkit.lab import Lab
from labkit.lan import Lan, write_default_resolver

PROGRAM = "tests/bench/bench"
SOAK_SECONDS = 3600
SOAK_REPAIR_LIMIT = 1.0


def run_soak_alone():
    """SOAK_SECONDS and SOAK_SEED say how long, and which one again."""
    from labkit.soak import run_soak

    seconds = float(os.environ.get("SOAK_SECONDS") or SOAK_SECONDS)
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(1 << 32))
    print(f"soak: SOAK_SECONDS={seconds:g} SOAK_SEED={seed}\n", flush=True)
    lab = Lab()
    lab.begin()
    broken = []
    try:
        verdict = run_soak(lab, seconds, seed, SOAK_REPAIR_LIMIT)
        print("\n".join(verdict.table()))
        broken = verdict.broken
        lab.end()
    except AssertionError as error:
        broken = [*broken, str(error)]
    print("\n".join(["", *broken, "soak: a promise was broken" if broken else "soak: all as promised"]))
    return 1 if broken else 0


def run_twins_alone():
    """BENCH_STRICT makes it fail where a ratio falls short."""
    from labkit.bench_twins import run_twins

    lab = Lab()
    lab.begin()
    short = run_twins(lab)
    lab.end()
    return 1 if short and os.environ.get("BENCH_STRICT") else 0


def run_guests_alone():
    """The same for a figure."""
    from labkit.bench_guests import run_guests

    lab = Lab()
    lab.begin()
    short = run_guests(lab)
    lab.end()
    return 1 if short and os.environ.get("BENCH_STRICT") else 0


ALONE = {("soak",): run_soak_alone, ("twins",): run_twins_alone, ("guests",): run_guests_alone}


def run_bench(*names):
    if names in ALONE:
        return ALONE[names]()
    program = os.path.join(os.environ["LAB_BUILD"], PROGRAM)
    if not os.access(program, os.X_OK):
        print(f"the build has no {PROGRAM}")
        return 1
    write_default_resolver()
    lan = Lan()
    code = subprocess.run([program, *names], check=False, stdin=subprocess.DEVNULL).returncode
    lan.server.close()
    return 1 if code else 0
