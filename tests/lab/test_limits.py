# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits of a DUT's NAT: the ports it gets, how long its connections are remembered, how many it may
begin. They are judged by what the LAN sees."""

import contextlib
import socket

from gi.repository import GLib

from labkit import bus, lan
from labkit.bus import settings
from labkit.boards import ADDRESS, Boards
from labkit.boards import PORT as BOARD_PORT
from labkit.damage import without_owner
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, run_full, wait_for

PORT = 7801
SECOND = "192.168.100.11"
BRIDGE = "fcbr0"
SHORT = 0.7


class Ear:
    """Servers of the LAN's that keep what comes, and tell from which port."""

    def __init__(self, lab):
        self.listener = lab.lan.namespace.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("0.0.0.0", PORT))
        self.listener.listen(64)
        self.udp = lab.lan.namespace.socket(kind=socket.SOCK_DGRAM)
        self.udp.bind(("0.0.0.0", PORT))
        self.held = []
        lab.undo.callback(self.close)

    def hear(self, sock, namespace, address, source, timeout):
        sock.settimeout(timeout)
        if source:
            sock.bind((source, 0))
        sock.connect((address, PORT))
        self.held.append(sock)

    def tcp(self, dut, address=lan.ROUTER, source=None, timeout=5.0):
        """A connection that is held, as (what the board has, the peer that the LAN sees); a
        TimeoutError where none comes about."""
        sock = dut.namespace.socket()
        try:
            self.hear(sock, dut, address, source, timeout)
        except OSError:
            sock.close()
            raise
        self.listener.settimeout(timeout)
        theirs, peer = self.listener.accept()
        theirs.settimeout(timeout)
        self.held.append(theirs)
        return Held(sock, theirs, peer)

    def datagram(self, dut, source=None, timeout=5.0):
        """The same with UDP, answered; TimeoutError as well."""
        sock = dut.namespace.socket(kind=socket.SOCK_DGRAM)
        self.hear(sock, dut, lan.ROUTER, source, timeout)
        self.udp.settimeout(timeout)
        sock.send(b"?")
        _, peer = self.udp.recvfrom(100)
        self.udp.sendto(b"!", peer)
        sock.recv(100)
        return Held(sock, None, peer)

    def refuses(self, dut, **options):
        """Whether no connection comes about."""
        with contextlib.suppress(TimeoutError):
            self.tcp(dut, timeout=SHORT, **options)
            return False
        return True

    def close(self):
        for sock in (self.listener, self.udp, *self.held):
            sock.close()


class Held:
    def __init__(self, ours, theirs, peer):
        self.ours, self.theirs, self.peer = ours, theirs, peer
        self.local_port = ours.getsockname()[1]

    @property
    def port(self):
        return self.peer[1]

    def works(self):
        self.ours.send(b"x")
        self.theirs.send(self.theirs.recv(1))
        return self.ours.recv(1) == b"x"

    def end(self):
        """By a reset: it is over at once."""
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.ours.close()


def begin(lab, **keys):
    """A board with two addresses, which are two DUTs to the network."""
    dut = lab.dut()
    network = lab.create(dut, **keys)
    network.call("ExpireConnections", "(a{sv})", {})  # that an earlier test's boards had
    dut.configure(f"{ADDRESS}/24", "192.168.100.1")
    dut.run("ip", "address", "add", f"{SECOND}/24", "dev", "eth0")
    return dut, network, Ear(lab)


def connections(network, **match):
    return network.call("GetConnections", "(a{sv})", settings(match))


def rules(network):
    return network.call("GetNatRules")


def ports(items):
    return [item.port for item in items]


def within(items, first, last):
    outside = [port for port in ports(items) if not first <= port <= last]
    assert not outside, f"ports outside of {first}-{last}: {outside}"


