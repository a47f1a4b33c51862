# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of the host that lead to boards, by real connections: from the LAN, the host and the boards."""

import contextlib
import json
import os
import shutil
import socket
import time

from labkit import bus, host, lan, whoami
from labkit.damage import without_owner
from labkit.expect import contains, equal, refused
from labkit.name_server import NameServer, SERVER
from labkit.process import run, run_full, stays, wait_for
from labkit.whoami import PORT

BOARD, OTHER = "192.168.100.10", "192.168.100.11"
GATEWAY = "192.168.100.1"
SECOND = {"subnet": "192.168.101.0/24", "gateway_ip": "192.168.101.1"}
EXTRA = "10.77.0.60"


def forward(port=2222, ip=BOARD, to_port=PORT, **more):
    return {"port": port, "ip": ip, "to_port": to_port, **more}


def board(lab, dut=None, **settings):
    dut = dut or lab.dut()
    network = lab.create(dut, **settings)
    dut.configure(f"{BOARD}/24", GATEWAY)
    dut.serve()
    return dut, network


def lan_udp(lab, address, port):
    with contextlib.suppress(OSError):
        return whoami.udp(lab.lan.namespace, address, port)
    return None


def ended(flow):
    try:
        flow.ask_again()
    except OSError:
        return
    raise AssertionError("a connection goes on")


def who_answers(duts, namespace, port):
    """The boards that have a connection to the port of the host."""
    flow = whoami.Connection(namespace, lan.HOST, port)
    try:
        port = flow.sock.getsockname()[1]
        return [dut.name for dut in duts
                if dut.run("ss", "-tnH", "state", "established", f"dport = :{port}")]
    finally:
        flow.close()


# Where it is reached from


def test_from_the_lan(lab):
    board(lab, forwards=[forward()])
    equal(lab.lan.source_at(lan.HOST, 2222), lan.ROUTER, "the source that the board sees")
    assert not lab.lan.reaches(lan.HOST, 2223), "a port beside it is open"
    assert not lab.lan.reaches(lan.HOST, PORT), "the board's own port is open on the host"
    equal(lan_udp(lab, lan.HOST, 2222), None, "the answer of UDP")


def test_from_the_host_itself(lab):
    board(lab, forwards=[forward(), forward(5000, protocol="udp")])
    equal(whoami.tcp(None, lan.HOST, 2222), lan.HOST, "the source that the board sees")
    equal(whoami.udp(None, lan.HOST, 5000), lan.HOST, "the same by UDP")
    assert not whoami.reaches(None, "127.0.0.1", 2222), "the loopback leads to the board"


