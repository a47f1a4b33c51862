# SPDX-License-Identifier: GPL-2.0-or-later
"""What GetConnections tells of, and ExpireConnections ends: a network's own, and nobody else's."""

import json

from gi.repository import GLib

from labkit import bus, host, lan, whoami
from labkit.boards import ADDRESS, Boards
from labkit.boards import PORT as BOARD_PORT
from labkit.expect import contains, equal, refused
from labkit.process import run, run_full, wait_for
from labkit.whoami import PORT


def connections(network, **match):
    return network.call("GetConnections", "(a{sv})", bus.settings(match))


def expire(network, **match):
    return network.call("ExpireConnections", "(a{sv})", bus.settings(match))


def count(network):
    return network.get("ConnectionCount")


def tcp(network, **match):
    return [item for item in connections(network, protocol="tcp", **match)
            if item["state"] == "ESTABLISHED"]


def test_they_are_told_of_from_both_sides(lab):
    boards = Boards(lab, 2)
    boards.create_all()
    boards.configure()
    network, public = lab.network("raw1"), boards.public(1)
    equal(connections(network), [], "the connections of a board that has begun none")
    equal(count(network), 0, "ConnectionCount")
    boards.out(0, port=5555)
    boards.out(1, port=5555)
    boards.from_lan(1, port=6666)
    both = sorted(tcp(network), key=lambda item: item["direction"])
    for item in both:
        assert 0 < item.pop("timeout") <= 432000, item
        item.pop("packets", None)
        item.pop("bytes", None)
    port = both[0].pop("public_port")
    assert 1024 <= port <= 65535, port
    equal(both, [
        {"direction": "egress", "protocol": "tcp", "ip": ADDRESS, "port": 5555,
         "public_ip": public, "peer_ip": lan.ROUTER, "peer_port": PORT, "state": "ESTABLISHED"},
        {"direction": "ingress", "protocol": "tcp", "ip": ADDRESS, "port": BOARD_PORT,
         "public_ip": public, "public_port": BOARD_PORT, "peer_ip": lan.NEIGHBOUR,
         "peer_port": 6666, "state": "ESTABLISHED"}], "the two connections")
    equal(count(network), len(connections(network)), "ConnectionCount")
    equal(len(tcp(network, direction="ingress")), 1, "those from the LAN")
    equal(len(tcp(network, ip=boards.duts[1].mac, peer_port=PORT)), 1, "those of a MAC to a port")
    text = run("dutnetctl", "-i", "raw1", "connections", "direction=egress", "protocol=tcp")
    contains(text, f"{ADDRESS}:5555", f"{lan.ROUTER}:{PORT}", "ESTABLISHED")
    listed = json.loads(run("dutnetctl", "-i", "raw1", "--json", "connections", "peer_port=6666"))
    equal([item["public_ip"] for item in listed], [public], "the connection as JSON")


def test_what_is_expired_ends_and_nothing_else(lab):
    boards = Boards(lab, 2)
    boards.create_all()
    boards.configure()
    network = lab.network("raw1")
    flows = [boards.out(1, port=5555), boards.from_lan(1, port=6666), boards.out(0, port=5555)]
    for flow in (flows[0], flows[2]):
        flow.hear()
    before = len(connections(network))
    equal(expire(network, direction="ingress", peer_port=6666), 1, "how many ended")
    equal(len(tcp(network)), 1, "those that are left")
    equal(flows[0].ask(), [boards.source(1)], "the other connection goes on")
    equal(expire(network, peer_ip="10.99.99.99"), 0, "how many ended that are not there")
    equal(int(run("dutnetctl", "-i", "raw1", "expire-connections")), before - 1, "how many ended of all")
    equal(tcp(network), [], "those that are left of all")
    equal(flows[2].ask(), [boards.source(0)], "the other network's connection goes on")


