# SPDX-License-Identifier: GPL-2.0-or-later
"""A network without IPv6 lets none through, whatever the host does."""

import socket

from labkit import ipv6, whoami
from labkit.process import run, wait_for


def add_ipv6(lab, dut):
    """IPv6 on the board's wire and on the LAN's, a host that forwards it, and a server there."""
    lab.lan.run("ip", "-6", "address", "replace", "fd00:77::1/64", "dev", "lan0", "nodad")
    lab.undo.callback(lab.lan.run, "ip", "-6", "address", "flush", "dev", "lan0", "scope", "global")
    ipv6.add_lan_route(lab)
    run("ip", "-6", "address", "add", "fd00:77::2/64", "dev", "up0", "nodad")
    lab.undo.callback(run, "ip", "-6", "address", "delete", "fd00:77::2/64", "dev", "up0")
    run("ip", "-6", "address", "add", "fd00:d::1/64", "dev", dut.name, "nodad")
    dut.run("ip", "-6", "address", "add", "fd00:d::2/64", "dev", "eth0", "nodad")
    dut.run("ip", "-6", "route", "add", "default", "via", "fd00:d::1")
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    server = whoami.Server(lab.lan.namespace, 7778, socket.AF_INET6)
    lab.undo.callback(server.close)
    dut.servers.append(whoami.Server(dut.namespace, 7778, socket.AF_INET6))


def both_ways(lab, dut):
    return (whoami.reaches(dut.namespace, "fd00:77::1", 7778),
            whoami.reaches(lab.lan.namespace, "fd00:d::2", 7778))


def test_no_ipv6_is_forwarded_where_the_host_forwards_it(lab):
    dut = lab.dut()
    lab.create(dut)
    # Put on afterwards, as by an admin: the network takes foreign addresses away when it comes up.
    add_ipv6(lab, dut)
    assert both_ways(lab, dut) == (False, False), "IPv6 passes between board and LAN"
    lab.remove(dut)
    lab.before = None
    if not any("fd00:d::1" in line for line in run("ip", "-6", "address").splitlines()):
        run("ip", "-6", "address", "add", "fd00:d::1/64", "dev", dut.name, "nodad")
    wait_for(lambda: both_ways(lab, dut) == (True, True), "it passes without a network: else it "
             "proves nothing")


def test_no_ipv6_passes_between_two_networks(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    for index, dut in enumerate((first, second)):
        run("ip", "-6", "address", "add", f"fd00:{index}::1/64", "dev", dut.name, "nodad")
        dut.run("ip", "-6", "address", "add", f"fd00:{index}::2/64", "dev", "eth0", "nodad")
        dut.run("ip", "-6", "route", "add", "default", "via", f"fd00:{index}::1")
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    second.servers.append(whoami.Server(second.namespace, 7778, socket.AF_INET6))
    wait_for(lambda: whoami.reaches(None, "fd00:1::2", 7778), "the host reaches it: else it proves "
             "nothing")
    assert not whoami.reaches(first.namespace, "fd00:1::2", 7778), "IPv6 passes between networks"
    lab.remove(first)
    lab.remove(second)
    lab.before = None