def test_at_every_address_of_the_host(lab):
    board(lab, forwards=[forward()])
    run("ip", "address", "add", f"{EXTRA}/24", "dev", lan.UPSTREAM)
    run("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
    lab.lan.run("ip", "route", "add", "10.99.0.1", "via", lan.HOST)
    try:
        for address in (lan.HOST, EXTRA, "10.99.0.1"):
            equal(lab.lan.source_at(address, 2222), lan.ROUTER, f"the source by {address}")
            assert whoami.reaches(None, address, 2222), f"the host does not reach it by {address}"
    finally:
        lab.lan.run("ip", "route", "delete", "10.99.0.1")
        run("ip", "address", "delete", "10.99.0.1/32", "dev", "lo")
        run("ip", "address", "delete", f"{EXTRA}/24", "dev", lan.UPSTREAM)


def test_not_at_a_gateway_address(lab):
    dut, other = lab.dut("raw0"), lab.dut("raw1")
    board(lab, dut, forwards=[forward()])
    lab.create(other, **SECOND)
    other.configure("192.168.101.10/24", SECOND["gateway_ip"])
    lab.lan.add_route("192.168.100.0/23")
    try:
        for address in (GATEWAY, SECOND["gateway_ip"]):
            assert not lab.lan.reaches(address, 2222), f"the LAN reaches the board by {address}"
            assert not whoami.reaches(None, address, 2222), f"the host reaches it by {address}"
    finally:
        lab.lan.remove_route("192.168.100.0/23")
    assert not dut.reaches(GATEWAY, 2222), "the board reaches itself by its gateway"
    assert not other.reaches(SECOND["gateway_ip"], 2222), "another network's board does by its own"


def test_boards_of_the_network_but_of_no_other(lab):
    dut, other = lab.dut("raw0"), lab.dut("raw1")
    board(lab, dut, forwards=[forward()])
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    lab.create(other, **SECOND)
    other.configure("192.168.101.10/24", SECOND["gateway_ip"])
    assert other.reaches(lan.ROUTER), "the other board does not reach the LAN"
    equal(dut.source_at(lan.HOST, 2222), GATEWAY, "the source that the board itself is seen with")
    assert not other.reaches(lan.HOST, 2222), "another network's board gets in by a forward"
    other.run("ip", "route", "replace", BOARD, "via", SECOND["gateway_ip"])
    assert not other.reaches(BOARD, PORT), "another network's board gets in directly"


# What is led where


def test_ranges_and_udp(lab):
    dut, _ = board(lab, forwards=[forward("2000-2010", to_port="3000-3010", protocol="udp"),
                                  {"port": "4000-4002", "ip": BOARD},
                                  forward(7, protocol="udp")])
    for port in (3000, 3005, 3010, 4000, 4002):
        dut.serve(port)
    for port, there in ((1999, False), (2000, True), (2005, True), (2010, True), (2011, False), (7, True)):
        equal(lan_udp(lab, lan.HOST, port), lan.ROUTER if there else None, f"the answer at UDP port {port}")
    for port, there in ((3999, False), (4000, True), (4002, True), (4003, False), (2000, False)):
        equal(lab.lan.reaches(lan.HOST, port), there, f"whether TCP port {port} is reached")


def test_two_boards_by_two_ports(lab):
    dut, _ = board(lab, forwards=[forward(), forward(2223, OTHER), forward(2224, BOARD, PORT + 1)])
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    dut.serve(PORT + 1)
    for port in (2222, 2223, 2224):
        with whoami_flow(lab, port) as flow:
            local = dut.run("ss", "-tnH", "state", "established", f"dport = :{flow.sock.getsockname()[1]}")
            wanted = {2222: f"{BOARD}:{PORT}", 2223: f"{OTHER}:{PORT}", 2224: f"{BOARD}:{PORT + 1}"}[port]
            contains(local, wanted)


@contextlib.contextmanager
def whoami_flow(lab, port):
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, port)
    try:
        yield flow
    finally:
        flow.close()


def test_from(lab):
    """Who may use it; one port leads elsewhere for others."""
    dut, network = board(lab, forwards=[forward(**{"from": lan.ROUTER}),
                                        forward(2223, **{"from": "10.77.0.0/24"}),
                                        forward(2224, **{"from": "10.78.0.0/16"}),
                                        forward(2222, OTHER, PORT, **{"from": lan.NEIGHBOUR})])
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")

    def reaches(source, port):
        try:
            whoami.tcp(lab.lan.namespace, lan.HOST, port, bind=source)
            return True
        except OSError:
            return False
    equal([reaches(lan.ROUTER, port) for port in (2222, 2223, 2224)], [True, True, False], "the router's ports")
    equal([reaches(lan.NEIGHBOUR, port) for port in (2222, 2223, 2224)], [True, True, False], "the neighbour's")
    equal(reaches(lan.NAME_ADDRESS, 2222), False, "whether a third one reaches 2222")
    equal([whoami.reaches(None, lan.HOST, port) for port in (2222, 2223)], [False, True], "the host's own")
    for source, address in ((lan.ROUTER, BOARD), (lan.NEIGHBOUR, OTHER)):
        flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222, bind=source)
        contains(dut.run("ss", "-tnH", "state", "established", f"dport = :{flow.sock.getsockname()[1]}"),
                 f"{address}:{PORT}")
        flow.close()
    network.remove_forward(2222, **{"from": lan.ROUTER})
    equal((reaches(lan.ROUTER, 2222), reaches(lan.NEIGHBOUR, 2222)), (False, True), "who is left")


def test_beside_mappings(lab):
    """A public address is the board's whole: forwards are of the host's others."""
    dut, network = board(lab, nat_mode="1to1", addresses=[{"ip": BOARD, "public_ip": lan.FREE[0]}],
                         forwards=[forward(), forward(PORT, OTHER, PORT + 1)])
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    equal(lab.lan.source_at(lan.HOST, 2222), lan.ROUTER, "the source by the forward")
    assert lab.lan.reaches(lan.FREE[0]), "the public address does not lead to the board"
    assert not lab.lan.reaches(lan.FREE[0], 2222), "a forward is at a public address"
    equal(dut.source_at(lan.ROUTER), lan.FREE[0], "the source of what the board begins")
    by_public = whoami.Connection(lab.lan.namespace, lan.FREE[0])
    by_forward = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    network.remove_forward(2222)
    ended(by_forward)
    equal(by_public.ask_again(), lan.ROUTER, "the source of a connection that is the mapping's")


