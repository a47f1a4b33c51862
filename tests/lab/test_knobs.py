# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel knobs that more than one network wants: the safer value holds, and each gets back its own."""

from labkit import ipv6
from labkit.expect import equal


def accept_ra(expected, when):
    equal(ipv6.knob("raw9", "accept_ra"), expected, f"accept_ra {when}")


def test_two_networks_that_want_different_values_of_one_nic(lab):
    """By raw9 the host has a default route, which one network keeps; then it is another one's own."""
    router = lab.dut("raw9")
    ipv6.advertise(lab, router)
    dut = lab.dut()
    first = lab.create(dut, ipv6_subnet=ipv6.SUBNET)
    accept_ra("2", "while it leads to a router")
    second = lab.create(router, subnet="192.168.101.0/24")
    accept_ra("0", "when it is a network's own")
    first.update(ipv6_nat="routed")
    accept_ra("0", "after a change of the other network")
    lab.restart_daemon()
    for network in (first, second):
        network.wait_state("active", "degraded")
    accept_ra("0", "after a restart")
    lab.remove(router)
    accept_ra("2", "when it leads to a router again")
    lab.create(router, subnet="192.168.101.0/24")
    lab.remove(dut)
    accept_ra("0", "when the other network has gone")
    lab.remove(router)
    accept_ra("1", "afterwards")
    lab.before = None
