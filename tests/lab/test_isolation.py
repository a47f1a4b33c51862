# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be unreachable is."""

import socket
import struct

from labkit import host, lan, whoami
from labkit.expect import equal
from labkit.process import run, wait_for

FIRST = "192.168.100"
SECOND = "192.168.101"


def send_forged(namespace, destination, mac, interface, source=lan.NEIGHBOUR):
    """One UDP packet to port 7779 over Ethernet, past the sender's own routing."""
    sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    payload = b"forged"
    udp = struct.pack("!HHHH", 5000, 7779, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:]
    own = bytes.fromhex("020000770001")
    sock.send(bytes.fromhex(mac.replace(":", "")) + own + b"\x08\x00" + head + udp)
    sock.close()


def datagram_socket(namespace):
    """Of None: the host's."""
    return namespace.socket(kind=socket.SOCK_DGRAM) if namespace else \
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def receives(dut, send):
    """Whether a UDP packet to port 7779 arrives at the board once send() is called."""
    return hears(dut.namespace, send)


def hears(namespace, send):
    """The same of whoever it is."""
    sock = datagram_socket(namespace)
    sock.bind(("0.0.0.0", 7779))
    sock.settimeout(0.3)
    with sock:
        send()
        try:
            return sock.recv(100) == b"forged"
        except TimeoutError:
            return False


def send_from(namespace, address):
    """One UDP packet to port 7779, by the sender's own routing; of None: the host's."""
    with datagram_socket(namespace) as sock:
        sock.sendto(b"forged", (address, 7779))


def closed_one_way(dut, address, *senders):
    """Not even a packet that needs no answer arrives from any of the senders; the host's does."""
    for sender in senders:
        assert not receives(dut, lambda sender=sender: send_from(sender, address)), \
            f"a packet of {sender.name} to {address} arrives"
    assert receives(dut, lambda: send_from(None, address)), \
        "not even the host's packet arrives, so this proves nothing"


def two_networks(lab, **options):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first, **options)
    lab.create(second, subnet=f"{SECOND}.0/24", gateway_ip=f"{SECOND}.1", **options)
    for dut in (first, second):
        dut.dhcp()
        dut.serve()
    return first, second


def test_lan_host_with_a_route_does_not_reach_a_board(lab):
    dut = lab.dut()
    lab.create(dut)
    address = dut.dhcp()["ip"]
    dut.serve()
    lab.lan.add_route(f"{FIRST}.0/24")
    lab.undo.callback(lab.lan.remove_route, f"{FIRST}.0/24")
    assert not lab.lan.reaches(address), "TCP from the LAN reaches the board"
    assert not lab.lan.pings(address), "a ping from the LAN reaches the board"
    closed_one_way(dut, address, lab.lan.namespace)
    assert whoami.reaches(None, address), "nobody reaches the board, so this proves nothing"


def test_lan_host_with_a_route_does_not_reach_a_mapped_boards_private_address(lab):
    dut = lab.dut()
    lab.create(dut, nat_mode="1to1",
               addresses=[{"ip": f"{FIRST}.10", "mac": dut.mac, "public_ip": lan.FREE[0]}])
    dut.dhcp()
    dut.serve()
    lab.lan.add_route(f"{FIRST}.0/24")
    lab.undo.callback(lab.lan.remove_route, f"{FIRST}.0/24")
    assert not lab.lan.reaches(f"{FIRST}.10"), "the private address is reached from the LAN"
    closed_one_way(dut, f"{FIRST}.10", lab.lan.namespace)
    assert lab.lan.reaches(lan.FREE[0]), "the public one is not"


def test_boards_of_two_networks_do_not_reach_each_other(lab):
    first, second = two_networks(lab)
    for board, other in ((first, second), (second, first)):
        address = other.lease()["ip"]
        assert not board.reaches(address), f"{board.name} reaches {address} by TCP"
        assert not board.pings(address), f"{board.name} pings {address}"
        closed_one_way(other, address, board.namespace)
        equal(board.source_at(lan.ROUTER), lan.HOST, "the source, so the board is up")


def test_board_does_not_reach_a_mapped_board_of_another_network(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first, nat_mode="1to1",
               addresses=[{"ip": f"{FIRST}.10", "mac": first.mac, "public_ip": lan.FREE[0]}])
    lab.create(second, subnet=f"{SECOND}.0/24", gateway_ip=f"{SECOND}.1")
    for dut in (first, second):
        dut.dhcp()
        dut.serve()
    assert lab.lan.reaches(lan.FREE[0]), "the LAN does not reach it either, so this proves nothing"
    for address in (f"{FIRST}.10", lan.FREE[0]):
        assert not second.reaches(address), f"{address} of the other network is reached"
    closed_one_way(first, f"{FIRST}.10", second.namespace)
    assert not receives(first, lambda: send_from(second.namespace, lan.FREE[0])), \
        "a packet to the public address arrives"


