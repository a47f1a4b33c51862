# SPDX-License-Identifier: GPL-2.0-or-later
"""What a filter lets pass, by real connections; changed while it runs."""

import contextlib
import json
import socket

from labkit import bus, host, lan, whoami
from labkit.damage import FILTER
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, run_full, wait_for
from labkit.whoami import PORT

BOARD, OTHER = "192.168.100.10", "192.168.100.11"
PUBLIC, OTHER_PUBLIC = lan.FREE[0], lan.FREE[1]


def egress(*rules, policy="drop"):
    return {"egress": {"policy": policy, "rules": list(rules)}}


def ingress(*rules, policy="drop"):
    return {"ingress": {"policy": policy, "rules": list(rules)}}


def accept(**matches):
    return {"action": "accept", **matches}


def drop(**matches):
    return {"action": "drop", **matches}


def set_filter(network, value):
    network.call("SetFilter", "(a{sv})", bus.settings(value))


def board(lab, **settings):
    dut = lab.dut()
    network = lab.create(dut, **settings)
    dut.configure(f"{BOARD}/24", "192.168.100.1")
    return dut, network


def mapped(lab, **settings):
    dut, network = board(lab, nat_mode="1to1", addresses=[
        {"ip": BOARD, "public_ip": PUBLIC}, {"ip": OTHER, "public_ip": OTHER_PUBLIC}], **settings)
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    dut.serve()
    return dut, network


def udp(dut, address):
    with contextlib.suppress(OSError):
        return bool(whoami.udp(dut.namespace, address))
    return False


def passes(dut, address=lan.ROUTER):
    """TCP, UDP, ping: which of them get an answer."""
    return dut.reaches(address), udp(dut, address), dut.pings(address)


# Out


def test_everything_passes_without_a_filter(lab):
    dut, network = board(lab)
    equal(passes(dut), (True, True, True), "what passes")
    equal(network.call("GetFilter"), {}, "GetFilter")


def test_policy_alone(lab):
    dut, network = board(lab, filter=egress())
    equal(passes(dut), (False, False, False), "what passes with a policy of drop")
    assert dut.pings("192.168.100.1"), "the gateway does not answer"
    set_filter(network, egress(policy="accept"))
    equal(passes(dut), (True, True, True), "what passes with a policy of accept")


def test_protocol_alone(lab):
    dut, network = board(lab)
    for protocol, expected in (("tcp", (True, False, False)), ("udp", (False, True, False)),
                               ("icmp", (False, False, True))):
        set_filter(network, egress(accept(protocol=protocol)))
        equal(passes(dut), expected, f"what passes with {protocol} alone accepted")
        set_filter(network, egress(drop(protocol=protocol), policy="accept"))
        equal(passes(dut), tuple(not word for word in expected), f"what passes but {protocol}")


def test_ports(lab):
    dut, network = board(lab)
    for port, expected in ((PORT, True), (PORT + 1, False), (f"{PORT - 5}-{PORT}", True),
                           (f"{PORT + 1}-{PORT + 9}", False), (f"22,{PORT}", True),
                           ([22, PORT], True), (["22", f"{PORT}-{PORT}"], True), ([22, 80], False)):
        set_filter(network, egress(accept(protocol="tcp", port=port)))
        equal(passes(dut), (expected, False, False), f"what passes with port {port} of TCP")
    set_filter(network, egress(accept(port=PORT)))
    equal(passes(dut), (True, True, False), "what passes with a port and no protocol")


def test_source_and_destination(lab):
    dut, network = board(lab)
    for rule, expected in ((accept(destination=lan.ROUTER), True),
                           (accept(destination="10.77.0.0/24"), True),
                           (accept(destination=lan.NEIGHBOUR), False),
                           (accept(destination="10.78.0.0/16"), False),
                           (accept(source=BOARD), True), (accept(source=OTHER), False),
                           (accept(source="192.168.100.0/28", destination=lan.ROUTER), True),
                           (accept(source="192.168.100.16/28", destination=lan.ROUTER), False)):
        set_filter(network, egress(rule))
        equal(dut.reaches(lan.ROUTER), expected, f"whether {rule} lets it pass")