def test_ports_are_of_the_range(lab):
    dut, network, ear = begin(lab, nat_port_range="50000-50009")
    equal(network.status()["settings"]["nat_port_range"], "50000-50009", "the setting")
    contains(rules(network), "meta l4proto tcp counter", "masquerade to :50000-50009")
    items = [ear.tcp(dut) for _ in range(5)] + [ear.datagram(dut) for _ in range(3)]
    within(items, 50000, 50009)
    equal({item.peer[0] for item in items}, {lan.HOST}, "the address that the LAN sees")
    equal(sorted(item["public_port"] for item in connections(network, peer_port=PORT)),
          sorted(ports(items)), "what GetConnections tells")
    assert dut.pings(lan.ROUTER), "what has no ports goes out"

    # Two ports are two connections to the same place, and as many to another one.
    network.update(nat_port_range="51000-51001")
    few = [ear.tcp(dut), ear.tcp(dut)]
    equal(sorted(ports(few)), [51000, 51001], "all of the ports")
    assert ear.refuses(dut), "a third one has no port"
    within([ear.tcp(dut, lan.NEIGHBOUR)], 51000, 51001)
    ended = few.pop()
    ended.end()
    network.call("ExpireConnections", "(a{sv})", settings({"port": ended.local_port}))
    equal(ear.tcp(dut).port, ended.port, "what has become free")
    for item in items[:5]:
        assert item.works(), "one that was begun in the old range goes on"

    # An address has its own range, from now on, whatever others have, and the network's again.
    network.add_address(ADDRESS, nat_port_range="52000-52010")
    equal(network.get("Addresses")[0]["nat_port_range"], "52000-52010", "what the entry says")
    within([ear.tcp(dut, source=ADDRESS)], 52000, 52010)
    within([ear.tcp(dut, lan.NEIGHBOUR, source=SECOND)], 51000, 51001)
    network.update(nat_port_range="")
    contains(rules(network), "52000-52010")
    lacks(rules(network), "51000-51001")
    within([ear.tcp(dut, source=ADDRESS)], 52000, 52010)
    assert ear.tcp(dut, source=SECOND).port not in (51000, 51001), "no range: the board's own port"
    network.remove_address(ADDRESS)
    lacks(rules(network), "52000-52010")
    assert not 52000 <= ear.tcp(dut, source=ADDRESS).port <= 52010, "no range any more"


def test_mapped_board_keeps_its_ports(lab):
    dut, network, ear = begin(lab, nat_mode="1to1", nat_port_range="50000-50009",
                              addresses=[{"ip": ADDRESS, "public_ip": lan.FREE[0]}])
    mine, masqueraded = ear.tcp(dut, source=ADDRESS), ear.tcp(dut, source=SECOND)
    equal(mine.peer, (lan.FREE[0], mine.local_port), "a public address has all its ports")
    equal(masqueraded.peer[0], lan.HOST, "the other one is masqueraded")
    within([masqueraded], 50000, 50009)


def left(network, **match):
    """Seconds that the kernel gives the one connection yet."""
    found = connections(network, peer_port=PORT, **match)
    assert len(found) == 1, f"one connection was looked for: {found}"
    return found[0]["timeout"]


def test_silent_connections_end(lab):
    dut, network, ear = begin(lab, connection_timeout="1h", addresses=[
        {"ip": SECOND, "connection_timeout": 3}])
    contains(rules(network), "ct timeout set", "established : 3600", "established : 3")
    equal(network.status()["settings"]["connection_timeout"], "1h", "the setting")
    long = ear.tcp(dut, source=ADDRESS)
    assert long.works(), "the long one"
    short = ear.tcp(dut, source=SECOND)
    assert short.works(), "the short one"
    equal(3540 < left(network, ip=ADDRESS) <= 3600, True, "an hour for the network's")
    assert left(network, ip=SECOND) <= 3, "its own for the other one"
    datagram = ear.datagram(dut, source=SECOND)
    wait_for(lambda: not connections(network, ip=SECOND, peer_port=PORT), "the silent ones end", 12)
    equal(3540 < left(network, ip=ADDRESS) <= 3600, True, "the other one has all of its time")
    assert long.works(), "and goes on"
    datagram.ours.send(b"?")
    assert connections(network, ip=SECOND, protocol="udp"), "a new one"

    # Another value is for those that begin from then on; what goes on goes on.
    network.update(connection_timeout="40s")
    newer = ear.tcp(dut, lan.NEIGHBOUR, source=ADDRESS)
    assert newer.works() and long.works(), "both go on"
    assert left(network, ip=ADDRESS, peer_ip=lan.NEIGHBOUR) <= 40, "the new value"
    lacks(rules(network), "established : 3600")
    network.update(connection_timeout="")
    network.remove_address(SECOND)
    assert newer.works() and long.works(), "both go on"
    lacks(rules(network), "ct timeout")
    fresh = ear.tcp(dut, lan.NAME_ADDRESS, source=ADDRESS)
    assert fresh.works() and left(network, ip=ADDRESS, peer_ip=lan.NAME_ADDRESS) > 3600, "the kernel's"


