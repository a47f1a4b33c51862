# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of repairs share: networks with a connection over them, and damage with a deadline."""

import contextlib
import re
import time

from labkit import lan, whoami
from labkit.expect import equal
from labkit.lab import DAEMON_UNIT
from labkit.process import run, wait_for

LIMIT = 1.0
PUBLIC = lan.FREE[0]
BOARD = "192.168.100.10"
TABLE = ("ip", "jumpstarter_raw0")
FILTER = "jumpstarter_filter"
FILTER_PLAIN = "jumpstarter_filter_plain"       # --no-table-owner


def without_owner(lab):
    """The daemon makes its tables without the flags, as it does where the kernel has none."""
    unit = run("systemctl", "cat", DAEMON_UNIT)
    program = re.search(r"^ExecStart=(\S+)", unit, re.MULTILINE).group(1)
    lab.drop_in(f"[Service]\nExecStart=\nExecStart={program} --no-table-owner\n")


def handles(*table):
    """A table with all that it is made of, as it can be told from one that replaced it."""
    return run("nft", "--stateless", "--handle", "list", "table", *table, expect=(0, 1))


def rules_listed(interface, table=FILTER):
    """What GetNatRules says, by nft itself: the network's table, and its chains in the filter."""
    chains = (run("nft", "list", "chain", "ip", table, f"{kind}_{interface}").split("\n", 1)[1]
              for kind in ("egress", "ingress", "from", "to", "inward"))
    inside = "\n".join(chain.removesuffix("}\n") for chain in chains)
    own = run("nft", "list", "table", "ip", f"jumpstarter_{interface}")
    return f"{own}table ip {table} {{\n{inside}}}\n"


def masquerade(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    return dut, network


def one_to_one(lab):
    dut = lab.dut()
    network = lab.create(dut, nat_mode="1to1",
                         addresses=[{"ip": BOARD, "mac": dut.mac, "public_ip": PUBLIC}])
    dut.dhcp()
    return dut, network


@contextlib.contextmanager
def connection(dut, source=lan.HOST):
    """A connection from the board to the LAN that is still good at the end of the block."""
    flow = whoami.Connection(dut.namespace, lan.ROUTER, timeout=5)
    try:
        yield flow
        equal(flow.source, source, "the source before")
        equal(flow.ask_again(), source, "the source of the same connection afterwards")
    finally:
        flow.close()


def put_back(damage, intact, what):
    """Does the damage and waits until it is repaired; says how long that took."""
    assert intact(), f"{what}: not so before"
    damage()
    start = time.monotonic()
    wait_for(intact, what, 10)
    took = time.monotonic() - start
    assert took < LIMIT, f"{what}: only after {took:.3f} s"