def test_ingress_filter_holds(lab):
    rules = [{"action": "accept", "protocol": "tcp", "port": PORT, "source": lan.NEIGHBOUR}]
    board(lab, forwards=[forward()], filter={"ingress": {"policy": "drop", "rules": rules}})
    space = lab.lan.namespace
    equal(whoami.tcp(space, lan.HOST, 2222, bind=lan.NEIGHBOUR), lan.NEIGHBOUR, "the source that is let in")
    assert not lab.lan.reaches(lan.HOST, 2222), "a forward goes past the filter"
    assert whoami.reaches(None, lan.HOST, 2222), "the host itself is held off"
    network = lab.network("raw0")
    network.call("SetFilter", "(a{sv})", bus.settings({}))
    flow = whoami.Connection(space, lan.HOST, 2222)
    network.call("SetFilter", "(a{sv})", bus.settings({"ingress": {"policy": "drop", "rules": []}}))
    ended(flow)


def test_twins_have_their_own(lab):
    """The same inner address behind two NICs, reached from everywhere by two ports."""
    duts = [lab.dut(f"raw{k}") for k in range(3)]
    for k, dut in enumerate(duts):
        lab.create(dut, forwards=[forward(2200 + k), forward(2300 + k, protocol="udp")])
        dut.configure(f"{BOARD}/24", GATEWAY)
        dut.serve()
    for k, dut in enumerate(duts):
        for space in (lab.lan.namespace, None):
            equal(who_answers(duts, space, 2200 + k), [dut.name], f"who answers at {2200 + k} of {space}")
        equal(lan_udp(lab, lan.HOST, 2300 + k), lan.ROUTER, f"the answer at UDP port {2300 + k}")
        assert dut.reaches(lan.ROUTER), f"{dut.name} does not reach the LAN"
        assert dut.reaches(lan.HOST, 2200 + k), f"{dut.name} does not reach itself"
        assert not dut.reaches(lan.HOST, 2200 + (k + 1) % 3), f"{dut.name} gets into another network"
    flows = [whoami.Connection(lab.lan.namespace, lan.HOST, 2200 + k) for k in range(3)]
    lab.network("raw1").remove_forward(2201)
    ended(flows[1])
    equal([flows[k].ask_again() for k in (0, 2)], [lan.ROUTER] * 2, "the others' connections")


# Names


def test_name_follows_its_lease(lab):
    dut = lab.dut()
    network = lab.create(dut, forwards=[forward(ip="Board")], dhcp_range_start="192.168.100.50")
    shown = {"protocol": "tcp", "port": 2222, "to_port": PORT, "hostname": "board", "in_force": False}
    equal(network.get("Forwards"), [shown], "Forwards without a lease")
    equal(network.get("State"), "active", "the state")
    dut.serve()
    signals = lab.signals()
    address = dut.dhcp(hostname="board")["ip"]
    equal(address, "192.168.100.50", "the lease")
    wait_for(lambda: lab.lan.reaches(lan.HOST, 2222), "the forward leads to the board", 1)
    signals.wait("PropertiesChanged", network.path, lambda _interface, _changed, gone: "Forwards" in gone)
    equal(network.get("Forwards"), [{**shown, "ip": address, "in_force": True}], "Forwards with a lease")
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    network.add_address("192.168.100.77", mac=dut.mac, hostname="board")
    wait_for(lambda: network.get("Forwards")[0].get("ip") == "192.168.100.77", "it follows the entry", 1)
    ended(flow)
    equal(dut.dhcp(hostname="board")["ip"], "192.168.100.77", "the new lease")
    assert lab.lan.reaches(lan.HOST, 2222), "the forward does not lead to the new address"
    network.remove_address("192.168.100.77")
    network.add_dns("board", "192.168.100.77")
    equal(network.get("Forwards")[0].get("ip"), "192.168.100.77", "where a DNS entry leads to")
    network.add_dns("board", "10.1.1.1")
    equal("ip" in network.get("Forwards")[0], False, "whether it leads out of the subnet")
    assert not lab.lan.reaches(lan.HOST, 2222), "a name of elsewhere is led to"
    network.update(dns_entries=[{"hostname": "board", "ip": "192.168.100.78"}])
    equal(network.get("Forwards")[0].get("ip"), "192.168.100.78", "where an updated DNS entry leads to")