def test_twins_have_their_own(lab):
    boards = Boards(lab, 3)
    boards.create_all()
    boards.configure()
    networks = [lab.network(f"raw{k}") for k in range(3)]
    flows = [boards.out(k) for k in range(3)] + [boards.from_lan(1)]
    for k in range(3):
        equal(flows[k].hear(), [boards.source(k)], f"what the LAN sees of board {k}")
    for k, network in enumerate(networks):
        equal({item["public_ip"] for item in tcp(network)}, {boards.source(k)},
              f"the public addresses of network {k}")
    equal([len(tcp(network)) for network in networks], [1, 2, 1], "how many each has")
    assert expire(networks[1]) >= 2, "the twin's connections did not end"
    equal([len(tcp(network)) for network in networks], [1, 0, 1], "those left without the twin's")
    assert expire(networks[0]) >= 1, "the first network's connections did not end"
    equal([len(tcp(network)) for network in networks], [0, 0, 1], "those left without the first's")
    equal(flows[2].ask(), [boards.source(2)], "the connection of the third goes on")


def test_the_lan_has_the_same_subnet(lab):
    """A host of the LAN is none of the boards, though it has an address like theirs; and what a board
    has with itself is no connection beyond the host."""
    dut = lab.dut()
    network = lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", nat_mode="1to1",
                         dhcp_enabled=False, addresses=[{"ip": "10.77.0.60", "public_ip": lan.FREE[0]}],
                         forwards=[{"port": 2222, "ip": "10.77.0.60", "to_port": PORT}])
    dut.configure("10.77.0.60/24", "10.77.0.254")
    dut.serve()
    by_forward = whoami.Connection(lab.lan.namespace, lan.HOST, 2222, bind=lan.NEIGHBOUR)
    by_mapping = whoami.Connection(lab.lan.namespace, lan.FREE[0])
    with_itself = [whoami.Connection(dut.namespace, lan.FREE[0]),
                   whoami.Connection(dut.namespace, lan.HOST, 2222)]
    out = whoami.Connection(dut.namespace, "8.8.8.8")
    equal(sorted((item["direction"], item["ip"], item["public_ip"], item.get("public_port"),
                  item["peer_ip"]) for item in tcp(network) if item["direction"] == "ingress"),
          [("ingress", "10.77.0.60", lan.FREE[0], PORT, lan.ROUTER),
           ("ingress", "10.77.0.60", lan.HOST, 2222, lan.NEIGHBOUR)], "the connections from the LAN")
    equal([item["peer_ip"] for item in tcp(network, direction="egress")], ["8.8.8.8"], "those of the board")
    equal((count(network), len(tcp(network))), (3, 3), "how many there are")
    equal(expire(network, peer_ip=lan.NEIGHBOUR), 1, "how many of a host of the LAN ended")
    equal(expire(network, direction="ingress"), 1, "how many from the LAN ended")
    equal(tcp(network, direction="ingress"), [], "those from the LAN that are left")
    equal([out.ask_again(), *(flow.ask_again() for flow in with_itself)],
          [lan.FREE[0], *(flow.source for flow in with_itself)], "the sources of those that go on")
    for flow in (by_forward, by_mapping):
        flow.close()


def test_the_lan_comes_to_lie_in_the_subnet(lab):
    """Which makes no twin of what runs: the host goes on reaching both, by the routes."""
    dut = lab.dut()
    network = lab.create(dut, subnet="192.168.0.0/16", gateway_ip="192.168.0.1", dhcp_enabled=False,
                         forwards=[{"port": 2222, "ip": "192.168.0.10", "to_port": PORT}])
    dut.configure("192.168.0.10/16", "192.168.0.1")
    dut.serve()
    lab.lan.run("ip", "address", "add", "192.168.50.60/24", "dev", "lan0")
    lab.undo.callback(lab.lan.run, "ip", "address", "delete", "192.168.50.60/24", "dev", "lan0")
    run("ip", "address", "add", "192.168.50.77/24", "dev", lan.UPSTREAM)
    try:
        has_those_of_the_lan(lab, dut, network)
    finally:
        run("ip", "address", "delete", "192.168.50.77/24", "dev", lan.UPSTREAM)