def test_connections_from_the_lan_end_as_well(lab):
    boards = Boards(lab, 2)
    network = boards.create(1)
    boards.configure()
    network.update(connection_timeout=90)
    flow = boards.from_lan(1)
    equal(flow.ask()[0], "raw1", "who answers")
    found = connections(network, direction="ingress", port=BOARD_PORT)
    assert len(found) == 1 and 60 < found[0]["timeout"] <= 90, f"the time of one from the LAN: {found}"


def count(dut, ear, **options):
    """How many come about, of up to ten."""
    items = []
    with contextlib.suppress(TimeoutError):
        for _ in range(10):
            items.append(ear.tcp(dut, timeout=SHORT, **options))
    return items


def test_no_more_connections_than_allowed(lab):
    dut, network, ear = begin(lab, max_connections=3)
    equal(network.status()["settings"]["max_connections"], 3, "the setting")
    contains(rules(network), "ct count over 3")
    first = count(dut, ear, source=ADDRESS)
    equal(len(first), 3, "how many there may be")
    equal(len(count(dut, ear, source=SECOND)), 3, "how many the other DUT has")
    assert all(item.works() for item in first), "those that there are go on"
    with contextlib.suppress(TimeoutError):
        ear.datagram(dut, source=ADDRESS, timeout=SHORT)
        raise AssertionError("a datagram makes one more")
    assert dut.pings("192.168.100.1"), "what is for the host itself is not counted"

    # One that has ended makes room for another one, and no more.
    first.pop().end()
    first += count(dut, ear, source=ADDRESS)
    equal(len(first), 3, "how many there are after one has ended")

    # The daemon's death and return change nothing of that.
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(dut.name, ("",))[0] == "active",
             "the daemon is back")
    assert ear.refuses(dut, source=ADDRESS), "they are counted still"
    assert all(item.works() for item in first), "and go on"
    # Nor does another change of the network, by which the rules are put again.
    network.update(dns_intercept=True, nat_port_range="50000-60000")
    assert ear.refuses(dut, source=ADDRESS), "they are counted still"
    assert all(item.works() for item in first), "and go on"

    # An address of its own limit; all that there was goes on.
    network.add_address(ADDRESS, max_connections=2)
    equal(len(count(dut, ear, source=ADDRESS)), 2, "what its own limit lets begin")
    assert ear.refuses(dut, source=SECOND), "the other has the network's"
    network.update(max_connections=5)
    assert ear.refuses(dut, source=ADDRESS), "its own limit is the same as before"
    equal(len(count(dut, ear, source=SECOND)), 5, "what the new limit lets begin")
    network.update(max_connections="")
    equal(len(count(dut, ear, source=SECOND)), 10, "without a limit")
    network.remove_address(ADDRESS)
    assert not ear.refuses(dut, source=ADDRESS), "without a limit"
    assert all(item.works() for item in first), "those from before go on"
    lacks(rules(network), "ct count")