def test_name_of_the_lan(lab):
    """Of the host's resolver, where the network has none: asked again by its TTL, and good as long as it
    lies in the subnet. A name server that is silent holds nothing up."""
    dut, network = board(lab)
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    names = NameServer(lab, **{"shelf.lab.example": BOARD})

    def leads_to(address, deadline=6):
        wait_for(lambda: network.get("Forwards")[0].get("ip") == address, f"it leads to {address}", deadline)
    network.add_forward(2222, "shelf.lab.example", to_port=PORT)
    leads_to(BOARD)
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    for end in (lab.restart_daemon, lab.kill_daemon):
        end()
        network.wait_state("active")
        leads_to(BOARD)
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection after a restart")
    names.serve({"shelf.lab.example": OTHER})
    leads_to(OTHER)
    ended(flow)
    equal(lab.lan.source_at(lan.HOST, 2222), lan.ROUTER, "the source by the name")
    names.serve({"shelf.lab.example": lan.NEIGHBOUR})
    leads_to(None)
    equal(network.get("State"), "active", "the state")
    names.serve({"shelf.lab.example": BOARD})
    leads_to(BOARD)
    names.stop()
    silent = names.namespace.socket(kind=socket.SOCK_DGRAM)
    silent.bind((SERVER, 53))
    begin = time.monotonic()
    network.add_forward(2223, "other.lab.example")
    network.get("Forwards")
    assert time.monotonic() - begin < 0.5, "a call waits for a name server"
    stays(lambda: network.get("Forwards")[0].get("ip") == BOARD, "the last answer holds", 3)
    lab.restart_daemon()
    network.wait_state("active")
    stays(lambda: network.get("Forwards")[0].get("ip") == BOARD, "it holds over a restart", 3)
    assert lab.lan.reaches(lan.HOST, 2222), "the forward leads nowhere after a restart"
    silent.close()
    network.add_dns("shelf.lab.example", OTHER)
    equal(network.get("Forwards")[0]["ip"], OTHER, "what the network's own name comes before")


# Changed while it runs


def test_added_and_removed(lab):
    _, network = board(lab)
    before = network.call("GetNatRules")
    signals = lab.signals()
    network.add_forward(2222, BOARD, to_port=PORT)
    told = {"protocol": "tcp", "port": 2222, "ip": BOARD, "to_port": PORT, "in_force": True}
    equal(signals.wait("ForwardAdded", network.path), (told,), "ForwardAdded")
    signals.wait("PropertiesChanged", network.path, lambda _interface, _changed, gone: "Forwards" in gone)
    equal(network.get("Forwards"), [told], "Forwards")
    equal(network.status()["forwards"], [told], "GetStatus")
    flows = [whoami.Connection(space, lan.HOST, 2222) for space in (lab.lan.namespace, None)]
    network.add_forward(2223, BOARD, to_port=PORT)
    other = whoami.Connection(lab.lan.namespace, lan.HOST, 2223)
    for flow in flows:
        assert flow.ask_again(), "a connection ended when another forward came"
    network.call("RemoveForward", "(a{sv})", bus.settings(told))
    equal(signals.wait("ForwardRemoved", network.path)[0]["port"], 2222, "ForwardRemoved")
    for flow in flows:
        ended(flow)
    equal(other.ask_again(), lan.ROUTER, "the source of the other's connection")
    assert not lab.lan.reaches(lan.HOST, 2222), "what was removed is open"
    network.remove_forward(2223)
    ended(other)
    equal(network.call("GetNatRules"), before, "the rules without any forward")


def test_replaced(lab):
    dut, network = board(lab, forwards=[forward(), forward(2223)])
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    flow, kept = (whoami.Connection(lab.lan.namespace, lan.HOST, port) for port in (2222, 2223))
    network.add_forward(2222, OTHER, to_port=PORT)
    ended(flow)
    equal(kept.ask_again(), lan.ROUTER, "the other's connection")
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    contains(dut.run("ss", "-tnH", "state", "established", f"dport = :{flow.sock.getsockname()[1]}"),
             f"{OTHER}:{PORT}")
    equal(len(network.get("Forwards")), 2, "how many there are")


def test_update_touches_what_differs(lab):
    _, network = board(lab, forwards=[forward(), forward("3000-3010", to_port=f"{PORT}-{PORT + 10}")])
    stays_flow, goes = (whoami.Connection(lab.lan.namespace, lan.HOST, port) for port in (3000, 2222))
    network.update(forwards=[forward("3000-3001", to_port=f"{PORT}-{PORT + 1}")])
    equal(stays_flow.ask_again(), lan.ROUTER, "a connection that both have led")
    ended(goes)
    network.update(forwards=[])
    ended(stays_flow)
    equal(network.get("Forwards"), [], "Forwards")


