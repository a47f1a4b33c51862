# SPDX-License-Identifier: GPL-2.0-or-later
"""What a filter lets pass by IPv6, beside IPv4."""

import contextlib
import socket
import types

from labkit import bus, ipv6, lan, whoami
from labkit.bus import INVALID_ARGS
from labkit.damage import without_owner
from labkit.expect import equal, refused
from labkit.ipv6 import GATEWAY, LAN_HOST, LAN_ROUTER, PORT, create, pings
from labkit.process import run, wait_for

HOST = types.SimpleNamespace(socket=socket.socket)


def test_routed_keeps_the_boards_address_and_lets_in_what_ingress_says(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, ipv6_nat="routed")
    address = ipv6.wait_address(dut)
    ipv6.add_lan_route(lab)
    ipv6.serve(dut)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), address, "the source")
    assert not whoami.reaches(lab.lan.namespace, address, PORT), "an uninvited LAN host gets in"
    network.update(filter={"ingress": {"policy": "drop", "rules": [
        {"action": "accept", "source": f"{LAN_ROUTER}", "protocol": "tcp", "port": PORT}]}})
    equal(whoami.tcp(lab.lan.namespace, address, PORT), LAN_ROUTER, "the source that it sees")
    held = whoami.Connection(lab.lan.namespace, address, PORT)
    network.update(filter={"ingress": {"policy": "drop", "rules": [
        {"action": "accept", "destination": f"{address}", "protocol": "tcp", "port": 22}]}})
    assert not whoami.reaches(lab.lan.namespace, address, PORT), "what ingress no longer allows"
    refuses(held)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), address, "the source, ingress or not")


def refuses(connection):
    """What a held connection is asked is not answered any more."""
    try:
        connection.ask_again()
    except OSError:
        return
    finally:
        connection.close()
    raise AssertionError("a connection that is forbidden goes on")


def test_filter_judges_both_families(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut)
    ipv6.wait_address(dut)
    dut.dhcp()

    def reached():
        return (dut.reaches(lan.ROUTER), whoami.reaches(dut.namespace, LAN_ROUTER, PORT))

    def egress(*rules):
        network.update(filter={"egress": {"policy": "drop", "rules": list(rules)}})
    equal(reached(), (True, True), "without a filter")
    held = whoami.Connection(dut.namespace, LAN_ROUTER, PORT)
    egress({"action": "accept", "destination": "10.77.0.0/24"})
    equal(reached(), (True, False), "an IPv4 destination")
    refuses(held)
    egress({"action": "accept", "destination": "fd00:77::/64", "protocol": "tcp", "port": PORT})
    equal(reached(), (False, True), "an IPv6 destination")
    egress({"action": "accept", "protocol": "tcp"})
    equal(reached(), (True, True), "no address at all")
    egress({"action": "accept", "source": "fd00:d::5"})
    equal(reached(), (False, False), "another source")
    egress({"action": "accept", "protocol": "icmp"})
    assert pings(dut.namespace, LAN_ROUTER), "icmp is not of both"
    counted = network.call("GetFilter")["egress"]["rules"][0]
    assert counted["packets"] > 0, "a hit by IPv6 is not counted"
    with refused(INVALID_ARGS, "ipv6_subnet"):
        network.update(ipv6_subnet="", filter={"egress": {"policy": "drop", "rules": [
            {"action": "accept", "destination": "fd00:77::/64"}]}})


def test_a_name_in_the_filter_opens_nothing_by_ipv6(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, dns_servers=[lan.ROUTER], dns_entries=[
        {"hostname": "both.lab.test", "ip": lan.ROUTER}, {"hostname": "both.lab.test", "ip": LAN_ROUTER}])
    ipv6.wait_address(dut)
    dut.dhcp()
    equal((dut.dig("both.lab.test", GATEWAY), dut.dig("both.lab.test", GATEWAY, "AAAA")),
          ([lan.ROUTER], [LAN_ROUTER]), "both families")
    rule = {"action": "accept", "destination": "lab.test"}
    network.update(filter={"egress": {"policy": "drop", "rules": [rule]}})
    wait_for(lambda: dut.dig("both.lab.test", GATEWAY) == [lan.ROUTER], "the name, with the filter")
    assert dut.reaches(lan.ROUTER), "by IPv4 the name opens nothing"
    assert not whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "by IPv6 it opens something"
    network.update(filter={"egress": {"policy": "accept", "rules": [{**rule, "action": "drop"}]}})
    assert not whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "what drops by name lets IPv6 pass"


