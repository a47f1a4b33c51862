# SPDX-License-Identifier: GPL-2.0-or-later
"""Public addresses out of a pool, and asking the LAN before any public address is taken."""

import collections
import itertools
import json
import socket
import struct
import subprocess
import threading
import time

from gi.repository import Gio, GLib

from labkit import bus, host, lan
from labkit.bus import BusError, settings
from labkit.expect import equal, lacks, refused
from labkit.process import pump, run, wait_for

IN_USE = bus.ERROR + "AddressInUse"
LIMIT = bus.ERROR + "LimitExceeded"
POOL = lan.FREE[:4]
POOL_TEXT = f"{POOL[0]}-{POOL[-1]}"
SO_TIMESTAMPNS = 35
BROADCAST = b"\xff" * 6

Arp = collections.namedtuple("Arp", "sender target usec")


def mac(number):
    return f"02:00:00:00:01:{number:02x}"


def ip(number, net=100):
    return f"192.168.{net}.{number}"


def board(number, net=100, public_ip="auto"):
    return {"ip": ip(number, net), "mac": mac(number), "public_ip": public_ip}


def create(lab, name="raw0", net=100, **options):
    options.setdefault("public_pool", POOL_TEXT)
    return lab.create(name, nat_mode="1to1", subnet=f"192.168.{net}.0/24", **options)


def chosen(network):
    """ip -> public address, of the entries whose address is the pool's choice."""
    return {entry["ip"]: entry["public_ip"] for entry in network.get("Addresses")
            if entry.get("public_auto")}


def on_upstream(address, name="up0"):
    return any(item.startswith(f"{address}/32 ") for item in host.addresses()[name])


def lan_mac(lab):
    return json.loads(lab.lan.run("ip", "-json", "link", "show", "lan0"))[0]["address"]


def take(lab, address):
    """The LAN's first host gets one more address. Returns its MAC."""
    lab.lan.run("ip", "address", "add", f"{address}/32", "dev", "lan0")
    lab.undo.callback(lab.lan.run, "ip", "address", "delete", f"{address}/32", "dev", "lan0")
    return lan_mac(lab)


