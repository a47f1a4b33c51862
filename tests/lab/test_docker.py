# SPDX-License-Identifier: GPL-2.0-or-later
"""A host whose `ip filter FORWARD` drops, as Docker makes it, by the real iptables-nft."""

import re
import shlex

from labkit import lan
from labkit.expect import equal
from labkit.process import run

IPTABLES = "iptables-nft"
CONTAINER = "172.17.0.2"


def iptables(*arguments, **options):
    return run(IPTABLES, *arguments, **options)


def dropping_host(lab, user_chain=False):
    """FORWARD drops. With the user's chain, as Docker has it, too."""
    iptables("-P", "FORWARD", "DROP")
    lab.undo.callback(run, "nft", "delete", "table", "ip", "filter", expect=(0, 1))
    if user_chain:
        iptables("-N", "DOCKER-USER")
        iptables("-A", "DOCKER-USER", "-j", "RETURN")
        iptables("-A", "FORWARD", "-j", "DOCKER-USER")


def chain(name):
    return iptables("-S", name).splitlines()


def without_comment(rule):
    return re.sub(r' -m comment --comment (\S+|"[^"]*")', "", rule)


def test_board_reaches_the_lan_past_the_drop(lab):
    dut = lab.dut()
    dropping_host(lab)
    lab.remember()
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_accepts_are_narrow_and_iptables_reads_them(lab):
    dut = lab.dut()
    dropping_host(lab)
    lab.remember()
    lab.create(dut)
    rules = [rule for rule in chain("FORWARD") if rule.startswith("-A")]
    equal(sorted(without_comment(rule) for rule in rules),
          ["-A FORWARD -i raw0 -o up0 -j ACCEPT", "-A FORWARD -i up0 -o raw0 -j ACCEPT"],
          "iptables -S FORWARD")
    iptables("-L", "-n", "-v")
    for rule in rules:
        iptables("-C", *shlex.split(rule)[1:])
    iptables("-A", "FORWARD", "-s", "203.0.113.9", "-j", "ACCEPT")
    iptables("-D", "FORWARD", "-s", "203.0.113.9", "-j", "ACCEPT")


def test_accepts_go_before_rules_of_others(lab):
    dut = lab.dut()
    dropping_host(lab)
    iptables("-A", "FORWARD", "-j", "DROP")
    lab.remember()
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    equal(chain("FORWARD")[-1], "-A FORWARD -j DROP", "the last rule")


def test_users_chain_of_docker_is_taken_where_it_is(lab):
    dut = lab.dut()
    dropping_host(lab, user_chain=True)
    lab.remember()
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    equal(chain("FORWARD"), ["-P FORWARD DROP", "-A FORWARD -j DOCKER-USER"], "FORWARD")
    rules = [without_comment(rule) for rule in chain("DOCKER-USER")]
    assert "-A DOCKER-USER -i raw0 -o up0 -j ACCEPT" in rules, rules


def test_users_chain_that_nothing_leads_to_is_not_taken(lab):
    dut = lab.dut()
    dropping_host(lab)
    iptables("-N", "DOCKER-USER")
    lab.remember()
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    equal(chain("DOCKER-USER"), ["-N DOCKER-USER"], "DOCKER-USER")


def test_accepts_go_with_the_network_and_nothing_else_does(lab):
    dut = lab.dut()
    dropping_host(lab, user_chain=True)
    iptables("-A", "FORWARD", "-i", "raw0", "-o", "up0", "-m", "comment", "--comment", "an admin's",
             "-j", "ACCEPT")
    lab.remember()
    before = iptables("-S")
    lab.create(dut)
    assert iptables("-S") != before, "nothing was added"
    lab.remove(dut)
    equal(iptables("-S"), before, "iptables -S afterwards")
    lab.unchanged()


def test_accepts_follow_the_mode(lab):
    dut = lab.dut()
    dropping_host(lab)
    lab.remember()
    before = iptables("-S")
    network = lab.create(dut)
    network.update(nat_mode="disabled")
    equal(iptables("-S"), before, "iptables -S without translation")
    network.update(nat_mode="masquerade")
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source after the change back")


def test_each_network_has_its_own_accepts(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    dropping_host(lab)
    lab.remember()
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    for dut in (first, second):
        dut.dhcp()
    lab.remove(first)
    rules = chain("FORWARD")
    assert not [rule for rule in rules if "raw0" in rule], rules
    equal(second.source_at(lan.ROUTER), lan.HOST, "the source of the network that stays")


def test_lan_reaches_neither_board_nor_container_by_it(lab):
    dut = lab.dut("raw0")
    container = lab.dut("docker0")
    run("ip", "address", "add", "172.17.0.1/16", "dev", "docker0")
    container.configure(f"{CONTAINER}/16", "172.17.0.1")
    container.serve()
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.docker0.forwarding=1")
    dropping_host(lab)
    lab.remember()
    lab.create(dut)
    address = dut.dhcp()["ip"]
    dut.serve()
    for subnet in ("172.17.0.0/16", "192.168.100.0/24"):
        lab.lan.add_route(subnet)
        lab.undo.callback(lab.lan.remove_route, subnet)
    assert not lab.lan.reaches(CONTAINER), "the LAN reaches an unpublished container"
    assert not lab.lan.reaches(address), "the LAN reaches the board"
    assert not dut.reaches(CONTAINER), "the board reaches the container"
    assert not container.reaches(address), "the container reaches the board"


def test_one_to_one_works_past_the_drop(lab):
    dut = lab.dut()
    dropping_host(lab)
    lab.remember()
    lab.create(dut, nat_mode="1to1", addresses=[{"ip": "192.168.100.10", "mac": dut.mac,
                                                 "public_ip": lan.FREE[0]}])
    dut.dhcp()
    dut.serve()
    equal(dut.source_at(lan.ROUTER), lan.FREE[0], "the source")
    assert lab.lan.reaches(lan.FREE[0]), "the public address does not lead to the board"


def test_chain_that_accepts_is_left_alone(lab):
    dut = lab.dut()
    iptables("-P", "FORWARD", "ACCEPT")
    iptables("-A", "FORWARD", "-s", "203.0.113.9", "-j", "ACCEPT")
    lab.undo.callback(run, "nft", "delete", "table", "ip", "filter", expect=(0, 1))
    lab.remember()
    before = iptables("-S")
    lab.create(dut)
    equal(iptables("-S"), before, "iptables -S")
