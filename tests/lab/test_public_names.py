# SPDX-License-Identifier: GPL-2.0-or-later
"""Public addresses that are given by name."""

import socket
import time

from labkit import bus, host, lan
from labkit.expect import contains, equal, refused
from labkit.name_server import NameServer, SERVER
from labkit.process import run, wait_for

NAME = "board7.lab.example"
IP = "192.168.100.10"


def create(lab, *entries, **options):
    return lab.create("raw0", nat_mode="1to1", addresses=list(entries), **options)


def entry_of(network, ip=IP):
    return next(entry for entry in network.get("Addresses") if entry["ip"] == ip)


def wait_public(network, address, ip=IP, deadline=6):
    wait_for(lambda: entry_of(network, ip).get("public_ip") == address,
             f"{ip} has the public address {address}: {entry_of(network, ip)}, "
             f"{network.get('Error')}", deadline)


def on_upstream(address):
    return any(item.startswith(f"{address}/32 ") for item in host.addresses()["up0"])


def test_a_name_is_followed(lab):
    dut = lab.dut()
    names = NameServer(lab, **{NAME: lan.FREE[0]})
    network = create(lab, {"ip": IP, "mac": dut.mac, "public_ip": NAME})
    signals = lab.signals()
    wait_public(network, lan.FREE[0])
    equal(entry_of(network)["public_name"], NAME, "public_name")
    dut.dhcp()
    dut.serve()
    wait_for(lambda: lab.lan.reaches(lan.FREE[0]), "the DUT is reached by what its name is")
    equal(dut.source_at(lan.ROUTER), lan.FREE[0], "what the LAN sees")
    network.wait_state("active")

    names.serve({NAME: lan.FREE[1]})
    wait_public(network, lan.FREE[1])
    signals.wait("AddressChanged", network.path,
                 lambda entry: entry.get("public_ip") == lan.FREE[1])
    equal(dut.source_at(lan.ROUTER), lan.FREE[1], "what the LAN sees then")
    assert not on_upstream(lan.FREE[0]), "the old address is still on the host"

    names.serve({})
    wait_for(lambda: "public_ip" not in entry_of(network), "the address goes with the name", 6)
    network.wait_state("degraded")
    contains(network.get("Error"), "public_ip", NAME)
    assert not on_upstream(lan.FREE[1]), "the address is still on the host"
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the DUT has a way out all the same")
    names.serve({NAME: lan.FREE[1]})
    wait_public(network, lan.FREE[1], deadline=40)
    network.wait_state("active")


def test_nobody_waits_for_a_name(lab):
    lab.dut()
    names = NameServer(lab)
    names.stop()
    silent = names.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((SERVER, 53))
    lab.undo.callback(silent.close)
    began = time.monotonic()
    network = create(lab, {"ip": IP, "public_ip": NAME})
    network.add_address("192.168.100.11", public_ip="other.lab.example")
    network.add_dns("more.lab", IP)
    equal(len(network.get("Addresses")), 2, "the entries")
    took = time.monotonic() - began
    assert took < 0.9, f"the calls took {took} seconds"
    network.wait_state("degraded", deadline=10)
    contains(network.get("Error"), NAME)
    silent.close()
    names.serve({NAME: lan.FREE[0], "other.lab.example": lan.FREE[1]})
    wait_public(network, lan.FREE[0], deadline=40)
    wait_public(network, lan.FREE[1], "192.168.100.11", deadline=40)
    network.wait_state("active")


def test_the_last_answer_holds_over_a_restart(lab):
    lab.dut()
    names = NameServer(lab, **{NAME: lan.FREE[0]})
    network = create(lab, {"ip": IP, "public_ip": NAME})
    wait_public(network, lan.FREE[0])
    names.stop()
    lab.restart_daemon()
    network.wait_state("active")
    equal(entry_of(network)["public_ip"], lan.FREE[0], "public_ip")
    network.call("Down")
    network.call("Up")
    network.wait_state("active")
    assert on_upstream(lan.FREE[0]), host.addresses()["up0"]
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon is back", 10)
    names.serve({NAME: lan.FREE[1]})
    wait_public(network, lan.FREE[1], deadline=40)


def test_what_a_name_cannot_be_is_said(lab):
    lab.dut()
    names = NameServer(lab, **{NAME: lan.NEIGHBOUR})
    network = create(lab, {"ip": IP, "public_ip": NAME})
    for address, words in ((lan.NEIGHBOUR, "in use"), (lan.HOST, "primary address"),
                           ("192.168.100.77", "inside the subnet"), ("127.0.0.1", "can have")):
        names.serve({NAME: address})
        wait_for(lambda words=words: words in network.get("Error"),
                 f"the error tells of {address}: {network.get('Error')}", 10)
        contains(network.get("Error"), NAME)
        equal(network.get("State"), "degraded", "State")
        assert "public_ip" not in entry_of(network), entry_of(network)
    names.serve({NAME: lan.FREE[0]})
    wait_public(network, lan.FREE[0], deadline=10)
    network.wait_state("active")


def test_entries_with_names_are_changed_as_others(lab):
    lab.dut()
    NameServer(lab, **{NAME: lan.FREE[0], "other.lab.example": lan.FREE[1]})
    network = create(lab, {"ip": IP, "public_ip": NAME})
    wait_public(network, lan.FREE[0])
    network.add_address(IP, public_ip=NAME, hostname="board")
    equal(entry_of(network), {"ip": IP, "hostname": "board", "public_ip": lan.FREE[0],
                              "public_name": NAME}, "the entry, still with its address")
    with refused(bus.INVALID_ARGS, NAME, "already"):
        network.add_address("192.168.100.11", public_ip=NAME.upper())
    with refused(bus.INVALID_ARGS, "public_ip", "10.0.0.300"):
        network.add_address("192.168.100.11", public_ip="10.0.0.300")
    network.add_address(IP, public_ip="other.lab.example")
    wait_public(network, lan.FREE[1])
    text = run("dutnetctl", "export")
    contains(text, f'public_ip: "{lan.FREE[1]}"', 'public_name: "other.lab.example"')
    contains(run("dutnetctl", "status"), f"{lan.FREE[1]} (other.lab.example)")
    network.add_address(IP)
    equal(entry_of(network), {"ip": IP}, "the entry without a name")
    time.sleep(2.5)  # an answer that was under way changes nothing
    equal(entry_of(network), {"ip": IP}, "the entry without a name")
    network.wait_state("active")
    network.update(addresses=[{"ip": IP, "public_ip": NAME}])
    wait_public(network, lan.FREE[0])
    network.update(addresses=[{"ip": IP, "public_ip": lan.FREE[2], "public_name": NAME}])
    wait_public(network, lan.FREE[0])
    network.update(addresses=[{"ip": "192.168.100.12", "public_ip": NAME}])
    wait_public(network, lan.FREE[0], "192.168.100.12")
    network.wait_state("active")
    network.update(nat_mode="masquerade", addresses=[])
    assert not on_upstream(lan.FREE[0]), host.addresses()["up0"]