class Witness:
    """All ARP requests that reach the LAN's first host."""

    def __init__(self, lab):
        self.sock = lab.lan.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                             socket.ntohs(0x0806))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind(("lan0", 0x0806))
        self.sock.setblocking(False)
        self.seen = []
        lab.undo.callback(self.sock.close)

    def read(self):
        while True:
            try:
                packet, extra, _, _ = self.sock.recvmsg(100, 100)
            except BlockingIOError:
                return self.seen
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            if packet[20:22] == b"\0\1" and packet[6:12] == bytes.fromhex(
                    lan.HOST_MAC.replace(":", "")):
                self.seen.append(Arp(socket.inet_ntoa(packet[28:32]),
                                     socket.inet_ntoa(packet[38:42]),
                                     seconds * 10**6 + nanoseconds // 1000))

    def probes(self, address=None):
        return [arp for arp in self.read()
                if arp.sender == "0.0.0.0" and address in (None, arp.target)]

    def announcements(self, address):
        return [arp for arp in self.read() if arp.sender == arp.target == address]


class Calls:
    """Calls that are under way at the same time; `ended` is the order of their ends."""

    def __init__(self):
        self.ended = []
        self.errors = {}

    def begin(self, key, network, method, signature, *arguments):
        network.bus.connection.call(
            bus.NAME, network.path, bus.NETWORK, method, GLib.Variant(signature, arguments), None,
            Gio.DBusCallFlags.NONE, 20000, None, self._end, key)

    def _end(self, connection, result, key):
        try:
            connection.call_finish(result)
        except GLib.Error as error:
            self.errors[key] = Gio.DBusError.get_remote_error(error)
        self.ended.append(key)

    def wait(self, count):
        wait_for(lambda: pump() or len(self.ended) >= count, f"{count} calls have ended", 10)


# Asking first


def test_address_of_a_host_on_the_lan_is_refused(lab):
    lab.dut()
    holder = lan_mac(lab)
    with refused(IN_USE, lan.NEIGHBOUR, holder, "up0"):
        create(lab, addresses=[board(10, public_ip=lan.FREE[9]),
                               board(11, public_ip=lan.NEIGHBOUR)])
    lab.unchanged()
    network = create(lab, addresses=[board(10, public_ip=lan.FREE[9])])
    before = host.dump()
    with refused(IN_USE, lan.NEIGHBOUR, holder):
        network.add_address(ip(11), public_ip=lan.NEIGHBOUR)
    with refused(IN_USE, lan.NEIGHBOUR, holder):
        network.update(addresses=[board(10, public_ip=lan.NEIGHBOUR)])
    lab.unchanged(before)
    equal([entry["public_ip"] for entry in network.get("Addresses")], [lan.FREE[9]], "the entries")
    assert lab.lan.pings(lan.NEIGHBOUR), "the host that has the address has lost it"


def test_the_one_host_of_two_that_has_it_is_named(lab):
    lab.dut()
    first = take(lab, lan.FREE[8])
    lab.undo.callback(lab.lan.add_second_host(lan.FREE[9]).delete)
    second = lan.SECOND_MAC
    for address, holder in ((lan.FREE[8], first), (lan.FREE[9], second)):
        with refused(IN_USE, address, holder) as refusal:
            create(lab, addresses=[board(10, public_ip=address)])
        lacks(refusal.message, second if holder == first else first)


def test_address_that_another_host_probes_for_is_refused(lab):
    lab.dut()
    with lab.lan.namespace.entered():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind(("lan0", 0))
    source = bytes.fromhex("020000000a0a")
    packet = BROADCAST + source + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + source \
        + bytes(10) + socket.inet_aton(lan.FREE[8])
    stopped = threading.Event()

    def probe():
        while not stopped.wait(0.02):
            sock.send(packet)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        with refused(IN_USE, lan.FREE[8], "02:00:00:00:0a:0a"):
            create(lab, addresses=[board(10, public_ip=lan.FREE[8])])
    finally:
        stopped.set()
        thread.join()
        sock.close()


def test_twenty_addresses_are_probed_in_the_time_of_one(lab):
    lab.dut()
    witness = Witness(lab)
    addresses = lan.FREE[:20]
    network = create(lab, addresses=[board(10 + index, public_ip=address)
                                     for index, address in enumerate(addresses)])
    probes = witness.probes()
    equal({address: len(witness.probes(address)) for address in addresses},
          dict.fromkeys(addresses, 3), "the probes of each")
    took = probes[-1].usec - probes[0].usec
    assert took < 750000, f"the probes of 20 addresses took {took} us, and one takes 100000"
    for address in addresses:
        assert wait_for(lambda address=address: witness.announcements(address),
                        f"{address} is announced", 2)[0].usec > probes[-1].usec, \
            f"{address} is announced before its probes are over"
    network.remove_address(ip(10))
    with_more = len(witness.probes())
    network.add_address(**board(10, public_ip=addresses[0]))
    equal(len(witness.probes()), with_more + 3, "the probes, with those of one more")
    equal(len(witness.probes(addresses[0])), 6, "the probes of that one")


def test_calls_of_one_burst_are_probed_together(lab):
    lab.dut()
    network = create(lab, addresses=[])
    calls, witness = Calls(), Witness(lab)
    take(lab, lan.FREE[15])
    for index in range(20):
        calls.begin(index, network, "AddAddress", "(sa{sv})", ip(10 + index),
                    settings({"public_ip": lan.FREE[index]}))
    calls.begin("name", network, "AddDnsEntry", "(ss)", "name.lab", ip(10))
    calls.wait(21)
    equal(calls.errors, {15: IN_USE}, "what was refused")
    equal([key for key in calls.ended if key != 15], [*range(15), *range(16, 20), "name"],
          "the order of the answers")
    probes = witness.probes()
    # A burst that comes in two parts has two probes; one after the other would be twenty.
    assert probes[-1].usec - probes[0].usec < 900000, "the addresses were probed one by one"
    equal(sorted(entry["public_ip"] for entry in network.get("Addresses")),
          sorted(set(lan.FREE[:20]) - {lan.FREE[15]}), "the public addresses")


def test_board_that_is_in_a_burst_twice_keeps_its_address(lab):
    lab.dut()
    network = create(lab, addresses=[board(10)])
    before = chosen(network)
    calls = Calls()
    entry = settings({"mac": mac(11), "public_ip": "auto"})
    calls.begin(0, network, "RemoveAddress", "(s)", ip(10))
    for key, number in ((1, 11), (2, 11), (3, 10), (4, 10)):
        calls.begin(key, network, "AddAddress", "(sa{sv})", ip(number),
                    settings({"mac": mac(number), "public_ip": "auto"}))
    calls.begin(5, network, "RemoveAddress", "(s)", ip(11))
    calls.begin(6, network, "AddAddress", "(sa{sv})", ip(11), entry)
    calls.wait(7)
    equal(calls.errors, {}, "what was refused")
    after = chosen(network)
    equal(after[ip(10)], before[ip(10)], "the address of the one that was removed")
    lab.remove("raw0")
    network = create(lab, addresses=[board(10), board(11)])
    equal(chosen(network), after, "the addresses in a network made again")


def test_probe_holds_up_no_other_network(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    first, second = create(lab, addresses=[]), lab.create("raw1", subnet="192.168.101.0/24")
    calls = Calls()
    calls.begin("probed", first, "AddAddress", "(sa{sv})", ip(10), settings({"public_ip": "auto"}))
    calls.begin("after it", first, "AddDnsEntry", "(ss)", "name.lab", ip(10))
    calls.begin("other", second, "AddDnsEntry", "(ss)", "name.lab", ip(10, 101))
    calls.wait(3)
    equal(calls.ended, ["other", "probed", "after it"], "the order of the answers")


def test_nothing_is_probed_that_is_on(lab):
    lab.dut()
    run("ip", "address", "add", f"{lan.FREE[8]}/24", "dev", "up0")
    lab.undo.callback(run, "ip", "address", "delete", f"{lan.FREE[8]}/24", "dev", "up0")
    lab.remember()
    network = create(lab, addresses=[board(10), board(11, public_ip=lan.FREE[8])])
    witness = Witness(lab)
    lab.restart_daemon()
    network.wait_state("active")
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner(), "the daemon is back", 10)
    network.wait_state("active")
    run("ip", "address", "delete", f"{chosen(network)[ip(10)]}/32", "dev", "up0")
    wait_for(lambda: on_upstream(chosen(network)[ip(10)]), "the address is put back", 3)
    network.add_address(ip(10), mac=mac(10), public_ip="auto", hostname="name")
    equal(witness.probes(), [], "the probes")
    equal(network.get("State"), "active", "State")


def test_public_interface_moves_to_where_the_address_is_taken(lab):
    lab.dut("raw0")
    other = lab.dut("raw1")
    run("ip", "address", "add", "10.77.9.1/24", "dev", "raw1")
    other.configure(f"{lan.FREE[8]}/24")
    lab.remember()
    network = create(lab, addresses=[board(10, public_ip=lan.FREE[8]), board(11)])
    with refused(IN_USE, lan.FREE[8], other.mac, "raw1"):
        network.update(public_interface="raw1")
    assert on_upstream(lan.FREE[8]), "the address is not where it was"
    equal(network.get("State"), "active", "State")
    other.run("ip", "address", "flush", "dev", "eth0")
    network.update(public_interface="raw1")
    assert on_upstream(lan.FREE[8], "raw1"), host.addresses()["raw1"]
    assert not on_upstream(lan.FREE[8]), host.addresses()["up0"]


def test_upstream_that_is_back_at_once_keeps_the_addresses(lab):
    lab.dut("raw0")
    other = lab.dut("raw1")
    run("ip", "address", "add", "10.78.0.2/24", "dev", "raw1")
    other.configure("10.78.0.1/24")
    lab.remember()
    network = create(lab, addresses=[board(10), board(11, public_ip=lan.FREE[8])])
    route = ("default", "via", "10.78.0.1", "dev", "raw1", "metric", "5")
    for _ in range(20):
        monitor = subprocess.Popen(["ip", "-4", "monitor", "address"], stdout=subprocess.PIPE,
                                   text=True)
        began = time.monotonic()
        run("ip", "route", "add", *route)
        wait_for(lambda: network.get("UpstreamInterface") == "raw1", "the upstream is followed")
        run("ip", "route", "delete", *route)
        took = time.monotonic() - began
        wait_for(lambda: network.get("UpstreamInterface") == "up0", "and followed back")
        network.add_dns("later.lab", ip(10))  # after what is under way
        monitor.terminate()
        changes = monitor.communicate()[0]
        if took < 0.1:  # else the other LAN may have been asked to the end
            lacks(changes, "up0", "raw1")
            break
    else:
        raise AssertionError("the machine is too slow for this test")
    assert on_upstream(lan.FREE[8]), host.addresses()["up0"]


def test_address_taken_while_the_board_was_away_degrades_its_network(lab):
    dut = lab.dut("raw0")
    network = create(lab, addresses=[board(10, public_ip=lan.FREE[8]), board(11)])
    first = chosen(network)[ip(11)]
    nic = host.read("/sys/class/net/raw0/address")
    run("ip", "link", "delete", "raw0")
    network.wait_state("waiting")
    holder = take(lab, lan.FREE[8])
    take(lab, first)
    run("ip", "link", "add", "raw0", "address", nic, "type", "veth", "peer", "name", "eth0",
        "address", dut.mac, "netns", dut.namespace.name)
    dut.run("ip", "link", "set", "eth0", "up")
    run("ip", "link", "set", "raw0", "up")
    network.wait_state("degraded")
    for word in (lan.FREE[8], holder, "up0"):
        assert word in network.get("Error"), network.get("Error")
    assert not on_upstream(lan.FREE[8]), "the other host's address was taken"
    now = chosen(network)[ip(11)]
    assert now != first and on_upstream(now), f"{now} after {first}; {host.addresses()['up0']}"
    lab.lan.run("ip", "address", "delete", f"{lan.FREE[8]}/32", "dev", "lan0")
    network.wait_state("active", deadline=15)
    assert on_upstream(lan.FREE[8]), "the address is not taken when it is free"
    lab.lan.run("ip", "address", "add", f"{lan.FREE[8]}/32", "dev", "lan0")  # for the undo


# The pool


def test_entries_have_addresses_of_the_pool(lab):
    dut = lab.dut("raw0", mac(10))
    network = create(lab, addresses=[board(10)])
    signals = lab.signals()
    network.add_address(ip(11), public_ip="auto")
    entry = signals.wait("AddressAdded", network.path)[0]
    addresses = chosen(network)
    equal(entry, {"ip": ip(11), "public_ip": addresses[ip(11)], "public_auto": True}, "the signal")
    equal(sorted(addresses), [ip(10), ip(11)], "the entries")
    equal(len(set(addresses.values()) & set(POOL)), 2, "addresses of the pool")
    dut.dhcp()
    dut.serve()
    equal(dut.source_at(lan.ROUTER), addresses[ip(10)], "the source of the board")
    equal(lab.lan.source_at(addresses[ip(10)]), lan.ROUTER, "the source that the board sees")
    run("dutnetctl", "-i", "raw0", "add-address", ip(12), "--public-ip=auto")
    assert chosen(network)[ip(12)] in POOL, chosen(network)


def test_same_board_has_the_same_address_again(lab):
    lab.dut()
    network = create(lab, public_pool=f"{lan.FREE[0]}-{lan.FREE[-1]}",
                     addresses=[board(number) for number in range(10, 14)])
    before = chosen(network)
    network.remove_address(ip(11))
    network.add_address(ip(11), mac=mac(11), public_ip="auto")
    equal(chosen(network), before, "the addresses after removing one and adding it again")
    network.remove_address(ip(12))
    network.add_address(ip(99), mac=mac(12), public_ip="auto")
    equal(chosen(network)[ip(99)], before[ip(12)], "the address of a board with another ip")
    lab.remove("raw0")
    network = create(lab, public_pool=f"{lan.FREE[0]}-{lan.FREE[-1]}",
                     addresses=[board(number) for number in range(10, 14)])
    equal(chosen(network), before, "the addresses of a network made again")


def test_choice_outlives_daemon_and_boot(lab):
    lab.dut()
    network = create(lab, addresses=[board(10)])
    first = chosen(network)[ip(10)]
    lab.remove("raw0")
    take(lab, first)
    network = create(lab, addresses=[board(10)])
    second = chosen(network)[ip(10)]
    network.add_address(ip(11), mac=mac(11), public_ip="auto")
    before = chosen(network)
    assert first not in before.values() and on_upstream(second), before
    lab.lan.run("ip", "address", "delete", f"{first}/32", "dev", "lan0")
    lab.restart_daemon()
    equal(chosen(network), before, "the addresses after a restart")
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner(), "the daemon is back", 10)
    equal(chosen(network), before, "the addresses after a crash")
    network.call("Down")
    lab.stop_daemon()
    run("sh", "-c", "rm -rf /run/jumpstarter/*")  # what a boot leaves of it
    lab.start_daemon()
    network.wait_state("active", deadline=10)
    equal(chosen(network), before, "the addresses after a boot")
    lab.lan.run("ip", "address", "add", f"{first}/32", "dev", "lan0")  # for the undo


def test_choice_of_a_file_s_entry_outlives_reloads(lab):
    lab.dut()
    text = ("interface: raw0\nnat_mode: 1to1\npublic_pool: {}\naddresses:\n"
            "  - {{ip: 192.168.100.10, public_ip: auto, hostname: {}}}\n")
    lab.configure("raw0.yaml", text.format(POOL_TEXT, "one"))
    lab.reload()
    network = lab.network("raw0")
    first = chosen(network)[ip(10)]
    network.add_address(ip(11), public_ip="auto")
    before = chosen(network)
    equal(before[ip(10)], first, "the address of the file's entry")
    lab.configure("raw0.yaml", text.format(POOL_TEXT, "two"))
    lab.reload()
    lab.restart_daemon()
    network.wait_state("active")
    equal(chosen(network), before, "the addresses after Reload and restart")
    equal(network.get("Addresses")[0]["hostname"], "two", "the file's host name")
    lab.reload()
    equal(chosen(network), before, "the addresses after a Reload without a change")


def test_addresses_of_other_hosts_are_passed_over(lab):
    lab.dut()
    holders = [POOL[index] for index in (0, 2)]
    take(lab, holders[0])
    lab.undo.callback(lab.lan.add_second_host(holders[1]).delete)
    network = create(lab, addresses=[board(10)])
    network.add_address(ip(11), mac=mac(11), public_ip="auto")
    equal(sorted(chosen(network).values()), [POOL[1], POOL[3]], "the addresses")
    with refused(LIMIT, "public_pool", POOL_TEXT):
        network.add_address(ip(12), mac=mac(12), public_ip="auto")
    equal(sorted(chosen(network)), [ip(10), ip(11)], "the entries")


def test_pool_full_of_other_hosts_is_searched_fast(lab):
    lab.dut()
    for address in lan.FREE[:-1]:
        take(lab, address)
    witness = Witness(lab)
    network = create(lab, public_pool=f"{lan.FREE[0]}-{lan.FREE[-1]}", addresses=[board(10)])
    equal(chosen(network), {ip(10): lan.FREE[-1]}, "the address")
    probes = witness.probes()
    took = probes[-1].usec - probes[0].usec
    assert took < 2500000, f"one free address among 40 took {took} us, and one by one 6000000"


def test_exhausted_pool_is_refused(lab):
    lab.dut()
    with refused(LIMIT, "public_pool", POOL_TEXT):
        create(lab, addresses=[board(number) for number in range(10, 15)])
    lab.unchanged()
    network = create(lab, addresses=[board(number) for number in range(10, 14)])
    equal(sorted(chosen(network).values()), sorted(POOL), "the addresses")
    with refused(LIMIT, "public_pool"):
        network.add_address(ip(20), public_ip="auto")
    with refused(LIMIT, "public_pool"):
        network.update(public_pool=POOL[0])
    equal(sorted(chosen(network).values()), sorted(POOL), "the addresses afterwards")
    network.remove_address(ip(12))
    network.add_address(ip(20), public_ip="auto")
    equal(len(chosen(network)), 4, "the number of entries")


def test_host_s_own_addresses_are_not_for_boards(lab):
    lab.dut()
    run("ip", "address", "add", "10.77.0.5/24", "dev", "up0")
    lab.undo.callback(run, "ip", "address", "delete", "10.77.0.5/24", "dev", "up0")
    lab.remember()
    # The LAN's network address, its router, this host, the neighbour, one that is free, this host.
    network = create(lab, public_pool="10.77.0.0-10.77.0.5", addresses=[board(10)])
    equal(chosen(network), {ip(10): "10.77.0.4"}, "the address")
    with refused(LIMIT, "public_pool"):
        network.add_address(ip(11), public_ip="auto")


def test_two_networks_with_one_pool_share_nothing(lab):
    names = ("raw0", "raw1")
    for name in names:
        lab.dut(name)
    calls = Calls()
    networks = [create(lab, name, 100 + index, public_pool=f"{lan.FREE[0]}-{lan.FREE[11]}",
                       addresses=[]) for index, name in enumerate(names)]
    for number in range(10, 16):
        for index, network in enumerate(networks):  # the same MACs, so the same wishes
            entry = settings({"mac": mac(number), "public_ip": "auto"})
            calls.begin((index, number), network, "AddAddress", "(sa{sv})",
                        ip(number, 100 + index), entry)
    calls.wait(12)
    equal(calls.errors, {}, "what was refused")
    addresses = list(itertools.chain(*(chosen(network).values() for network in networks)))
    equal(sorted(addresses), sorted(lan.FREE[:12]), "the addresses")


def test_another_pool_moves_what_is_not_in_it(lab):
    lab.dut()
    network = create(lab, public_pool=f"{lan.FREE[0]}-{lan.FREE[7]}",
                     addresses=[board(number) for number in range(10, 14)])
    before = chosen(network)
    stays = sorted(before.values())[1]
    network.update(public_pool=f"{stays}-{lan.FREE[20]}")
    after = chosen(network)
    for entry, address in before.items():
        if address >= stays:
            equal(after[entry], address, f"the address of {entry}")
        else:
            assert after[entry] > stays, f"{entry} has {after[entry]}"
            assert not on_upstream(address), f"{address} is on still"
        assert on_upstream(after[entry]), f"{after[entry]} is not on"
    with refused(bus.INVALID_ARGS, "public_pool"):
        network.update(public_pool="")


def test_exported_settings_make_the_same_network(lab):
    lab.dut()
    network = create(lab, addresses=[board(number) for number in range(10, 13)])
    before = chosen(network)
    text = run("dutnetctl", "-i", "raw0", "export")
    lab.remove("raw0")
    path = lab.write("/tmp/exported.yaml", text)
    run("dutnetctl", "check", path)
    run("dutnetctl", "create", path)
    equal(chosen(lab.network("raw0")), before, "the addresses of the network made again")


def test_pool_that_does_not_fit_is_refused(lab):
    lab.dut()
    for pool, words in (("10.77.0.9-10.77.0.8", ("ends below",)), ("x", ("\"x\"",)),
                        ("192.168.100.0-192.168.100.9", ("subnet",)),
                        ("10.0.0.0-10.1.0.0", ("65536",)), ("127.0.0.1", ("127.0.0.1",))):
        with refused(bus.INVALID_ARGS, "public_pool", *words):
            create(lab, public_pool=pool)
    with refused(bus.INVALID_ARGS, "public_pool", "1to1"):
        lab.create("raw0", public_pool=POOL_TEXT)
    with refused(bus.INVALID_ARGS, "public_ip", "public_pool"):
        lab.create("raw0", nat_mode="1to1", addresses=[board(10)])
    lab.unchanged()
    network = create(lab)
    with refused(bus.INVALID_ARGS, "public_auto"):
        network.add_address(ip(10), public_ip="auto", public_auto=False)
    network.update(public_pool=POOL[0])
    try:
        network.add_address(ip(10), public_ip="auto")
    except BusError as error:
        raise AssertionError(f"a pool of one address: {error}") from error
    equal(chosen(network), {ip(10): POOL[0]}, "the addresses")
