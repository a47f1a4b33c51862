# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 addresses that are on the NIC before a network is: the gateway's own with another prefix makes
way and comes back, as by IPv4; others stay."""

from labkit import ipv6
from labkit.expect import equal
from labkit.ipv6 import GATEWAY, SUBNET
from labkit.process import run, stays, wait_for


def on_nic(address):
    """With which prefixes the NIC has it."""
    return sorted(word.split("/")[1] for word in run("ip", "address", "show", "dev", "raw0").split()
                  if word.startswith(f"{address}/"))


def test_gateway_address_with_another_prefix_makes_way_and_comes_back(lab):
    dut = lab.dut()
    run("ip", "address", "add", "192.168.100.1/16", "dev", "raw0")
    for prefix, options in (("128", ("nodad",)), ("48", ("metric", "77")),
                            ("56", ("noprefixroute", "nodad"))):
        ipv6.put_on("raw0", f"{GATEWAY}/{prefix}", *options)
        wait_for(lambda: "tentative" not in run("ip", "-6", "address", "show", "dev", "raw0"),
                 "duplicate address detection is over")
        lab.remember()
        network = lab.create(dut, ipv6_subnet=SUBNET)
        equal((on_nic(GATEWAY), on_nic("192.168.100.1")), (["64"], ["24"]), f"prefixes for {prefix}")
        run("busybox", "ping6", "-c", 1, "-W", 2, ipv6.wait_address(dut))
        lab.kill_daemon()
        network.wait_state("active")
        equal(on_nic(GATEWAY), ["64"], f"the prefix for {prefix} after a crash")
        lab.remove(dut)
        lab.unchanged()
        run("ip", "address", "delete", f"{GATEWAY}/{prefix}", "dev", "raw0")
    lab.before = None


def test_it_comes_back_when_the_network_has_another_gateway(lab):
    dut = lab.dut()
    ipv6.put_on("raw0", f"{GATEWAY}/128", "nodad")
    lab.remember()
    network = lab.create(dut, ipv6_subnet=SUBNET)
    network.update(ipv6_subnet="fd00:e::/64")
    equal(on_nic(GATEWAY), ["128"], "the prefix with another gateway")
    network.update(ipv6_subnet=SUBNET)
    equal(on_nic(GATEWAY), ["64"], "the prefix with this one again")
    lab.remove(dut)
    lab.unchanged()


def test_gateway_address_that_is_given_another_prefix_is_put_back(lab):
    """By IPv4 an interface can have both, and what somebody adds stays as long as the network is up."""
    dut = lab.dut()
    lab.create(dut, ipv6_subnet=SUBNET)
    for address, prefix, wrong, both in ((GATEWAY, "64", "128", ["64"]),
                                         ("192.168.100.1", "24", "32", ["24", "32"])):
        run("ip", "address", "delete", f"{address}/{prefix}", "dev", "raw0")
        run("ip", "address", "replace", f"{address}/{wrong}", "dev", "raw0")

        def is_back(address=address, both=both):
            return on_nic(address) == both
        wait_for(is_back, f"{address} has its prefix again", 2)
        stays(is_back, "nobody fights over it", 0.5)
    run("ip", "address", "delete", "192.168.100.1/32", "dev", "raw0")
    lab.remove(dut)
    lab.unchanged()


def test_addresses_of_a_nic_that_was_down_come_back(lab):
    """The kernel takes them off when it is set down again."""
    dut = lab.dut()
    run("ip", "link", "set", "raw0", "down")
    for address in ("fd00:99::5/64", f"{GATEWAY}/128"):
        ipv6.put_on("raw0", address)
    lab.remember()
    for settings in ({}, {"ipv6_subnet": SUBNET}):
        lab.create(dut, **settings)
        lab.kill_daemon()
        lab.network(dut).wait_state("active")
        lab.remove(dut)
        lab.unchanged()