def test_gateway_answers_on_its_own_nic_alone(lab):
    first, second = two_networks(lab)
    assert first.pings(f"{FIRST}.1"), "its own gateway does not answer"
    assert not first.pings(f"{SECOND}.1"), "the other network's gateway answers"
    assert not second.pings(f"{FIRST}.1"), "the other network's gateway answers"
    lab.lan.add_route(f"{FIRST}.0/24")
    lab.undo.callback(lab.lan.remove_route, f"{FIRST}.0/24")
    assert not lab.lan.pings(f"{FIRST}.1"), "the gateway answers to the LAN"


def test_gateway_is_not_answered_for_by_arp_elsewhere(lab):
    first, second = two_networks(lab)
    assert first.arping(f"{FIRST}.1"), "nobody answers on its own wire"
    assert not second.arping(f"{FIRST}.1"), "another board's wire answers for it"
    done = lab.lan.namespace.run_full("busybox", "arping", "-c", 1, "-w", 1, "-I", "lan0",
                                      f"{FIRST}.1")
    assert done.returncode != 0, "the LAN gets an ARP answer for the gateway address"


def test_dns_answers_its_own_board_alone(lab):
    first, second = two_networks(lab, dns_entries=[{"hostname": "secret.test", "ip": "1.2.3.4"}])
    equal(first.dig("secret.test", f"{FIRST}.1"), ["1.2.3.4"], "the answer on its own wire")
    equal(second.dig_status("secret.test", f"{FIRST}.1"), "", "the answer to another board")
    lab.lan.add_route(f"{FIRST}.0/24")
    lab.undo.callback(lab.lan.remove_route, f"{FIRST}.0/24")
    done = lab.lan.namespace.run_full("dig", f"@{FIRST}.1", "+tries=1", "+time=1", "secret.test")
    assert done.returncode != 0, f"the LAN got an answer: {done.stdout}"
    done = lab.lan.namespace.run_full("dig", f"@{lan.HOST}", "+tries=1", "+time=1", "secret.test")
    assert done.returncode != 0, f"the LAN got an answer on the host's address: {done.stdout}"


def test_dns_answers_nobody_at_another_address_of_the_nic(lab):
    first, second = two_networks(lab, dns_entries=[{"hostname": "secret.test", "ip": "1.2.3.4"}])
    run("ip", "address", "add", "10.99.0.1/24", "dev", "raw0")
    lab.undo.callback(run, "ip", "address", "delete", "10.99.0.1/24", "dev", "raw0", expect=(0, 2))
    lab.network(first).update(dns_servers=["8.8.8.8"])      # its dnsmasq starts again
    lab.lan.add_route("10.99.0.0/24")
    lab.undo.callback(lab.lan.remove_route, "10.99.0.0/24")
    equal(second.dig_status("secret.test", "10.99.0.1"), "", "the answer to another board")
    done = lab.lan.namespace.run_full("dig", "@10.99.0.1", "+tries=1", "+time=1", "secret.test")
    assert done.returncode != 0, f"the LAN got an answer: {done.stdout}"
    run("ip", "address", "delete", "10.99.0.1/24", "dev", "raw0")


def test_other_networks_of_the_host_are_closed_both_ways(lab):
    dut = lab.dut("raw0")
    guest = lab.dut("raw9")
    run("ip", "address", "add", "172.19.0.1/24", "dev", "raw9")
    guest.configure("172.19.0.2/24", "172.19.0.1")
    guest.serve()
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.raw9.forwarding=1")
    lab.remember()
    lab.create(dut)
    address = dut.dhcp()["ip"]
    dut.serve()
    assert not dut.reaches("172.19.0.2"), "the board reaches another network of the host"
    assert not guest.reaches(address), "another network of the host reaches the board"
    closed_one_way(dut, address, guest.namespace)
    assert not receives(guest, lambda: send_from(dut.namespace, "172.19.0.2")), \
        "a packet of the board reaches another network of the host"
    assert not guest.pings(f"{FIRST}.1"), "another network of the host reaches the gateway"


def test_network_without_translation_is_guarded_where_the_upstream_forwards(lab):
    plain, forwarding = lab.dut("raw0"), lab.dut("raw1")
    lab.create(plain, nat_mode="disabled")
    lab.create(forwarding, subnet=f"{SECOND}.0/24", gateway_ip=f"{SECOND}.1")
    address = plain.dhcp()["ip"]
    forwarding.dhcp()
    plain.run("ip", "neighbour", "flush", "all")
    assert not receives(plain, lambda: send_forged(lab.lan.namespace, address, lan.HOST_MAC,
                                                   "lan0")), "a packet of the LAN reaches it"
    assert receives(plain, lambda: send_from(None, address)), \
        "not even the host reaches it, so this proves nothing"
    assert not plain.reaches(lan.ROUTER), "the board without translation reaches the LAN"
    lab.remove(forwarding)
    wait_for(lambda: "raw1" not in lab.networks(), "the other network has gone")


def test_route_of_a_boards_own_leads_nowhere(lab):
    first, second = two_networks(lab)
    first.run("ip", "route", "add", f"{SECOND}.0/24", "via", f"{FIRST}.1")
    assert not first.reaches(second.lease()["ip"]), "the other board is reached"
    assert not first.pings(f"{SECOND}.1"), "the other network's gateway answers"
    assert first.pings(f"{FIRST}.1"), "its own gateway does not answer"