def test_filtered_ones_do_not_count(lab):
    dut, network, ear = begin(lab, max_connections=2, filter={
        "egress": {"policy": "drop", "rules": [{"action": "accept", "port": PORT}]}})
    for _ in range(4):
        assert not dut.reaches(lan.ROUTER), "the filter drops it"
    equal(len(count(dut, ear)), 2, "how many there may be")
    hits = network.call("GetFilter")
    assert hits["egress"]["policy_packets"] >= 4, hits


def test_twins_have_their_own_counts(lab):
    boards = Boards(lab, 3)
    for k in (0, 1, 2):
        network = lab.create(boards.duts[k], **{**boards.settings(k), "max_connections": 2 + k % 2,
                                                "connection_timeout": 100 * (k + 1)})
        network.call("ExpireConnections", "(a{sv})", {})
    boards.configure()
    ear = Ear(lab)
    made = [len(count(boards.duts[k], ear, source=ADDRESS)) for k in range(3)]
    equal(made, [2, 3, 2], "how many each has")
    for k in range(3):
        found = connections(lab.network(f"raw{k}"), peer_port=PORT)
        times = [item["timeout"] for item in found if item.get("state") == "ESTABLISHED"]
        assert len(times) == made[k] and all(100 * k < time_ <= 100 * (k + 1) for time_ in times), found


def test_limits_are_put_back(lab):
    """Without an owner anybody may flush."""
    without_owner(lab)
    dut, network, ear = begin(lab, max_connections=3, connection_timeout=50,
                              nat_port_range="50000-50010",
                              addresses=[{"ip": SECOND, "max_connections": 1}])
    first = count(dut, ear, source=ADDRESS)

    def words():
        text = rules(network)
        return all(word in text for word in ("ct count over 3", "ct count over 1", "50000-50010",
                                             "established : 50", f"{SECOND} : goto"))
    assert words(), rules(network)
    table = "jumpstarter_filter_plain"
    for command in (("flush", "ruleset"), ("flush", "map", "ip", table, "counted_raw0"),
                    ("flush", "chain", "ip", table, "begun_raw0"),
                    ("flush", "chain", "ip", table, "counted_raw0-1")):
        run("nft", *command)
        wait_for(words, f"they are back after {command}", 2)
        assert all(item.works() for item in first), f"connections go on after {command}"
    assert len(count(dut, ear, source=SECOND)) == 1, "its limit is in force again"
    lab.stop_daemon()
    run("nft", "flush", "ruleset")
    lab.start_daemon()
    wait_for(lambda: lab.networks()[dut.name][0] == "active" and words(), "they are back after a start")
    network.update(max_connections="", connection_timeout="", nat_port_range="")
    network.remove_address(SECOND)
    network.update(dns_intercept=True)
    left_ = run("nft", "list", "table", "ip", table)
    lacks(left_, "counted", "timeout", "begun")


def test_guests_have_limits(lab):
    network = lab.create(BRIDGE, create="bridge", subnet="172.30.0.0/24", max_connections=50)

    def attach(guest, **options):
        return network.call("AttachGuest", "(sa{sv})", guest, settings(options))

    answer = attach("vm-1", max_connections=7, nat_port_range="40000-41000", connection_timeout="5m")
    equal((answer["max_connections"], answer["nat_port_range"], answer["connection_timeout"]),
          (7, "40000-41000", "5m"), "what it has")
    equal(attach("vm-1"), answer, "the same again")
    contains(rules(network), "ct count over 7", f"{answer['guest_ip']} : goto", "40000-41000",
             "established : 300")
    signals = lab.signals()
    other = attach("vm-1", max_connections=8, connection_timeout="")
    equal({key: value for key, value in other.items() if answer.get(key) != value},
          {"max_connections": 8}, "what is another now")
    assert "connection_timeout" not in other, "and is the network's again"
    equal(signals.wait("AddressChanged", network.path)[0]["max_connections"], 8, "the signal")
    assert not signals.matching("GuestAttached"), "it was attached before"
    text = rules(network)
    contains(text, "ct count over 8", "ct count over 50")
    lacks(text, "ct count over 7 ", "established : 300")
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back")
    equal(attach("vm-1"), other, "after a crash")
    contains(rules(network), "ct count over 8", "40000-41000")
    with refused(bus.INVALID_ARGS, "max_connections", "0"):
        attach("vm-2", max_connections=0)
    for index in range(40):
        attach(f"many-{index}", max_connections=100 + index)
    contains(rules(network), "ct count over 139")
    for index in range(40):
        network.call("DetachGuest", "(s)", f"many-{index}")
    lacks(rules(network), "ct count over 1")
    network.call("DetachGuest", "(s)", "vm-1")
    text = rules(network)
    lacks(text, "ct count over 8", "40000", answer["guest_ip"])
    contains(text, "ct count over 50")


