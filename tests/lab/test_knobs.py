# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel knobs that more than one network wants: the safer value holds, and each gets back its own."""

from labkit import ipv6
from labkit.expect import equal
from labkit.process import run, wait_for


def accept_ra(expected, when, interface="raw9"):
    equal(ipv6.knob(interface, "accept_ra"), expected, f"accept_ra {when}")


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


def forwarding(*names):
    return [ipv6.knob(name, "forwarding") for name in names]


def set_forwarding(name, value):
    run("busybox", "sysctl", "-qw", f"net.ipv6.conf.{name}.forwarding={value}")


def test_each_interfaces_own_forwarding_where_the_whole_host_forwards(lab):
    """The kernel writes each when that of all is written."""
    dut = lab.dut()
    lab.dut("raw8")
    ipv6.forward_for_the_whole_host(lab)
    for name in ("raw8", "default"):
        set_forwarding(name, 1)
    lab.undo.callback(set_forwarding, "default", 0)
    lab.remember()
    lab.create(dut, ipv6_subnet=ipv6.SUBNET)
    equal(forwarding("all", "default", "raw0", "raw8", "up0"), ["1"] * 5, "forwarding")
    lab.kill_daemon()
    lab.network(dut).wait_state("active")
    lab.remove(dut)
    equal(forwarding("all", "default", "raw0", "raw8", "up0"), ["0", "1", "0", "1", "0"],
          "forwarding afterwards")
    lab.unchanged()


def test_a_router_that_was_away_is_heard_where_the_whole_host_forwards(lab):
    """As long as it does an interface hears routers with accept_ra 2 alone. Giving back raw8's own
    forwarding would drop default routes of all others."""
    lab.dut("raw8")
    set_forwarding("raw8", 1)
    router = lab.dut("raw9")
    ipv6.advertise(lab, router)
    dut, other = lab.dut(), lab.dut("raw1")
    ipv6.forward_for_the_whole_host(lab)
    network = lab.create(dut, ipv6_subnet=ipv6.SUBNET)
    accept_ra("2", "while it leads to a router")
    run("ip", "link", "set", "raw9", "down")
    lab.create(other, subnet="192.168.101.0/24", ipv6_subnet="fd00:e::/64")
    network.update(ipv6_nat="routed")
    accept_ra("2", "while the router is away")
    lab.remove(dut)
    accept_ra("2", "while another network forwards")
    run("ip", "link", "set", "raw9", "up")
    wait_for(lambda: ipv6.advertised_routes("raw9"), "the default route is back", 20)
    lab.remove(other)
    accept_ra("1", "afterwards")
    equal(forwarding("raw8", "raw9"), ["1", "0"], "forwarding afterwards")
    assert ipv6.advertised_routes("raw9"), "the default route went with the networks"
    lab.before = None


def test_an_upstream_that_heard_no_router_hears_none_where_the_whole_host_forwards(lab):
    """With accept_ra 1 who is a router there already believes none."""
    dut = lab.dut()
    ipv6.forward_for_the_whole_host(lab)
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.up0.accept_ra=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv6.conf.up0.accept_ra=0")
    for value, expected in ((1, "1"), (0, "2")):
        set_forwarding("up0", value)
        lab.remember()
        network = lab.create(dut, ipv6_subnet=ipv6.SUBNET)
        accept_ra(expected, f"where forwarding was {value}", "up0")
        network.update(ipv6_nat="routed")
        accept_ra(expected, "after a change", "up0")
        lab.remove(dut)
        lab.unchanged()
