# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections of a board whose NIC is unplugged: they go on when it is back, and end when its network
does, or when another one gets the subnet, before that."""

import ipaddress
import os

from labkit import host, ipv6, lan, whoami
from labkit.boards import ADDRESS, GATEWAY
from labkit.expect import equal
from labkit.process import run, wait_for

MAC = "02:00:00:00:00:01"
ADDRESS6 = "fd00:d::10"
EXPLODED = ipaddress.ip_address(ADDRESS6).exploded
PATIENCE = 5.0
OTHERS = {"subnet": "192.168.44.0/24", "gateway_ip": "192.168.44.1", "ipv6_subnet": "fd00:e::/64"}


def connections(lab):
    """Those of the board's address that the test began, of either family."""
    return [line for line in host.connections() if line not in lab.connections and
            any(f" {address} " in line for address in (ADDRESS, EXPLODED))]


def configure(dut):
    dut.configure(f"{ADDRESS}/24", GATEWAY)
    dut.run("ip", "-6", "address", "replace", f"{ADDRESS6}/64", "dev", "eth0", "nodad")
    ipv6.add_default_route(dut)


def begin(lab, dut):
    """A connection of each family."""
    configure(dut)
    held = [whoami.Connection(dut.namespace, lan.ROUTER, timeout=PATIENCE),
            whoami.Connection(dut.namespace, ipv6.LAN_ROUTER, ipv6.PORT, PATIENCE)]
    for connection in held:
        lab.undo.callback(connection.close)
    equal([connection.source for connection in held], [lan.HOST, ipv6.LAN_HOST], "what the LAN sees")
    return held


def unplug(lab, network):
    run("ip", "link", "delete", "raw0")
    network.wait_state("waiting")
    equal(len(connections(lab)), 2, "connections while the NIC is away")
    lab.before = None  # the NIC is another one than it was


def plug(dut):
    run("ip", "link", "add", "raw0", "type", "veth", "peer", "name", "eth0", "address", MAC,
        "netns", dut.namespace.name)
    dut.run("ip", "link", "set", "eth0", "up")
    run("ip", "link", "set", "raw0", "up")


def unplugged(lab, **keys):
    """A board with connections, whose NIC goes then."""
    ipv6.bring_to_lan(lab)
    dut = lab.dut("raw0", MAC)
    network = lab.create(dut, ipv6_subnet=ipv6.SUBNET, **keys)
    held = begin(lab, dut)
    unplug(lab, network)
    return dut, network, held


def unplugged_of_file(lab):
    """The same with a network of a file; its path."""
    ipv6.bring_to_lan(lab)
    dut = lab.dut("raw0", MAC)
    path = lab.configure("raw0.yaml", f"interface: raw0\nipv6_subnet: {ipv6.SUBNET}\n")
    lab.reload()
    network = lab.network(dut)
    network.wait_state("active")
    begin(lab, dut)
    unplug(lab, network)
    return path


def test_they_go_on_when_it_is_back(lab):
    dut, network, held = unplugged(lab)
    plug(dut)
    network.wait_state("active")
    configure(dut)
    equal([connection.ask_again() for connection in held], [lan.HOST, ipv6.LAN_HOST],
          "what the LAN sees over the same connections")


def test_they_end_with_the_network(lab):
    unplugged(lab)
    lab.remove("raw0")
    equal(connections(lab), [], "the connections of the network that was")


def test_they_end_with_its_file(lab):
    path = unplugged_of_file(lab)
    os.unlink(path)
    lab.reload()
    equal((lab.networks(), connections(lab)), ({}, []), "networks and connections")


def test_they_end_when_it_is_taken_down(lab):
    _, network, _ = unplugged(lab)
    network.call("Down")
    equal(connections(lab), [], "the connections of the network that is down")


def test_they_end_with_its_subnet(lab):
    dut, network, _ = unplugged(lab)
    network.update(dns_intercept=True)
    equal(len(connections(lab)), 2, "connections after a change of something else")
    network.update(**OTHERS)
    equal(connections(lab), [], "the connections of the subnet that was")
    plug(dut)
    network.wait_state("active")


def test_they_end_with_a_network_that_another_daemon_has_known(lab):
    _, network, _ = unplugged(lab)
    for end in (lab.restart_daemon, lab.kill_daemon):
        end()
        wait_for(lambda: lab.bus.has_owner() and lab.networks().get("raw0", ("",))[0] == "waiting",
                 "the daemon is back")
        equal(len(connections(lab)), 2, "connections after the daemon's return")
    lab.remove("raw0")
    equal(connections(lab), [], "the connections of the network that was")


def test_they_end_with_a_file_that_went_while_there_was_no_daemon(lab):
    path = unplugged_of_file(lab)
    lab.stop_daemon()
    os.unlink(path)
    lab.start_daemon()
    wait_for(lambda: not lab.networks(), "no network is left")
    equal(connections(lab), [], "connections")


def test_whoever_gets_the_subnet_inherits_none(lab):
    """And loses none of its own when the network that was there before goes."""
    unplugged(lab)
    other = lab.dut("raw1", "02:00:00:00:00:02")
    lab.before = None
    network = lab.create(other, ipv6_subnet=ipv6.SUBNET)
    equal((connections(lab), network.get("ConnectionCount")), ([], 0), "connections of the other network")
    held = begin(lab, other)
    before = connections(lab)
    lab.remove("raw0")
    equal(connections(lab), before, "the other's connections")
    equal([connection.ask_again() for connection in held], [lan.HOST, ipv6.LAN_HOST],
          "what the LAN sees over them")


def test_they_end_when_the_host_has_the_subnet_elsewhere(lab):
    """The network is a twin when its NIC is back, and would have none of them; whoever has the
    board's address there would."""
    dut, network, held = unplugged(lab)
    lab.dut("raw9")
    lab.before = None
    run("ip", "address", "add", "192.168.100.200/24", "dev", "raw9")
    plug(dut)
    network.wait_state("active")
    assert network.status()["twin"], "it is no twin"
    equal([line for line in connections(lab) if ADDRESS in line], [], "connections by IPv4")
    configure(dut)
    equal(held[1].ask_again(), ipv6.LAN_HOST, "what the LAN sees by IPv6")


def test_a_twin_that_is_unplugged_takes_no_others_with_it(lab):
    first, twin = lab.dut("raw0", MAC), lab.dut("raw1", "02:00:00:00:00:02")
    for dut in (first, twin):
        lab.create(dut)
        dut.configure(f"{ADDRESS}/24", GATEWAY)
    held = whoami.Connection(first.namespace, lan.ROUTER, timeout=PATIENCE)
    lab.undo.callback(held.close)
    twins = whoami.Connection(twin.namespace, lan.ROUTER, timeout=PATIENCE)
    lab.undo.callback(twins.close)
    run("ip", "link", "delete", "raw1")
    lab.network("raw1").wait_state("waiting")
    lab.before = None
    lab.remove("raw1")
    equal(len(connections(lab)), 1, "the connections that are left")
    equal(held.ask_again(), lan.HOST, "what the LAN sees of the first one")