def test_first_rule_that_fits_decides(lab):
    dut, network = board(lab)
    set_filter(network, egress(drop(destination=lan.NEIGHBOUR), accept(protocol="tcp"),
                               drop(destination=lan.ROUTER)))
    equal((dut.reaches(lan.ROUTER), dut.reaches(lan.NEIGHBOUR)), (True, False), "which are reached")


def test_two_networks_have_their_own(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first, filter=egress())
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    for dut in (first, second):
        dut.dhcp()
    equal((first.reaches(lan.ROUTER), second.reaches(lan.ROUTER)), (False, True), "which reaches the LAN")


def test_twins_have_their_own(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    networks = [lab.create(dut) for dut in (first, second)]
    for dut in (first, second):
        dut.configure(f"{BOARD}/24", "192.168.100.1")
    flows = [whoami.Connection(dut.namespace, lan.ROUTER) for dut in (first, second)]
    set_filter(networks[0], egress())
    equal((first.reaches(lan.ROUTER), second.reaches(lan.ROUTER)), (False, True), "which reaches the LAN")
    equal(flows[1].ask_again(), lan.HOST, "the source of the twin's connection, which goes on")
    ended(flows[0])
    set_filter(networks[1], egress())
    set_filter(networks[0], {})
    equal((first.reaches(lan.ROUTER), second.reaches(lan.ROUTER)), (True, False), "which reaches the LAN")
    ended(flows[1])


# In


def test_mappings_are_governed_by_ingress(lab):
    dut, network = mapped(lab)
    assert lab.lan.reaches(PUBLIC), "a mapping without a filter lets nothing in"
    set_filter(network, ingress())
    assert not lab.lan.reaches(PUBLIC), "a mapping goes past the filter"
    assert dut.reaches(lan.ROUTER), "the way out is closed as well"
    for rule, expected in ((accept(protocol="tcp", port=PORT), (True, True)),
                           (accept(protocol="tcp", port=22), (False, False)),
                           (accept(protocol="udp"), (False, False)),
                           (accept(destination=BOARD), (True, False)),
                           (accept(destination="192.168.100.8/30"), (True, True)),
                           (accept(source=lan.ROUTER), (True, True)),
                           (accept(source=lan.NEIGHBOUR), (False, False)),
                           (accept(source="10.77.0.0/24", destination=OTHER), (False, True))):
        set_filter(network, ingress(rule))
        equal((lab.lan.reaches(PUBLIC), lab.lan.reaches(OTHER_PUBLIC)), expected,
              f"which are reached with {rule}")


def test_host_itself_reaches_its_boards(lab):
    mapped(lab, filter=ingress())
    assert whoami.reaches(None, PUBLIC), "the host does not reach the board by its public address"


# Connections that are there


def ended(flow):
    try:
        flow.ask_again()
    except OSError:
        return
    raise AssertionError("a connection that is forbidden goes on")


def test_established_connections_that_are_forbidden_end(lab):
    dut, network = mapped(lab)
    out, stays = (whoami.Connection(dut.namespace, address) for address in (lan.ROUTER, lan.NEIGHBOUR))
    inward, kept = (whoami.Connection(lab.lan.namespace, address) for address in (PUBLIC, OTHER_PUBLIC))
    from_host = whoami.Connection(None, PUBLIC)
    set_filter(network, {**egress(drop(destination=lan.ROUTER, port=PORT), policy="accept"),
                         **ingress(accept(destination=OTHER))})
    for flow in (out, inward):
        ended(flow)
    equal(stays.ask_again(), PUBLIC, "the source of a connection that is allowed")
    equal(kept.ask_again(), lan.ROUTER, "the source of one from the LAN that is allowed")
    assert from_host.ask_again(), "the host's own connection ended"
    lacks(run("nft", "list", "ruleset"), "reject with icmp")


def test_answers_do_not_begin_what_is_forbidden_anew(lab):
    """Where the other direction is open, who is asked may not go on with it by that."""
    dut, network = mapped(lab)
    for begins, other, address, value in (
            (dut.namespace, lab.lan.namespace, lan.ROUTER, egress()),
            (lab.lan.namespace, dut.namespace, PUBLIC, ingress())):
        with contextlib.closing(whoami.Pair(begins, other, address)) as pair:
            equal(pair.goes_on(), (True, True), f"who is heard on the way to {address}")
            set_filter(network, value)
            equal(pair.goes_on(), (False, False), f"who is heard on it with {value}")
        set_filter(network, {})
    set_filter(network, {**egress(), **ingress(policy="accept")})
    assert lab.lan.reaches(PUBLIC), "a mapping without a way out lets nothing in"


def test_who_goes_on_with_a_lost_connection_learns_of_it(lab):
    """It is not let through without the entry of connection tracking, and need not wait for hours."""
    dut, network = mapped(lab)
    for namespace, address, value in ((dut.namespace, lan.ROUTER, ingress()),
                                      (lab.lan.namespace, PUBLIC, egress())):
        set_filter(network, value)
        with contextlib.closing(whoami.Connection(namespace, address, timeout=5)) as flow:
            equal(network.call("ExpireConnections", "(a{sv})", {}), 1, f"connections to {address}")
            try:
                flow.ask_again()
                raise AssertionError(f"the connection to {address} goes on")
            except ConnectionResetError:
                pass


def test_those_of_a_lan_that_has_the_same_subnet_end(lab):
    """Or of one that lies in the network's."""
    for name, subnet, ip in (("raw0", "10.77.0.0/24", "10.77.0.60"), ("raw1", "10.0.0.0/8", "10.200.0.60")):
        gateway = ip.replace(".60", ".222")
        dut = lab.dut(name)
        network = lab.create(dut, subnet=subnet, gateway_ip=gateway, nat_mode="1to1", dhcp_enabled=False,
                             addresses=[{"ip": ip, "public_ip": PUBLIC}],
                             forwards=[{"port": 2222, "ip": ip, "to_port": PORT}])
        dut.configure(f"{ip}/{subnet.split('/')[1]}", gateway)
        dut.serve()
        ways = ((PUBLIC, PORT), (lan.HOST, 2222))
        inward, kept = ([whoami.Connection(lab.lan.namespace, *way, bind=source) for way in ways]
                        for source in (lan.ROUTER, lan.NEIGHBOUR))
        rest = [whoami.Connection(None, PUBLIC), whoami.Connection(dut.namespace, PUBLIC)]
        set_filter(network, {**egress(), **ingress(accept(source=lan.NEIGHBOUR))})
        for flow in inward:
            ended(flow)
        for flow in kept + rest:
            equal(flow.ask_again(), flow.source, "the source of one that is allowed, or stays on the host")
        set_filter(network, {**egress(), **ingress()})
        for flow in kept:
            ended(flow)
        for flow in rest:
            equal(flow.ask_again(), flow.source, "the source of one that stays on the host")
        lab.remove(dut)


def test_a_change_is_one_transaction(lab):
    """What both the old and the new filter allow never fails, however often they change."""
    dut, network = board(lab)
    both = accept(destination=lan.ROUTER)
    flow = whoami.Connection(dut.namespace, lan.ROUTER)
    with dut.namespace.socket(kind=socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for number in range(60):
            set_filter(network, egress(both, *[drop(port=1000 + number)] * (number % 5)))
            sock.sendto(b"?", (lan.ROUTER, PORT))
            sock.recv(100)
            assert dut.reaches(lan.ROUTER), "a new connection fails"
    equal(flow.ask_again(), lan.HOST, "the source of a connection that is allowed all the time")


# What it says


def test_hits_are_counted(lab):
    dut, network = board(lab, filter=egress(accept(protocol="tcp", port=[PORT, 9]),
                                            drop(protocol="icmp"), policy="accept"))
    dut.reaches(lan.ROUTER)
    dut.reaches(lan.ROUTER)
    dut.pings(lan.ROUTER)
    assert udp(dut, lan.ROUTER), "UDP does not pass"
    side = network.call("GetFilter")["egress"]
    equal([rule["packets"] for rule in side["rules"]], [2, 1], "what the rules have counted")
    equal(side["policy_packets"], 1, "what the policy has counted")
    assert all(rule["bytes"] > 20 for rule in side["rules"]), side
    equal({key: value for key, value in side["rules"][0].items() if key not in ("packets", "bytes")},
          {"action": "accept", "protocol": "tcp", "port": f"{PORT},9"}, "the rule")
    lacks(str(network.call("GetFilter")), "ingress")


def test_log_has_a_limit_and_names_the_rule(lab):
    board(lab, filter=egress(accept(), drop(protocol="udp", log=True)))
    chain = run("nft", "list", "chain", "ip", FILTER, "egress_raw0")
    contains(chain, 'meta l4proto udp limit rate 10/second', 'log prefix "dut-network raw0 egress 2: "',
             'comment "egress 2"')


def test_command_shows_and_sets(lab):
    dut, network = board(lab)
    contains(run("dutnetctl", "filter", "show"), "There is no filter")
    path = lab.write("/tmp/filter.yaml", "egress:\n  policy: drop\n  rules:\n"
                     f"    - {{action: accept, destination: {lan.ROUTER}, protocol: tcp, port: {PORT}}}\n")
    run("dutnetctl", "filter", "set", path)
    equal(passes(dut), (True, False, False), "what passes")
    lines = run("dutnetctl", "filter", "show").splitlines()
    equal(lines[1].split()[:6], ["egress", "accept", lan.ROUTER, "tcp", str(PORT), "1"], "the rule shown")
    contains(lines[2], "egress", "drop", "all else")
    equal(json.loads(run("dutnetctl", "--json", "filter", "show"))["egress"]["policy"], "drop", "as JSON")
    contains(run("dutnetctl", "export"), "filter:", 'policy: "drop"')
    run("dutnetctl", "filter", "set", "-", stdin=f"interface: raw0\nfilter: {{}}\n")
    equal((passes(dut), network.call("GetFilter")), ((True, True, True), {}), "without one again")
    other = lab.write("/tmp/other.yaml", "interface: raw7\nfilter: {egress: {policy: drop}}\n")
    for words, said in (((), "raw7"), (("-i", "raw0"), "no network on raw0 in it")):
        done = run_full("dutnetctl", *words, "filter", "set", other)
        equal(done.returncode, 1, "the exit code for another network's file")
        contains(done.stderr, said)
    equal(network.call("GetFilter"), {}, "the filter")
    lab.write("/tmp/filter.yaml", "egress:\n  policy: dorp\n")
    done = run_full("dutnetctl", "filter", "set", path)
    equal(done.returncode, 1, "the exit code")
    contains(done.stderr, f"{path}:2:11:", '"dorp" is not accept or drop')


# What it is beside


def test_it_survives_the_daemon(lab):
    dut, network = board(lab, filter=egress())
    before = network.call("GetFilter")
    lab.restart_daemon()
    network.wait_state("active")
    assert not dut.reaches(lan.ROUTER), "the filter is gone"
    lab.kill_daemon()
    wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
    equal(network.call("GetFilter")["egress"]["policy"], before["egress"]["policy"], "the policy")
    assert not dut.reaches(lan.ROUTER), "the filter is gone"


def test_it_goes_with_the_network(lab):
    dut, _ = board(lab, filter={**egress(accept(port=1)), **ingress()})
    contains("\n".join(host.ruleset()), "egress_raw0", "ingress_raw0")
    lab.remove(dut)
    lab.unchanged()


def test_what_cannot_be_enforced_is_refused(lab):
    lab.dut("raw1")
    _, network = board(lab)
    before = network.status()["settings"]
    for value, words in (
            (egress(accept(destination="fd00::/64")), ("fd00::/64", "IPv6")),
            (egress(accept(protocol="icmp", port=8)), ("port", "icmp")),
            (egress(accept(port=70000)), ("70000", "port")),
            (egress(accept(source="www.lan.test")), ("www.lan.test",)),
            ({"outgress": {}}, ("outgress",)), ({"egress": {"rules": []}}, ("policy",))):
        with refused(bus.INVALID_ARGS, "filter", *words):
            set_filter(network, value)
        equal(network.status()["settings"], before, "the settings")
    with refused(bus.INVALID_ARGS, "filter", "nat_mode", "disabled"):
        lab.create("raw1", subnet="192.168.101.0/24", gateway_ip="192.168.101.1", nat_mode="disabled",
                   filter=egress())
    set_filter(network, egress())
    with refused(bus.INVALID_ARGS, "filter", "nat_mode", "disabled"):
        network.update(nat_mode="disabled")
    network.update(nat_mode="disabled", filter="")
    equal(network.call("GetFilter"), {}, "GetFilter")


def test_rules_that_nothing_could_fit_are_refused(lab):
    """The board's own address is what rules have, in both directions."""
    _, network = mapped(lab)
    before = network.status()["settings"]
    for value, words in (
            (ingress(drop(destination=PUBLIC), policy="accept"), (PUBLIC, "public_ip", BOARD)),
            (ingress(accept(destination=lan.NEIGHBOUR)), (lan.NEIGHBOUR, "192.168.100.0/24")),
            (egress(drop(source="10.9.9.9"), policy="accept"), ("10.9.9.9", "192.168.100.0/24")),
            (egress(drop(destination="224.0.0.251"), policy="accept"), ("224.0.0.251", "multicast"))):
        with refused(bus.INVALID_ARGS, "filter", *words):
            set_filter(network, value)
        equal(network.status()["settings"], before, "the settings")
    assert lab.lan.reaches(PUBLIC), "the board is not reached"
    set_filter(network, ingress(drop(destination=BOARD), policy="accept"))
    assert not lab.lan.reaches(PUBLIC), "the board is reached, whatever the filter says"
    with refused(bus.INVALID_ARGS, "filter", BOARD, "10.9.0.0/24"):
        network.update(subnet="10.9.0.0/24", gateway_ip="10.9.0.1", addresses=[],
                       public_pool=f"{PUBLIC}-{PUBLIC}")


def test_intercepted_questions_are_the_hosts(lab):
    """What is redirected to the gateway is not forwarded: the filter neither stops nor ends it."""
    dut, network = board(lab, dns_intercept=True, filter={**egress(), **ingress()},
                         dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    with dut.namespace.socket() as sock:
        sock.settimeout(2)
        sock.connect(("8.8.8.8", 53))
        set_filter(network, {**egress(policy="accept"), **ingress()})
        question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x03lab\x00\x00\x01\x00\x01"
        sock.sendall(len(question).to_bytes(2, "big") + question)
        contains(str(sock.recv(500)), r"\n\x01\x01\x01")
    equal(dut.dig("a.lab", "8.8.8.8"), ["10.1.1.1"], "the answer that seems to come from 8.8.8.8")


def test_a_table_in_the_filters_place_is_none_for_long(lab):
    """Somebody's own of the same name, while there was no daemon."""
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first, filter=egress(accept(protocol="tcp")))
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    for dut in (first, second):
        dut.dhcp()
    before = host.ruleset()
    lab.stop_daemon()
    run("nft", "delete", "table", "ip", FILTER)
    run("nft", "add", "table", "ip", FILTER, "{ flags dormant; }")
    lab.start_daemon()
    wait_for(lambda: host.ruleset() == before, "the rule set is as it was", 5)
    for dut in (first, second):
        lab.network(dut).wait_state("active")
        assert dut.reaches(lan.ROUTER), f"{dut.name} does not reach the LAN"
    assert not udp(first, lan.ROUTER), "the filter is not in force"


def test_what_it_says_can_be_set_again(lab):
    _, network = board(lab, filter={**egress(accept(port=PORT)), **ingress()})
    said = network.call("GetFilter")
    set_filter(network, said)
    equal(network.call("GetFilter"), said, "GetFilter")
