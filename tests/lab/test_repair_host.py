# SPDX-License-Identifier: GPL-2.0-or-later
"""Knobs, addresses, links and firewalld zones that others change are put back within a second, and a
board's connection lives on. Tables are in test_repair.py."""

import contextlib
import glob
import re
import socket

from labkit import bus, host, lan
from labkit.damage import BOARD, LIMIT, PUBLIC, TABLE, connection, handles, masquerade, one_to_one, \
    put_back
from labkit.expect import equal
from labkit.process import run, stays, wait_for

# Kernel knobs


def knob(name):
    return host.read(f"/proc/sys/net/{name}")


def set_knob(name, value):
    with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
        file.write(str(value))


def test_forwarding_that_is_turned_off_is_turned_on_again(lab):
    forwarding = [f"ipv4/conf/{name}/forwarding" for name in ("raw0", "up0")]
    dut, network = masquerade(lab)
    with connection(dut):
        for name in ("ipv4/ip_forward", *forwarding):
            if name == "ipv4/ip_forward":
                set_knob(name, 1)  # writing what is there already would change nothing
            put_back(lambda name=name: set_knob(name, 0),
                     lambda: all(knob(each) == "1" for each in forwarding), name)
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new connection")
    equal(network.get("State"), "active", "State")
    lab.remove(dut)
    equal([knob(name) for name in forwarding], ["0", "0"], "forwarding afterwards")


def test_forwarding_that_somebody_turned_on_for_all_stays_on(lab):
    """Docker starts after the network came up, and still runs when it goes."""
    dut, _ = masquerade(lab)
    forwarding = [f"ipv4/conf/{name}/forwarding" for name in ("raw0", "up0")]
    set_knob("ipv4/ip_forward", 1)
    try:
        wait_for(lambda: not re.search(r"^found=0", journal_of_forwarding(), re.MULTILINE),
                 "the journal has it")
        lab.restart_daemon()
        lab.remove(dut)
        equal([knob(name) for name in forwarding], ["1", "1"], "forwarding afterwards")
    finally:
        set_knob("ipv4/ip_forward", 0)


def journal_of_forwarding():
    """What the daemon would give back of forwarding."""
    texts = (host.read(path) for path in sorted(glob.glob(f"{host.RUNTIME}/sysctls-*")))
    groups = [group for text in texts for group in text.split("\n[")]
    return "\n".join(group for group in groups if "holders=raw0 forwarding" in group)


def test_knobs_that_nobody_tells_of_are_set_with_the_link(lab):
    dut, _ = masquerade(lab)
    silent = {"ipv4/conf/raw0/send_redirects": "1", "ipv6/conf/raw0/accept_ra": "1"}
    for name, value in silent.items():
        set_knob(name, value)
    with connection(dut):
        run("ip", "address", "delete", "192.168.100.1/24", "dev", "raw0")
        wait_for(lambda: all(knob(name) == "0" for name in silent), "the knobs are set again", LIMIT)
        wait_for(lambda: has_address("raw0", "192.168.100.1/24"), "the address is back", LIMIT)


# Interface and addresses


def has_address(interface, address):
    return any(item.startswith(f"{address} ") for item in host.addresses()[interface])


def is_up(interface):
    return host.addresses()[interface][0] == "UP"


def test_link_and_gateway_address_are_put_back(lab):
    dut, network = masquerade(lab)
    run("ip", "address", "add", "198.51.100.1/24", "dev", "raw0")
    intact = "192.168.100.1/24"
    with connection(dut):
        put_back(lambda: run("ip", "address", "delete", intact, "dev", "raw0"),
                 lambda: has_address("raw0", intact), "the gateway address")
        put_back(lambda: run("ip", "link", "set", "raw0", "down"), lambda: is_up("raw0"), "the link")
        assert has_address("raw0", "198.51.100.1/24"), "an administrator's address was taken away"
        put_back(lambda: run("ip", "-4", "address", "flush", "dev", "raw0"),
                 lambda: has_address("raw0", intact), "the gateway address after a flush")
    equal(network.get("State"), "active", "State")
    dut.dhcp()
    wait_for(lambda: dut.dig_status(lan.NAME, "192.168.100.1") == "NOERROR", "the DNS answers again")


def test_carrier_of_the_board_changes_nothing(lab):
    dut, network = masquerade(lab)
    before, table, pid = host.dump(), handles(*TABLE), network.dnsmasq()
    signals = lab.signals()
    for state in ("down", "up"):
        dut.run("ip", "link", "set", "eth0", state)
        wait_for(lambda state=state: host.read("/sys/class/net/raw0/carrier") == str(
            int(state == "up")), f"the carrier is {state}")
    dut.configure("192.168.100.100/24", "192.168.100.1")
    lab.unchanged(before)
    equal((handles(*TABLE), network.dnsmasq()), (table, pid), "table and dnsmasq")
    equal(signals.matching("PropertiesChanged", network.path), [], "what was told")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def arp_listener(lab):
    sock = lab.lan.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0806))
    sock.bind(("lan0", 0x0806))
    sock.setblocking(False)
    lab.undo.callback(sock.close)
    return sock


