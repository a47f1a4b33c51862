# SPDX-License-Identifier: GPL-2.0-or-later
"""Public addresses of the boards' own."""

import socket

from labkit import bus, host, lan, whoami
from labkit.expect import equal, refused
from labkit.process import run, wait_for

PUBLIC = lan.FREE[0]
OTHER = lan.FREE[1]
PRIVATE = "192.168.100.10"
MAC = "02:00:00:00:00:01"


def mapped(lab, dut, **options):
    """A network with one mapping, and a board that has its address and serves."""
    network = lab.create(dut, nat_mode="1to1",
                         addresses=[{"ip": PRIVATE, "mac": dut.mac, "public_ip": PUBLIC}],
                         **options)
    equal(dut.dhcp()["ip"], PRIVATE, "the board's address")
    dut.serve()
    return network


def upstream_addresses(name="up0"):
    return [item.split()[0] for item in host.addresses()[name][1:]]


def test_lan_sees_the_public_address(lab):
    dut = lab.dut()
    mapped(lab, dut)
    equal(dut.source_at(lan.ROUTER), PUBLIC, "the source of TCP")
    equal(whoami.udp(dut.namespace, lan.ROUTER), PUBLIC, "the source of UDP")


def test_lan_reaches_the_board_by_its_public_address(lab):
    dut = lab.dut()
    mapped(lab, dut)
    equal(lab.lan.source_at(PUBLIC), lan.ROUTER, "the source that the board sees")
    assert lab.lan.pings(PUBLIC), "no answer to a ping"