def egress(*rules, policy="drop"):
    return {"egress": {"policy": policy, "rules": list(rules)}}


def ingress(*rules, policy="drop"):
    return {"ingress": {"policy": policy, "rules": list(rules)}}


def set_filter(network, value):
    network.call("SetFilter", "(a{sv})", bus.settings(value))


class Flow:
    """Datagrams between a board and the LAN, begun by one of them; each end speaks when told to."""

    def __init__(self, begins, other, address, port=5555):
        self.begins = begins.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.other = other.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        for sock in (self.begins, self.other):
            sock.settimeout(0.4)
        self.begins.bind(("::", port))
        self.other.bind((address, port))
        self.begins.sendto(b"begun", (address, port))
        self.peer = self.other.recvfrom(100)[1]
        self.target = (address, port)

    def goes_on(self):
        """Whether what began it hears an answer, without saying more."""
        self.other.sendto(b"answer", self.peer)
        try:
            return self.begins.recv(100) == b"answer"
        except TimeoutError:
            return False

    def asks(self):
        """Whether the other hears more of it. By then the host may have another port for it."""
        self.begins.sendto(b"more", self.target)
        try:
            data, self.peer = self.other.recvfrom(100)
            return data == b"more"
        except TimeoutError:
            return False

    def close(self):
        self.begins.close()
        self.other.close()


@contextlib.contextmanager
def flow(*arguments):
    it = Flow(*arguments)
    try:
        yield it
    finally:
        it.close()


def reachable(lab, **settings):
    """A board of a routed network, whose address the LAN knows."""
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, ipv6_nat="routed", **settings)
    address = ipv6.wait_address(dut)
    ipv6.add_lan_route(lab)
    return dut, network, address


def test_what_only_answers_ends_masqueraded(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut)
    ipv6.wait_address(dut)
    with flow(dut.namespace, lab.lan.namespace, LAN_ROUTER) as forbidden, \
            flow(dut.namespace, lab.lan.namespace, LAN_ROUTER, 5556) as allowed:
        assert forbidden.goes_on() and allowed.goes_on(), "no answers"
        set_filter(network, egress({"action": "accept", "protocol": "udp", "port": 5556}))
        equal((forbidden.goes_on(), allowed.goes_on()), (False, True), "which are answered")
        equal((forbidden.asks(), allowed.asks()), (False, True), "which are asked more")
        set_filter(network, {})
        assert forbidden.asks() and forbidden.goes_on(), "it does not begin anew"


def test_what_only_answers_ends_routed(lab):
    dut, network, address = reachable(lab, filter=ingress({"action": "accept", "protocol": "udp",
                                                           "port": 5557}))
    with flow(dut.namespace, lab.lan.namespace, LAN_ROUTER) as out, \
            flow(lab.lan.namespace, dut.namespace, address, 5557) as inward, \
            flow(dut.namespace, lab.lan.namespace, LAN_ROUTER, 5558) as allowed:
        assert out.goes_on() and inward.goes_on() and allowed.goes_on(), "no answers"
        set_filter(network, {**egress({"action": "accept", "protocol": "udp", "port": 5558}),
                             **ingress()})
        equal((out.goes_on(), inward.goes_on(), allowed.goes_on()), (False, False, True),
              "which are answered")
        equal((out.asks(), inward.asks(), allowed.asks()), (False, False, True),
              "which are asked more")


def test_answers_do_not_begin_what_is_forbidden_anew(lab):
    dut, network, address = reachable(lab, filter=ingress(policy="accept"))
    ipv6.serve(dut)
    for begins, other, target, value in (
            (dut.namespace, lab.lan.namespace, LAN_ROUTER, {**egress(), **ingress(policy="accept")}),
            (lab.lan.namespace, dut.namespace, address, ingress()),
            (lab.lan.namespace, dut.namespace, address, egress(policy="accept")),
            (lab.lan.namespace, dut.namespace, address, {})):
        set_filter(network, ingress(policy="accept"))
        with contextlib.closing(whoami.Pair(begins, other, target)) as pair:
            equal(pair.goes_on(), (True, True), f"who is heard on the way to {target}")
            set_filter(network, value)
            equal(pair.goes_on(), (False, False), f"who is heard on it with {value}")
    set_filter(network, {**egress(), **ingress(policy="accept")})
    assert whoami.reaches(lab.lan.namespace, address, PORT), "the other direction is closed"