def has_those_of_the_lan(lab, dut, network):
    flow, forbidden = (whoami.Connection(lab.lan.namespace, "192.168.50.77", 2222) for _ in range(2))
    with_itself = whoami.Connection(dut.namespace, "192.168.50.77", 2222)
    port = flow.sock.getsockname()[1]
    equal(network.status()["twin"], 0, "the number")
    equal({(item["ip"], item["peer_ip"], item["direction"]) for item in tcp(network)},
          {("192.168.0.10", "192.168.50.60", "ingress")}, "the connections")
    equal((count(network), expire(network, peer_port=port)), (2, 1), "how many there are, and end")
    network.call("SetFilter", "(a{sv})", bus.settings({"ingress": {"policy": "drop"}}))
    for ended in (flow, forbidden):
        try:
            ended.ask_again()
        except OSError:
            continue
        raise AssertionError("a connection that is forbidden goes on")
    equal(with_itself.ask_again(), with_itself.source, "the source of what a board has with itself")


def test_what_is_redirected_is_no_boards(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_intercept=True, dns_servers=[lan.ROUTER])
    dut.dhcp()
    equal(dut.dig(lan.NAME, "8.8.8.8"), [lan.NAME_ADDRESS], "the answer to what is intercepted")
    equal((connections(network), count(network), expire(network)), ([], 0, 0), "connections")


def test_a_network_that_is_down_has_none(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    assert dut.reaches(lan.ROUTER), "the DUT has no way out"
    wait_for(lambda: count(network), "the connection is there")
    network.call("Down")
    equal((count(network), connections(network), expire(network)), (0, [], 0), "after Down")
    network.call("Up")


def test_whoever_has_the_subnet_next_inherits_none(lab):
    """Masqueraded ones of the network that has its subnet first: nothing but the subnet tells them
    from others. What is there of it afterwards, the end of every test sees."""
    boards = Boards(lab, 1)
    boards.create_all()
    boards.configure()
    network, flow = lab.network("raw0"), boards.out(0)
    flow.hear()
    assert any(ADDRESS in line for line in host.connections()), "the kernel knows nothing of it"
    network.update(subnet="192.168.44.0/24", gateway_ip="192.168.44.1", addresses=[])
    equal(host.connections(), [], "the connections of the subnet that was")
    network.update(**boards.settings(0))
    flow = boards.out(0, port=5556)
    flow.hear()
    lab.remove("raw0")
    equal(host.connections(), [], "the connections of the network that was")
    assert lab.create("raw0", **boards.settings(0)), "it is there again"
    equal(count(lab.network("raw0")), 0, "ConnectionCount of the next one")


def test_counting_is_for_who_asks(lab):
    dut = lab.dut()
    network = lab.create(dut)
    everything = network.bus.call(network.path, "org.freedesktop.DBus.Properties", "GetAll", "(s)",
                                  bus.NETWORK)
    assert "State" in everything and "ConnectionCount" not in everything, sorted(everything)


def test_what_picks_none_is_refused(lab):
    dut = lab.dut()
    network = lab.create(dut)
    for match, words in (({"peer": "10.0.0.1"}, ("unknown key", "peer")),
                         ({"port": GLib.Variant("u", 70000)}, ("port", "70000")),
                         ({"peer_ip": "10.0.0"}, ("peer_ip", "10.0.0")),
                         ({"direction": "out"}, ("direction", "egress")),
                         ({"protocol": "tpc"}, ("protocol", "tpc")),
                         ({"ip": "10.9.9.9"}, ("10.9.9.9",))):
        for method in ("GetConnections", "ExpireConnections"):
            with refused(bus.INVALID_ARGS, *words):
                network.call(method, "(a{sv})", bus.settings(match))
    with refused(bus.ERROR + "NoSuchLease", "nobody"):
        connections(network, ip="nobody")
    result = run_full("dutnetctl", "expire-connections", "all")
    equal(result.returncode, 2, "the exit code")
    contains(result.stderr, "KEY=VALUE")