def wait_announced(sock, address):
    """ARP requests of the address for itself."""
    def seen():
        with contextlib.suppress(OSError):  # nothing more, or the interface was down
            while True:
                packet = sock.recv(100)
                if packet[28:32] == packet[38:42] == socket.inet_aton(address):
                    return True
        return False
    wait_for(seen, f"{address} is announced", 3)


def test_public_address_is_put_back_and_announced(lab):
    dut, network = one_to_one(lab)
    listener = arp_listener(lab)
    with connection(dut, PUBLIC):
        for command in (("delete", f"{PUBLIC}/32", "dev", "up0"), ("flush", "dev", "up0", "to",
                                                                   f"{PUBLIC}/32")):
            put_back(lambda command=command: run("ip", "address", *command),
                     lambda: has_address("up0", f"{PUBLIC}/32"), "the public address")
            wait_announced(listener, PUBLIC)
    network.remove_address(BOARD)
    stays(lambda: not has_address("up0", f"{PUBLIC}/32"), "our own removal is no damage", 0.2)


def test_public_address_survives_a_reactivation(lab):
    dut, network = one_to_one(lab)
    with connection(dut, PUBLIC):
        run("nmcli", "connection", "up", host.network_manager()["up0"][1])
        wait_for(lab.lan.is_up, "the upstream is up again", 15)
        wait_for(lambda: has_address("up0", f"{PUBLIC}/32"), "the public address is back", 3)
        network.wait_state("active")


def test_public_address_is_announced_when_the_carrier_is_back(lab):
    dut, _ = one_to_one(lab)
    dut.serve()
    # The two announcements of the creation are over.
    first = arp_listener(lab)
    wait_announced(first, PUBLIC)
    listener = arp_listener(lab)
    lab.lan.run("ip", "link", "set", "lan0", "down")
    wait_for(lambda: host.read("/sys/class/net/up0/carrier") == "0", "the carrier is gone")
    lab.lan.run("ip", "link", "set", "lan0", "up")
    wait_announced(listener, PUBLIC)
    equal(lab.lan.source_at(PUBLIC), lan.ROUTER, "the source that the board sees of the LAN")


# firewalld, by its bus interface: firewall-cmd takes half a second


FIREWALLD = "org.fedoraproject.FirewallD1"
FIREWALLD_PATH = "/org/fedoraproject/FirewallD1"


def zone_call(lab, method, *arguments):
    return lab.bus.call(FIREWALLD_PATH, f"{FIREWALLD}.zone", method, f"({'s' * len(arguments)})",
                        *arguments, name=FIREWALLD)


def start_firewalld(lab):
    lab.undo.callback(run, "systemctl", "stop", "firewalld.service")
    run("systemctl", "start", "firewalld.service")
    equal(lab.bus.get(FIREWALLD_PATH, FIREWALLD, "state", name=FIREWALLD), "RUNNING", "its state")


def zone_of_interface(lab):
    try:
        return zone_call(lab, "getZoneOfInterface", "raw0")
    except bus.BusError:
        return None  # between two firewalls


def wait_in_zone(lab, what):
    wait_for(lambda: zone_of_interface(lab) == "dut-network", what, 15)


def test_firewalld_that_comes_and_goes(lab):
    dut, network = masquerade(lab)
    with connection(dut):
        start_firewalld(lab)
        wait_in_zone(lab, "a firewalld that started later knows the interface")
        zone_call(lab, "removeInterface", "dut-network", "raw0")
        lab.bus.call(FIREWALLD_PATH, FIREWALLD, "reload", name=FIREWALLD)
        wait_in_zone(lab, "it knows it again after a reload")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new connection")
        dut.dhcp()
        run("systemctl", "stop", "firewalld.service")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source without firewalld")
    equal(network.get("State"), "active", "State")


def test_firewalld_that_restarts(lab):
    """With it is forgotten the zone that the interface had before."""
    dut = lab.dut()
    start_firewalld(lab)
    zone_call(lab, "addInterface", "work", "raw0")
    lab.create(dut)
    equal(zone_of_interface(lab), "dut-network", "the zone")
    dut.dhcp()
    with connection(dut):
        run("systemctl", "restart", "firewalld.service")
        wait_in_zone(lab, "it is in our zone again")
        dut.dhcp()
    lab.remove(dut)
    equal(zone_of_interface(lab), "", "the zone afterwards")
    run("systemctl", "stop", "firewalld.service")
