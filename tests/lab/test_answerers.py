# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers a board that asks name and time servers from one port all the time, as many do, when it is
changed who answers. Connection tracking would lead each question to where the first one went."""

from labkit import ipv6, lan
from labkit.boards import ADDRESS, Boards, strict_rp_filter
from labkit.expect import equal
from labkit.netns import veth
from labkit.process import run, wait_for
from labkit.time_server import STRATUM, TimeServer

GATEWAY = "192.168.100.1"
BOARD = "192.168.100.10"
ELSEWHERE = "8.8.8.8"
SERVE = {"unsynchronised": "serve"}
OURS, THEIRS = 10, STRATUM  # strata
PORT = 123
NAME, ENTRY = "board.lab", "10.1.2.3"


def board(lab, **settings):
    dut = lab.dut()
    network = lab.create(dut, **settings)
    dut.configure(f"{BOARD}/24", GATEWAY)
    return dut, network


def stratum(dut, server, port=PORT):
    answer = dut.ask_time(server, source_port=port)
    return answer and answer["stratum"]


def hears(dut, server, expected, when):
    """From the port that it has always asked from, and from another one."""
    equal((stratum(dut, server), stratum(dut, server, 0)), (expected, expected),
          f"the stratum by the old port and by another, {when}")


def test_time_is_served_at_once(lab):
    TimeServer(lab, lan.ROUTER)
    dut, network = board(lab)
    for _ in range(3):
        hears(dut, lan.ROUTER, THEIRS, "before")
    network.update(local_ntp=SERVE)
    hears(dut, lan.ROUTER, OURS, "when it is turned on")


def test_time_is_not_served_any_more(lab):
    TimeServer(lab, ELSEWHERE)
    dut, network = board(lab, local_ntp=SERVE)
    for _ in range(3):
        hears(dut, ELSEWHERE, OURS, "before")
        equal(stratum(dut, GATEWAY), OURS, "the gateway's stratum")
    network.update(local_ntp=False)
    hears(dut, ELSEWHERE, THEIRS, "when it is turned off")
    equal(stratum(dut, GATEWAY), None, "the gateway's stratum")


def test_the_hosts_other_addresses(lab):
    dut, network = board(lab)
    for _ in range(3):
        hears(dut, lan.HOST, None, "before")
    network.update(local_ntp=SERVE)
    hears(dut, lan.HOST, OURS, "when it is turned on")
    network.update(local_ntp=False)
    hears(dut, lan.HOST, None, "when it is turned off")


def test_without_translation_nobody_else_is_answered_for(lab):
    dut, network = board(lab, local_ntp=SERVE)
    hears(dut, ELSEWHERE, OURS, "before")
    network.update(nat_mode="disabled")
    hears(dut, ELSEWHERE, None, "without translation")
    hears(dut, GATEWAY, OURS, "of the gateway")
    network.update(nat_mode="masquerade")
    hears(dut, ELSEWHERE, OURS, "with translation again")


def test_gateway_that_moves(lab):
    TimeServer(lab, ELSEWHERE)
    dut, network = board(lab, local_ntp=SERVE)
    for last, serves, expected in ((2, SERVE, OURS), (3, False, THEIRS), (4, SERVE, OURS)):
        network.update(gateway_ip=f"192.168.100.{last}", local_ntp=serves)
        dut.configure(f"{BOARD}/24", f"192.168.100.{last}")
        hears(dut, ELSEWHERE, expected, f"with gateway .{last} and local_ntp: {serves}")


def test_rules_that_were_gone(lab):
    TimeServer(lab, ELSEWHERE)
    dut, network = board(lab, local_ntp=SERVE)
    lab.stop_daemon()
    run("nft", "flush", "chain", "ip", "jumpstarter_raw0", "prerouting")
    hears(dut, ELSEWHERE, THEIRS, "without the rules")
    lab.start_daemon()
    network.wait_state("active")
    wait_for(lambda: stratum(dut, ELSEWHERE, 0) == OURS, "the rules are back")
    hears(dut, ELSEWHERE, OURS, "with the rules again")


def test_changed_while_the_nic_is_away(lab):
    TimeServer(lab, ELSEWHERE)
    dut, network = board(lab, local_ntp=SERVE)
    hears(dut, ELSEWHERE, OURS, "before")
    run("ip", "link", "delete", dut.name)
    network.wait_state("waiting")
    lab.before = None  # the NIC is another one than it was
    network.update(local_ntp=False)
    veth(dut.name, "eth0", dut.namespace, dut.mac)
    network.wait_state("active")
    dut.configure(f"{BOARD}/24", GATEWAY)
    hears(dut, ELSEWHERE, THEIRS, "with the NIC plugged in again")


def test_twins_have_their_own(lab):
    strict_rp_filter(lab)
    TimeServer(lab, ELSEWHERE)
    twins = Boards(lab, 2)
    for k in range(2):
        lab.create(twins.duts[k], local_ntp=SERVE, **twins.settings(k))
    twins.configure()
    for dut in twins.duts:
        hears(dut, ELSEWHERE, OURS, f"{dut.name}, before")
    for k, expected in ((1, (OURS, THEIRS)), (0, (THEIRS, THEIRS))):
        lab.network(f"raw{k}").update(local_ntp=False)
        equal(tuple(stratum(dut, ELSEWHERE) for dut in twins.duts), expected, f"{ADDRESS}'s strata")


def time_by_ipv6(lab, **settings):
    """In turns; the board, its network, and time is served."""
    ipv6.bring_to_lan(lab)
    ipv6.add_lan_route(lab)
    TimeServer(lab, ipv6.LAN_ROUTER)
    dut = lab.dut()
    network = lab.create(dut, ipv6_subnet=ipv6.SUBNET, **settings)
    ipv6.wait_address(dut)
    for serves, expected in ((False, THEIRS), (SERVE, OURS), (False, THEIRS), (SERVE, OURS)):
        network.update(local_ntp=serves)
        hears(dut, ipv6.LAN_ROUTER, expected, f"by IPv6 with local_ntp: {serves}")
    return dut, network


def test_time_by_ipv6(lab):
    dut, network = time_by_ipv6(lab)
    network.update(nat_mode="disabled")
    ipv6.add_default_route(dut)  # it has been told that there is none any more
    hears(dut, ipv6.LAN_ROUTER, None, "by IPv6 without translation")


def test_time_by_ipv6_that_is_routed(lab):
    time_by_ipv6(lab, ipv6_nat="routed")


def resolves(dut, server, tcp=False):
    """From one port, whose connections by TCP have another one each."""
    done = dut.namespace.run_full("dig", f"@{server}", *([] if tcp else ["-b", "0.0.0.0#5353"]),
                                  "+tries=1", "+time=1", "+short", *(["+tcp"] if tcp else []), NAME)
    return done.stdout.split()


def test_names_are_answered_at_once_and_no_more(lab):
    dut, network = board(lab, dns_entries=[{"hostname": NAME, "ip": ENTRY}])
    for intercepts in (False, True, False, True):
        network.update(dns_intercept=intercepts)
        for tcp in (False, True):
            equal(resolves(dut, ELSEWHERE, tcp), [ENTRY] if intercepts else [],
                  f"the answer with dns_intercept: {intercepts}, TCP: {tcp}")