def test_a_sender_that_came_before_is_led(lab):
    """Connection tracking decides by the first packet; a sender of UDP does not stop."""
    dut, network = board(lab)
    with lab.lan.namespace.socket(kind=socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        sock.bind((lan.ROUTER, 0))
        sock.sendto(b"?", (lan.HOST, 5000))
        with contextlib.suppress(OSError):
            sock.recv(100)
        network.add_forward(5000, BOARD, to_port=PORT, protocol="udp")
        sock.sendto(b"?", (lan.HOST, 5000))
        equal(sock.recv(100).decode().strip(), lan.ROUTER, "the answer from the same port")


# Whose the port is


def test_port_of_another_network(lab):
    dut, _ = lab.dut("raw0"), lab.dut("raw1")
    _, network = board(lab, dut, forwards=[forward("2000-2010", to_port="3000-3010")])
    with refused(bus.ERROR + "AddressInUse", "tcp port 2005", "network raw0"):
        lab.create("raw1", **SECOND, forwards=[forward(2005, "192.168.101.10")])
    equal(list(lab.networks()), ["raw0"], "the networks")
    second = lab.create("raw1", **SECOND, forwards=[forward(2005, "192.168.101.10", protocol="udp")])
    with refused(bus.ERROR + "AddressInUse", "tcp port 2010", "network raw0"):
        second.add_forward(2010, "192.168.101.10")
    with refused(bus.ERROR + "AddressInUse", "tcp port 2000", "network raw0"):
        second.update(forwards=[forward(2000, "192.168.101.10", **{"from": "10.0.0.0/8"})])
    equal(len(second.get("Forwards")), 1, "how many the second one has")
    network.remove_forward("2000-2010")
    second.add_forward(2010, "192.168.101.10")


def listener(lab, address="0.0.0.0", port=2222, kind=socket.SOCK_STREAM, family=socket.AF_INET):
    sock = socket.socket(family, kind)
    lab.undo.callback(sock.close)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    if kind == socket.SOCK_STREAM:
        sock.listen(5)
    return sock


def test_port_that_a_program_listens_on(lab):
    dut, _ = lab.dut("raw0"), lab.dut("raw1")
    _, network = board(lab, dut)
    for address, kind, family, protocol in (
            ("0.0.0.0", socket.SOCK_STREAM, socket.AF_INET, "tcp"),
            (lan.HOST, socket.SOCK_STREAM, socket.AF_INET, "tcp"),
            ("::", socket.SOCK_STREAM, socket.AF_INET6, "tcp"),
            ("0.0.0.0", socket.SOCK_DGRAM, socket.AF_INET, "udp")):
        sock = listener(lab, address, 2222, kind, family)
        with refused(bus.ERROR + "AddressInUse", "2222", "listens"):
            network.add_forward(2222, BOARD, protocol=protocol)
        with refused(bus.ERROR + "AddressInUse", "2222", "listens"):
            network.update(forwards=[forward("2220-2230", to_port="2220-2230", protocol=protocol)])
        equal(network.get("Forwards"), [], "Forwards")
        other = {"tcp": "udp", "udp": "tcp"}[protocol]
        network.add_forward(2222, BOARD, protocol=other)
        network.remove_forward(2222, protocol=other)
        sock.close()
    listener(lab, "127.0.0.1")
    network.add_forward(2222, BOARD, to_port=PORT)
    assert lab.lan.reaches(lan.HOST, 2222), "a program on the loopback is in the way"
    network.add_forward(53, BOARD, protocol="udp")
    network.add_forward(53, BOARD)
    sock = listener(lab, port=2300)
    with refused(bus.ERROR + "AddressInUse", "2300", "listens"):
        lab.create("raw1", **SECOND, forwards=[forward(2300, "192.168.101.10")])
    equal(list(lab.networks()), ["raw0"], "the networks")


def test_at_boot_nobody_is_asked(lab):
    """A port that is taken leaves the network as it is without the forward, until it is free."""
    dut = lab.dut()
    lab.configure("board.yaml", f"interface: raw0\nforwards:\n  - {{port: 2222, ip: {BOARD}, to_port: {PORT}}}\n"
                  f"  - {{port: 2223, ip: {BOARD}, to_port: {PORT}}}\n")
    lab.stop_daemon()
    sock = listener(lab)
    lab.start_daemon()
    network = lab.network(dut)
    network.wait_state("degraded")
    contains(network.get("Error"), "tcp port 2222", "listens")
    dut.configure(f"{BOARD}/24", GATEWAY)
    dut.serve()
    assert lab.lan.reaches(lan.HOST, 2223), "the other forward is not in force"
    first = network.get("Forwards")[0]
    equal(first["in_force"], False, "whether it is in force")
    contains(first["error"], "listens")
    client = lab.lan.namespace.socket()
    client.connect((lan.HOST, 2222))
    sock.accept()[0].close()
    network.update(dhcp_lease_time="3h")
    sock.close()
    network.wait_state("active", deadline=8)
    equal(lab.lan.source_at(lan.HOST, 2222), lan.ROUTER, "the source once it is free")


# What it is beside


def test_survives_the_daemon(lab):
    dut, network = board(lab, forwards=[forward()])
    network.add_forward(2223, BOARD, to_port=PORT, **{"from": "10.77.0.0/24"})
    network.add_forward("3000-3005", "late", protocol="udp")
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    before, rules = network.get("Forwards"), host.ruleset()
    for end in (lab.restart_daemon, lab.kill_daemon):
        end()
        wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
        equal(network.get("Forwards"), before, "Forwards")
        equal(host.ruleset(), rules, "the rule set")
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection meanwhile")
        assert lab.lan.reaches(lan.HOST, 2223), "the other forward is gone"
    network.call("Down")
    ended(flow)
    assert not lab.lan.reaches(lan.HOST, 2222), "a network that is down is reached"
    equal(network.get("Forwards")[0]["in_force"], False, "in_force of a network that is down")
    network.call("Up")
    assert lab.lan.reaches(lan.HOST, 2222), "up again the forward is gone"


def test_one_that_an_earlier_life_has_put_is_removed(lab):
    """Where something is in the way of looking after the network, which stays up."""
    egress = {"policy": "drop", "rules": [{"destination": "a.test", "action": "accept"}]}
    _, network = board(lab, forwards=[forward(), forward(2223)], filter={"egress": egress})
    program = shutil.which("dnsmasq")
    lab.stop_daemon()
    os.rename(program, f"{program}.away")
    with contextlib.ExitStack() as undo:
        undo.callback(os.rename, f"{program}.away", program)
        lab.start_daemon()
        network.wait_state("degraded")
        assert lab.lan.reaches(lan.HOST, 2222), "the forward is gone"
        network.remove_forward(2222)
        assert not lab.lan.reaches(lan.HOST, 2222), "what has been removed is reached"
        assert lab.lan.reaches(lan.HOST, 2223), "the other forward is gone"
        equal(network.get("State"), "degraded", "State: nothing has been proved")
    network.wait_state("active")
    equal([item["port"] for item in network.get("Forwards")], [2223], "the ports")


def test_name_that_moved_while_nobody_looked(lab):
    """What an earlier life has put is where connections were led to, whatever the name is now."""
    first, second = "192.168.100.50", "192.168.100.51"
    some = {"from": "10.77.0.0/28"}
    dut = lab.dut()
    network = lab.create(dut, dhcp_range_start=first, forwards=[
        forward(ip="board"), forward("2300-2301", "board", "22-23", protocol="udp"),
        forward(2223, "board", **some), forward(2224, first, **some),
        forward("7770-7779", first, "7770-7779")])
    dut.serve()
    equal(dut.dhcp(hostname="board")["ip"], first, "the lease")
    wait_for(lambda: lab.lan.reaches(lan.HOST, 2222), "the forward leads to the board", 1)
    by_name, by_address = ([whoami.Connection(lab.lan.namespace, lan.HOST, port) for port in ports]
                           for ports in ((2222, 2223), (2224, PORT)))
    lab.restart_daemon()
    network.wait_state("active")
    for flow in by_name + by_address:
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection after a restart")
    lab.stop_daemon()
    dut.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:99")
    equal(dut.dhcp(hostname="board")["ip"], second, "the lease of the board that has the name now")
    dut.run("ip", "address", "add", f"{first}/24", "dev", "eth0")
    run("ip", "neighbour", "flush", "dev", "raw0")
    for flow in by_name + by_address:
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection while there is no daemon")
    lab.start_daemon()
    wait_for(lambda: network.get("State") == "active", "the network is active again")
    equal([item["ip"] for item in network.get("Forwards")], [second] * 3 + [first] * 2, "where they lead")
    for flow in by_name:
        ended(flow)
    for flow in by_address:
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection by the address")


def test_one_that_is_put_and_not_written_down(lab):
    """As when the daemon is killed in between: its connections end when there is one again."""
    board(lab, forwards=[forward(), forward(2223, **{"from": "10.77.0.0/24"})])
    lab.stop_daemon()
    for kind, key in (("", "2300"), ("_from", "2301 . 10.77.0.0/28")):
        run("nft", "add", "element", "ip", "jumpstarter_raw0", f"forwarded_tcp{kind}", f"{{ {key} }}")
        run("nft", "add", "element", "ip", "jumpstarter_raw0", f"forwards_tcp{kind}",
            f"{{ {key} : {BOARD} . {PORT} }}")
    stay, end = ([whoami.Connection(lab.lan.namespace, lan.HOST, port) for port in ports]
                 for ports in ((2222, 2223), (2300, 2301)))
    lab.start_daemon()
    lab.network("raw0").wait_state("active")
    for flow in end:
        ended(flow)
    for flow in stay:
        equal(flow.ask_again(), lan.ROUTER, "the source of a connection that is led as before")


def test_those_of_a_file_and_of_the_bus(lab):
    """What the bus has changed outlives a reload and a boot."""
    dut = lab.dut()
    lab.configure("board.yaml", f"interface: raw0\nforwards:\n  - {{port: 1, ip: {BOARD}}}\n  - {{port: 2, ip: {BOARD}}}\n")
    lab.reload()
    network = lab.network(dut)
    network.remove_forward(1)
    network.add_forward(3, BOARD)

    def ports():
        return [item["port"] for item in network.get("Forwards")]
    equal(ports(), [2, 3], "the ports")
    lab.reload()
    equal(ports(), [2, 3], "the ports after a reload")
    lab.restart_daemon()
    network.wait_state("active")
    equal(ports(), [2, 3], "the ports after a restart")
    lab.configure("board.yaml", f"interface: raw0\nforwards:\n  - {{port: 2, ip: {BOARD}}}\n  - {{port: 4, ip: {BOARD}}}\n")
    lab.reload()
    equal(sorted(ports()), [2, 3, 4], "the ports after the file has changed")


def test_goes_with_the_network(lab):
    dut, _ = board(lab, forwards=[forward(), forward(2223, "late")])
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    lab.remove(dut)
    ended(flow)
    lab.unchanged()


def test_rules_are_put_back(lab):
    """Somebody else's flush, where the tables have no owner."""
    without_owner(lab)
    _, network = board(lab, forwards=[forward()])
    before = host.ruleset()
    run("nft", "flush", "ruleset")
    wait_for(lambda: lab.lan.reaches(lan.HOST, 2222), "the forward is there again", 3)
    wait_for(lambda: host.ruleset() == before, "the rule set is as it was", 3)
    run("nft", "delete", "element", "ip", "jumpstarter_raw0", "forwards_tcp", "{ 2222 }")
    network.add_forward(2223, BOARD, to_port=PORT)
    for port in (2222, 2223):
        wait_for(lambda: lab.lan.reaches(lan.HOST, port), f"port {port} is reached", 3)


def test_one_more_is_no_more_rules(lab):
    _, network = board(lab, forwards=[forward()])

    def rules():
        return [line for line in run("nft", "--stateless", "list", "table", "ip", "jumpstarter_raw0").splitlines()
                if " counter" in line]
    before = rules()
    network.add_forward("4000-4099", BOARD)
    network.add_forward(2223, BOARD, **{"from": lan.ROUTER}, protocol="udp")
    equal(rules(), before, "the rules")


def test_with_firewalld(lab):
    dut = lab.dut()
    run("systemctl", "start", "firewalld.service")
    lab.undo.callback(run, "systemctl", "stop", "firewalld.service")
    wait_for(lambda: run("firewall-cmd", "--state", expect=None).strip() == "running", "firewalld runs", 10)
    wait_for(lambda: "up0" in run("firewall-cmd", "--get-active-zones", expect=None),
             "firewalld knows the upstream", 10)
    run("firewall-cmd", "--zone=dut-network", "--add-interface=primed0")
    run("firewall-cmd", "--zone=dut-network", "--remove-interface=primed0")
    lab.remember()
    lab.create(dut, forwards=[forward()])
    dut.configure(f"{BOARD}/24", GATEWAY)
    dut.serve()
    equal(lab.lan.source_at(lan.HOST, 2222), lan.ROUTER, "the source past firewalld")
    assert whoami.reaches(None, lan.HOST, 2222), "the host does not reach the board"


# What is refused


def test_bad_input_changes_nothing(lab):
    _, network = board(lab, forwards=[forward()])
    before, rules = network.get("Forwards"), host.ruleset()
    for value, words in (
            ({"port": 0, "ip": BOARD}, ("port", "0")), ({"port": 70000, "ip": BOARD}, ("port", "70000")),
            ({"port": "20-10", "ip": BOARD}, ("port", "20-10")), ({"ip": BOARD}, ("port", "missing")),
            ({"port": 1}, ("ip", "missing")), ({"port": 1, "ip": "10.0.0.1"}, ("ip", "10.0.0.1", "outside")),
            ({"port": 1, "ip": GATEWAY}, ("ip", GATEWAY)), ({"port": 1, "ip": "192.168.100.255"}, ("ip",)),
            ({"port": 1, "ip": "a b"}, ("ip", "a b")), ({"port": 1, "ip": BOARD, "protocol": "sctp"}, ("sctp",)),
            ({"port": 1, "ip": BOARD, "from": "10.0.0.1/8"}, ("from", "10.0.0.1/8")),
            ({"port": 1, "ip": BOARD, "from": "fd00::/64"}, ("from", "fd00::/64")),
            ({"port": 1, "ip": BOARD, "to_port": "1-2"}, ("to_port", "1-2")),
            ({"port": "2220-2230", "ip": BOARD}, ("port", "2220-2230", "2222")),
            ({"port": 1, "ip": BOARD, "tport": 1}, ("tport",))):
        with refused(bus.INVALID_ARGS, *words):
            network.call("AddForward", "(a{sv})", bus.settings(value))
        with refused(bus.INVALID_ARGS, "forwards", *words):
            network.update(forwards=[forward(), value])
    with refused(bus.ERROR + "LimitExceeded", "16384"):
        network.add_forward("10000-30000", BOARD)
    with refused(bus.ERROR + "NoSuchEntry", "udp port 2222"):
        network.remove_forward(2222, protocol="udp")
    with refused(bus.INVALID_ARGS, "nat_mode", "disabled"):
        network.update(nat_mode="disabled")
    equal((network.get("Forwards"), host.ruleset()), (before, rules), "what is in force")
    assert lab.lan.reaches(lan.HOST, 2222), "the forward is gone"


def test_thousands_of_ports(lab):
    dut, network = board(lab, forwards=[{"port": "10000-20000", "ip": BOARD, "protocol": "udp"},
                                        {"port": "20001-22000", "ip": BOARD, "from": "10.77.0.0/24"}])
    dut.serve(19999)
    dut.serve(21999)
    equal(lan_udp(lab, lan.HOST, 19999), lan.ROUTER, "the answer")
    assert lab.lan.reaches(lan.HOST, 21999), "a port of the range is not reached"
    network.remove_forward("10000-20000", protocol="udp")
    equal(lan_udp(lab, lan.HOST, 19999), None, "the answer without it")


def test_command(lab):
    _, network = board(lab)
    run("dutnetctl", "add-forward", "2222", f"{BOARD}:{PORT}")
    run("dutnetctl", "add-forward", "udp/3000-3005", f"{BOARD}:4000-4005", "--from", "10.77.0.0/24")
    run("dutnetctl", "add-forward", "tcp/80", "shelf")
    assert lab.lan.reaches(lan.HOST, 2222), "the forward is not there"
    lines = [line.split() for line in run("dutnetctl", "forwards").splitlines()]
    equal(lines[1][:3], ["tcp", "2222", f"{BOARD}:{PORT}"], "the first one shown")
    contains(" ".join(lines[2]), "udp", "3000-3005", f"{BOARD}:4000-4005", "10.77.0.0/24")
    contains(" ".join(lines[3]), "tcp", "80", "shelf", "no lease or entry")
    contains(run("dutnetctl", "status"), "Forwards (3)")
    equal([item["port"] for item in json.loads(run("dutnetctl", "--json", "forwards"))], [2222, "3000-3005", 80],
          "as JSON")
    exported = run("dutnetctl", "export")
    contains(exported, "forwards:", 'ip: "shelf"')
    lab.write("/tmp/exported.yaml", exported)
    run("dutnetctl", "check", "/tmp/exported.yaml")
    run("dutnetctl", "remove-forward", "tcp/2222")
    run("dutnetctl", "remove-forward", "udp/3000-3005", "--from", "10.77.0.0/24")
    equal([item["port"] for item in network.get("Forwards")], [80], "what is left")
    done = run_full("dutnetctl", "remove-forward", "2222")
    equal(done.returncode, 1, "the exit code of what is not there")
    contains(done.stderr, "tcp port 2222")
    for words in (("add-forward", "x", BOARD), ("add-forward", "sctp/1", BOARD), ("add-forward", "1")):
        equal(run_full("dutnetctl", *words).returncode, 2, f"the exit code of {words}")
    run("dutnetctl", "update", "forwards=")
    equal(network.get("Forwards"), [], "Forwards")