def test_board_does_not_become_the_hosts_router(lab):
    lab.dut()
    lab.create("raw0")
    knobs = {name: open(f"/proc/sys/net/{name}", encoding="ascii").read().strip() for name in (
        "ipv6/conf/raw0/accept_ra", "ipv6/conf/raw0/accept_redirects",
        "ipv4/conf/raw0/send_redirects", "ipv4/conf/raw0/accept_redirects")}
    equal(set(knobs.values()), {"0"}, f"the values of {knobs}")


def host_hears(dut, source):
    """Whether the host hears a UDP packet that the board sends to it from an address of its choice."""
    dut.run("ip", "address", "replace", f"{source}/32", "dev", "eth0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard, \
            dut.namespace.socket(kind=socket.SOCK_DGRAM) as sender:
        heard.bind((f"{FIRST}.1", 7779))
        heard.settimeout(0.3)
        sender.bind((source, 0))
        sender.sendto(b"forged", (f"{FIRST}.1", 7779))
        try:
            return heard.recvfrom(100)[1][0] == source
        except TimeoutError:
            return False


def test_forged_source_does_not_reach_the_host(lab):
    dut = lab.dut()
    network = lab.create(dut)
    own = dut.dhcp()["ip"]
    for mode in ("masquerade", "disabled"):
        network.update(nat_mode=mode)
        assert host_hears(dut, own), "not even the board's own address is heard"
        for forged in (lan.ROUTER, "172.31.1.1"):
            assert not host_hears(dut, forged), f"the host hears the board as {forged} ({mode})"


def test_gateways_own_address_is_no_boards(lab):
    """The kernel itself does not look (accept_local)."""
    dut = lab.dut()
    lab.create(dut)
    own = dut.dhcp()["ip"]
    mac = host.read("/sys/class/net/raw0/address").strip()
    assert dut.reaches(lan.ROUTER), "the board does not reach the LAN"
    for namespace, address in ((None, f"{FIRST}.1"), (None, lan.HOST), (lab.lan.namespace, lan.ROUTER)):
        for source in (own, f"{FIRST}.1"):
            equal(hears(namespace, lambda source=source, address=address: send_forged(
                dut.namespace, address, mac, "eth0", source)), source == own,
                f"whether {address} hears the board as {source}")


def test_no_address_of_the_hosts_is_a_boards(lab):
    """Of a twin of the LAN's own subnet the host has more than the gateway address."""
    dut = lab.dut()
    lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", dhcp_range_start="10.77.0.100",
               dhcp_range_end="10.77.0.200")
    own = dut.dhcp()["ip"]
    mac = host.read("/sys/class/net/raw0/address").strip()
    for namespace, address in ((None, "10.77.0.254"), (lab.lan.namespace, "8.8.8.8")):
        for source in (own, "10.77.0.254", lan.HOST):
            equal(hears(namespace, lambda source=source, address=address: send_forged(
                dut.namespace, address, mac, "eth0", source)), source == own,
                f"whether {address} hears the board as {source}")


def send_as(namespace, source, destination):
    """One from port 5000, as send_forged() does; of None: the host's."""
    with datagram_socket(namespace) as sock:
        sock.bind((source, 5000))
        sock.sendto(b"forged", (destination, 7779))


def test_nobody_joins_anothers_connection(lab):
    """What a board has begun, and the host with the gateway's address, goes on for them alone."""
    first, second = two_networks(lab)
    own = {dut: dut.lease()["ip"] for dut in (first, second)}
    macs = {dut: host.read(f"/sys/class/net/{dut.name}/address").strip() for dut in (first, second)}
    router = lab.lan.namespace
    for namespace, source in ((first.namespace, own[first]), (None, f"{FIRST}.1")):
        for _ in range(2):
            assert hears(router, lambda: send_as(namespace, source, lan.ROUTER)), \
                f"the LAN does not hear {source}, so this proves nothing"
    for dut, source in ((second, own[first]), (first, f"{FIRST}.1"), (second, f"{FIRST}.1")):
        assert not hears(router, lambda: send_forged(dut.namespace, lan.ROUTER, macs[dut], "eth0", source)), \
            f"the LAN hears {dut.name} in the connection of {source}"
    assert hears(router, lambda: send_forged(first.namespace, lan.ROUTER, macs[first], "eth0", own[first])), \
        "what is sent so is heard where it is the board's own"


def test_host_hears_its_own_groups_on_a_boards_nic(lab):
    """As a responder of multicast DNS does."""
    lab.dut()
    lab.create("raw0")
    gateway, group = socket.inet_aton(f"{FIRST}.1"), "239.7.7.7"
    with datagram_socket(None) as heard, datagram_socket(None) as sender:
        heard.bind((group, 7779))
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + gateway)
        heard.settimeout(1)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, gateway)
        sender.sendto(b"group", (group, 7779))
        equal(heard.recv(100), b"group", "what the host hears of itself")