def test_what_the_lan_has_begun_ends_with_ingress(lab):
    dut, network, address = reachable(lab, filter=ingress(policy="accept"))
    ipv6.serve(dut)
    held = whoami.Connection(lab.lan.namespace, address, PORT)
    with flow(lab.lan.namespace, dut.namespace, address) as inward:
        assert inward.goes_on(), "no answers"
        set_filter(network, {})
        assert not inward.asks(), "what began by ingress outlives it"
    refuses(held)


def test_connections_of_the_host_and_of_others_stay(lab):
    other = lab.dut("raw1")
    dut, network, address = reachable(lab)
    ipv6.serve(dut)
    lab.create(other, subnet="192.168.101.0/24", ipv6_subnet="fd00:e::/64")
    ipv6.wait_address(other, "fd00:e::/64")
    with contextlib.closing(whoami.Connection(None, address, PORT)) as hosts, \
            contextlib.closing(whoami.Connection(other.namespace, LAN_ROUTER, PORT)) as others, \
            contextlib.closing(whoami.Server(HOST, PORT + 1, socket.AF_INET6)), \
            contextlib.closing(whoami.Connection(dut.namespace, LAN_HOST, PORT + 1)) as to_host:
        set_filter(network, {**egress(), **ingress()})
        assert hosts.ask_again(), "the host's own connection ended"
        equal(others.ask_again(), LAN_HOST, "what the LAN sees of another network's")
        equal(to_host.ask_again(), address, "what the host sees of the board's to itself")


def test_what_began_without_the_rules_ends_where_it_is_routed(lab):
    without_owner(lab)
    dut, network, address = reachable(lab)
    lab.stop_daemon()
    run("nft", "delete", "table", "ip6", "jumpstarter_raw0")
    with flow(lab.lan.namespace, dut.namespace, address) as inward, \
            flow(dut.namespace, lab.lan.namespace, LAN_ROUTER, 5556) as out:
        lab.start_daemon()
        wait_for(lambda: not inward.asks(), "what nobody let through ends", 8)
        assert out.asks() and out.goes_on(), "what is allowed has ended"


def test_hits_are_first_packets_by_both_families(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, filter=egress({"action": "accept", "protocol": "tcp"},
                                             {"action": "accept", "protocol": "udp"}))
    ipv6.wait_address(dut)
    dut.dhcp()

    def counted():
        return [rule["packets"] for rule in network.call("GetFilter")["egress"]["rules"]]
    for address, port, hits in ((lan.ROUTER, whoami.PORT, 1), (LAN_ROUTER, PORT, 2)):
        with contextlib.closing(whoami.Connection(dut.namespace, address, port)) as held:
            for _ in range(5):
                held.ask_again()
        equal(counted()[0], hits, f"the hits with a connection to {address}")
    before = counted()[1]
    with flow(dut.namespace, lab.lan.namespace, LAN_ROUTER) as unanswered:
        for _ in range(5):
            assert unanswered.asks(), "no way out"
        equal(counted()[1], before + 1, "the hits with a flow that nobody answers")


def test_hits_are_first_packets_where_it_is_routed(lab):
    dut, network, address = reachable(lab, filter={
        **egress(policy="accept"), **ingress({"action": "accept", "protocol": "udp", "port": 5557})})
    with flow(dut.namespace, lab.lan.namespace, LAN_ROUTER) as out, \
            flow(lab.lan.namespace, dut.namespace, address, 5557) as inward:
        for _ in range(3):
            assert out.asks() and inward.asks() and inward.goes_on() and out.goes_on(), "a way"
    told = network.call("GetFilter")
    equal((told["egress"]["policy_packets"], told["ingress"]["rules"][0]["packets"]), (1, 1),
          "the hits of either direction")