def test_mapping_without_a_mac_serves_a_static_board(lab):
    dut = lab.dut()
    lab.create(dut, nat_mode="1to1", addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    dut.configure(f"{PRIVATE}/24", "192.168.100.1")
    dut.serve()
    equal(dut.source_at(lan.ROUTER), PUBLIC, "the source")
    equal(lab.lan.source_at(PUBLIC), lan.ROUTER, "the source that the board sees")


def test_board_without_a_mapping_is_masqueraded(lab):
    dut = lab.dut()
    lab.create(dut, nat_mode="1to1", addresses=[{"ip": "192.168.100.50", "public_ip": PUBLIC}])
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_host_reaches_the_board_by_its_public_address(lab):
    dut = lab.dut()
    mapped(lab, dut)
    assert whoami.reaches(None, PUBLIC), "the host does not reach the board by its public address"


def test_public_address_comes_and_goes_with_the_mapping(lab):
    lab.dut()
    network = lab.create("raw0", nat_mode="1to1",
                         addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    assert f"{PUBLIC}/32" in upstream_addresses(), upstream_addresses()
    network.remove_address(PRIVATE)
    assert f"{PUBLIC}/32" not in upstream_addresses(), upstream_addresses()
    assert f"{lan.HOST}/24" in upstream_addresses(), upstream_addresses()


def test_mapping_added_later_holds_at_once(lab):
    dut = lab.dut()
    network = lab.create(dut, nat_mode="1to1", addresses=[{"ip": "192.168.100.50",
                                                           "public_ip": OTHER}])
    dut.configure(f"{PRIVATE}/24", "192.168.100.1")
    dut.serve()
    network.add_address(PRIVATE, public_ip=PUBLIC)
    equal(dut.source_at(lan.ROUTER), PUBLIC, "the source right after the reply")
    equal(lab.lan.source_at(PUBLIC), lan.ROUTER, "the source that the board sees")


def test_adding_a_mapping_disturbs_no_connection(lab):
    dut = lab.dut()
    network = mapped(lab, dut)
    inward = whoami.Connection(lab.lan.namespace, PUBLIC)
    outward = whoami.Connection(dut.namespace, lan.ROUTER)
    for index in range(20):
        network.add_address(f"192.168.100.{50 + index}", public_ip=lan.FREE[2 + index])
        equal(outward.ask_again(), PUBLIC, "the source meanwhile")
        equal(inward.ask_again(), lan.ROUTER, "the source that the board sees meanwhile")
        equal(dut.source_at(lan.ROUTER), PUBLIC, "the source of a new connection")
    inward.close()
    outward.close()


def test_connections_of_a_removed_mapping_end_at_once(lab):
    dut = lab.dut()
    network = mapped(lab, dut)
    connection = whoami.Connection(lab.lan.namespace, PUBLIC)
    network.remove_address(PRIVATE)
    try:
        answer = connection.ask_again()
    except (TimeoutError, OSError):
        answer = None
    connection.close()
    equal(answer, None, "the answer over the removed mapping")
    assert not lab.lan.reaches(PUBLIC), "the public address still leads to the board"


def test_connections_of_other_mappings_stay(lab):
    dut = lab.dut()
    network = mapped(lab, dut)
    network.add_address("192.168.100.50", public_ip=OTHER)
    connection = whoami.Connection(lab.lan.namespace, PUBLIC)
    network.remove_address("192.168.100.50")
    equal(connection.ask_again(), lan.ROUTER, "the source over the mapping that stays")
    connection.close()


def test_mapping_moves_to_another_public_address(lab):
    dut = lab.dut()
    network = mapped(lab, dut)
    network.add_address(PRIVATE, mac=MAC, public_ip=OTHER)
    equal(dut.source_at(lan.ROUTER), OTHER, "the source")
    assert f"{PUBLIC}/32" not in upstream_addresses(), upstream_addresses()
    assert not lab.lan.reaches(PUBLIC), "the old public address still leads to the board"


def test_secondary_address_that_was_there_is_used_and_left(lab):
    dut = lab.dut()
    run("ip", "address", "add", f"{PUBLIC}/24", "dev", "up0")
    lab.undo.callback(run, "ip", "address", "delete", f"{PUBLIC}/24", "dev", "up0")
    lab.remember()
    mapped(lab, dut)
    equal(dut.source_at(lan.ROUTER), PUBLIC, "the source")
    lab.remove(dut)
    assert f"{PUBLIC}/24" in upstream_addresses(), upstream_addresses()


def test_primary_address_of_the_upstream_is_refused_and_stays(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "public_ip", lan.HOST):
        lab.create("raw0", nat_mode="1to1", addresses=[{"ip": PRIVATE, "public_ip": lan.HOST}])
    lab.unchanged()
    network = lab.create("raw0", nat_mode="1to1", addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    with refused(bus.INVALID_ARGS, "public_ip", lan.HOST):
        network.add_address("192.168.100.11", public_ip=lan.HOST)
    assert f"{lan.HOST}/24" in upstream_addresses(), upstream_addresses()


def test_public_addresses_go_to_the_public_interface(lab):
    lab.dut("raw0")
    second = lab.dut("raw1")
    run("ip", "address", "add", "172.20.0.1/24", "dev", "raw1")
    second.configure("172.20.0.2/24")
    lab.remember()
    network = lab.create("raw0", nat_mode="1to1", public_interface="raw1",
                         addresses=[{"ip": PRIVATE, "public_ip": "172.20.0.100"}])
    equal(network.get("PublicInterface"), "raw1", "PublicInterface")
    assert "172.20.0.100/32" in upstream_addresses("raw1"), upstream_addresses("raw1")
    assert "172.20.0.100/32" not in upstream_addresses(), upstream_addresses()


def arp_announcements(sock, address):
    """How many ARP packets with that sender address are waiting at the socket."""
    count = 0
    while True:
        try:
            packet = sock.recv(2048)
        except BlockingIOError:
            return count
        if packet[12:14] == b"\x08\x06" and packet[28:32] == socket.inet_aton(address) \
                and packet[38:42] == socket.inet_aton(address):
            count += 1


def test_public_address_is_announced_twice(lab):
    lab.dut()
    with lab.lan.namespace.entered():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    sock.bind(("lan0", 0x0806))
    sock.setblocking(False)
    lab.create("raw0", nat_mode="1to1", addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    seen = []
    wait_for(lambda: seen.append(arp_announcements(sock, PUBLIC)) or sum(seen) >= 2,
             f"two announcements of {PUBLIC}")
    sock.close()


def test_public_address_of_another_network_is_refused(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.create("raw0", nat_mode="1to1", addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    with refused(bus.ERROR + "AddressInUse", PUBLIC):
        lab.create("raw1", subnet="192.168.101.0/24", gateway_ip="192.168.101.1", nat_mode="1to1",
                   addresses=[{"ip": "192.168.101.10", "public_ip": PUBLIC}])
    equal(sorted(lab.networks()), ["raw0"], "the networks")


def test_public_address_outside_1to1_is_refused(lab):
    lab.dut()
    network = lab.create("raw0")
    with refused(bus.INVALID_ARGS, "public_ip"):
        network.add_address(PRIVATE, public_ip=PUBLIC)


def test_one_to_one_without_any_public_address_is_refused(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "public_ip"):
        lab.create("raw0", nat_mode="1to1")
    with refused(bus.INVALID_ARGS, "public_ip"):
        lab.create("raw0", nat_mode="1to1", addresses=[{"ip": PRIVATE}])
    lab.unchanged()


def test_mappings_survive_a_restart_of_the_daemon(lab):
    dut = lab.dut()
    network = mapped(lab, dut)
    connection = whoami.Connection(lab.lan.namespace, PUBLIC)
    lab.restart_daemon()
    equal(connection.ask_again(), lan.ROUTER, "the source over the open connection")
    network.wait_state("active")
    equal(dut.source_at(lan.ROUTER), PUBLIC, "the source of a new connection")
    network.remove_address(PRIVATE)
    assert f"{PUBLIC}/32" not in upstream_addresses(), upstream_addresses()
    connection.close()


def test_a_thousand_mappings_are_one_rule_each_way(lab):
    lab.dut()
    addresses = [{"ip": f"192.168.{96 + index // 250}.{1 + index % 250}",
                  "public_ip": f"10.88.{index // 250}.{1 + index % 250}"}
                 for index in range(1, 1000)]
    network = lab.create("raw0", subnet="192.168.96.0/20", gateway_ip="192.168.96.1",
                         nat_mode="1to1", dhcp_enabled=False, addresses=addresses[:2])
    few = len([line for line in network.call("GetNatRules").splitlines() if "@" in line])
    network.update(addresses=addresses)
    many = len([line for line in network.call("GetNatRules").splitlines() if "@" in line])
    equal(many, few, "the number of rules that look into a map")


def test_public_address_inside_another_networks_subnet_is_refused(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    network = mapped(lab, first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    with refused(bus.ERROR + "AddressInUse", "public_ip", "192.168.101.55", "raw1"):
        network.add_address("192.168.100.66", public_ip="192.168.101.55")


def test_subnet_around_a_public_address_is_refused(lab):
    first = lab.dut("raw0")
    lab.dut("raw1")
    network = mapped(lab, first)
    network.add_address("192.168.100.66", public_ip="192.168.101.55")
    with refused(bus.ERROR + "AddressInUse", "subnet", "192.168.101.55", "raw0"):
        lab.create("raw1", subnet="192.168.101.0/24", gateway_ip="192.168.101.1")


def test_broadcast_address_of_the_lan_is_no_public_address(lab):
    network = mapped(lab, lab.dut())
    for address in ("10.77.0.255", "10.77.0.0"):
        with refused(bus.INVALID_ARGS, "public_ip", address):
            network.add_address("192.168.100.66", public_ip=address)


def test_public_interface_that_is_not_there_is_said(lab):
    dut = lab.dut()
    network = lab.create(dut, nat_mode="1to1", public_interface="nosuch",
                         addresses=[{"ip": PRIVATE, "public_ip": PUBLIC}])
    equal(network.get("State"), "degraded", "State")
    assert "nosuch" in network.get("Error"), network.get("Error")


def test_loopback_is_neither_upstream_nor_public_interface(lab):
    lab.dut()
    for key in ("upstream_interface", "public_interface"):
        with refused(bus.INVALID_ARGS, key, "lo"):
            lab.create("raw0", **{key: "lo"})