def test_command(lab):
    dut = lab.dut()
    network = lab.create(dut)
    run("dutnetctl", "update", "max_connections=9", "nat_port_range=50000-50100",
        "connection_timeout=10m")
    settings_ = network.status()["settings"]
    equal((settings_["max_connections"], settings_["nat_port_range"], settings_["connection_timeout"]),
          (9, "50000-50100", "10m"), "the settings")
    contains(run("dutnetctl", "status"), "50000-50100", "10m", "9")
    run("dutnetctl", "add-address", ADDRESS, "--max-connections", "4", "--nat-port-range", "1-9",
        "--connection-timeout", "90")
    entry = network.get("Addresses")[0]
    equal((entry["max_connections"], entry["nat_port_range"], entry["connection_timeout"]),
          (4, "1-9", "90s"), "the entry")
    contains(run("dutnetctl", "export"), "max_connections: 9", "max_connections: 4", "90s")
    contains(run_full("dutnetctl", "add-address", ADDRESS, "--max-connections", "x").stderr,
             "max_connections", "x")
    run("dutnetctl", "update", "max_connections=", "nat_port_range=", "connection_timeout=")
    assert "max_connections" not in network.status()["settings"], "taken away"


def test_what_makes_no_sense_is_refused(lab):
    dut = lab.dut()
    network = lab.create(dut)
    before = rules(network)
    for keys, words in (({"nat_port_range": "0-10"}, ("nat_port_range", "0-10")),
                        ({"nat_port_range": "20-10"}, ("nat_port_range", "20-10")),
                        ({"nat_port_range": "1-65536"}, ("nat_port_range", "65536")),
                        ({"nat_port_range": "a"}, ("nat_port_range", "a")),
                        ({"connection_timeout": "0"}, ("connection_timeout", "0")),
                        ({"connection_timeout": "31d"}, ("connection_timeout", "31d")),
                        ({"connection_timeout": "5x"}, ("connection_timeout", "5x")),
                        ({"connection_timeout": GLib.Variant("i", -1)}, ("connection_timeout", "-1")),
                        ({"max_connections": GLib.Variant("u", 0)}, ("max_connections", "0")),
                        ({"max_connections": GLib.Variant("u", 1000001)}, ("max_connections", "1000001")),
                        ({"max_connections": "many"}, ("max_connections", "many"))):
        with refused(bus.INVALID_ARGS, *words):
            network.update(**keys)
        with refused(bus.INVALID_ARGS, *words):
            network.add_address(ADDRESS, **keys)
    equal((rules(network), network.get("Addresses")), (before, []), "what there is after all of that")
    with refused(bus.INVALID_ARGS, "max_connections", "nat_mode"):
        network.update(nat_mode="disabled", max_connections=5)
    network.update(nat_mode="disabled")
    with refused(bus.INVALID_ARGS, "max_connections", "nat_mode"):
        network.add_address(ADDRESS, max_connections=5)
    with refused(bus.INVALID_ARGS, "connection_timeout", "nat_mode"):
        network.update(connection_timeout=60)
    network.update(nat_mode="masquerade", connection_timeout=60)
    with refused(bus.INVALID_ARGS, "connection_timeout", "nat_mode"):
        network.update(nat_mode="disabled")
