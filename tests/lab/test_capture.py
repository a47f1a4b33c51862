# SPDX-License-Identifier: GPL-2.0-or-later
"""Capture: real packets of a board by a real tcpdump that has no right to anything, for those who
may have them, and nothing left when the reader goes."""

import json
import os
import re
import signal
import threading
import time

from gi.repository import GLib

from labkit import bus, host, whoami
from labkit.expect import contains, equal, lacks, refused
from labkit.pcap import Reader
from labkit.process import run, wait_for
from test_polkit import ALICE, CAROL, error_name, polkit_pid, rule

BOARD = "192.168.100.10"
OTHER = "192.168.100.11"
GATEWAY = "192.168.100.1"
ICMP = 1
UNREACHABLE, LIMIT_EXCEEDED = bus.ERROR + "Unreachable", bus.ERROR + "LimitExceeded"
MOST_OF_A_CALLER, MOST_OF_ALL = 8, 32
# Nothing on the wire is of it.
SILENCE = "udp port 9"


def board(lab, name="raw0", **settings):
    """A board with two addresses by hand, and its network."""
    dut = lab.dut(name)
    network = lab.create(dut, **settings)
    dut.configure(f"{BOARD}/24")
    dut.run("ip", "address", "add", f"{OTHER}/24", "dev", "eth0")
    return dut, network


def capture(lab, network, client=None, **options):
    reader = Reader(network.capture(client, **options))
    lab.undo.callback(reader.close)
    return reader


def ping(dut, source=BOARD, target=GATEWAY, count=1, size=56):
    dut.run("ping", "-q", "-c", count, "-i", 0.01, "-s", size, "-I", source, target)


def tcpdumps():
    return {pid: line for pid, line in host.processes().items() if "tcpdump" in line}


def none_left(within=1.0):
    wait_for(lambda: not tcpdumps(), "no tcpdump is left", within)


# What comes


def test_packets_of_a_board(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp")
    equal(reader.snaplen, 262144, "the snapshot length")
    ping(dut)
    request, reply = reader.packet(), reader.packet()
    equal([(p.protocol, p.source, p.target) for p in (request, reply)],
          [(ICMP, BOARD, GATEWAY), (ICMP, GATEWAY, BOARD)], "the packets")
    equal(request.source_mac, dut.mac, "who sent it")
    assert abs(request.time_ns - time.time_ns()) < 20 * 10 ** 9, "the time is another"
    assert 0 < reply.time_ns - request.time_ns < 10 ** 9, "the reply is not after the request"
    assert any(p.time_ns % 1000 for p in (request, reply)), "the times are of microseconds"


def test_everything_without_options(lab):
    dut, network = board(lab)
    reader = capture(lab, network)
    dut.arping(GATEWAY)
    while reader.packet().data[12:14] != b"\x08\x06":
        pass


def test_tcpdump_reads_it(lab):
    dut, network = board(lab)
    fd = network.capture(filter="icmp", packets=2)
    ping(dut)
    path = lab.write("/tmp/capture.pcap", "")
    with open(path, "wb") as out, os.fdopen(fd, "rb") as stream:
        out.write(stream.read())
    lines = run("tcpdump", "-n", "-r", path).splitlines()
    equal(len(lines), 2, "lines")
    contains(lines[0], f"{BOARD} > {GATEWAY}: ICMP echo request")


def test_only_one_network_of_twins(lab):
    duts = [lab.dut(name) for name in ("raw0", "raw1")]
    networks = [lab.create(dut) for dut in duts]
    for dut in duts:
        dut.configure(f"{BOARD}/24")
    readers = [capture(lab, network, filter="icmp") for network in networks]
    ping(duts[1])
    equal(readers[1].packet().source_mac, duts[1].mac, "who sent it")
    assert readers[0].is_silent(), "the other network has it too"


def test_large_transfer_loses_nothing(lab):
    dut, network = board(lab)
    fd = network.capture(filter="icmp[icmptype] == icmp-echo", snaplen=96)
    reader = Reader(fd)
    dut.run("ping", "-q", "-f", "-c", 3000, "-I", BOARD, GATEWAY)
    for _ in range(3000):
        reader.packet()
    reader.close()


# Options


def test_snaplen_cuts_packets(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp", snaplen=64)
    ping(dut, size=1000)
    packet = reader.packet()
    equal((len(packet.data), packet.length), (64, 14 + 20 + 8 + 1000), "kept and length")


def test_ip_chooses_one_address(lab):
    dut, network = board(lab)
    reader = capture(lab, network, ip=OTHER, filter="icmp or tcp")
    for source in (BOARD, OTHER):
        ping(dut, source)
    packet = reader.packet()
    equal((packet.protocol, packet.source), (ICMP, OTHER), "the packet")
    alone = capture(lab, network, ip=OTHER, packets=1)
    ping(dut, OTHER)
    equal(len(alone.rest()), 1, "packets")


def test_ends_at_its_limits(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp", packets=3)
    ping(dut, count=4)
    equal(len(reader.rest()), 3, "packets")

    fd = network.capture(filter="icmp", bytes=GLib.Variant("t", 500))
    ping(dut, count=10)
    with os.fdopen(fd, "rb") as stream:
        equal(len(stream.read()), 500, "bytes")

    start = time.monotonic()
    reader = capture(lab, network, filter="icmp", seconds=GLib.Variant("u", 1))
    ping(dut)
    equal(len(reader.rest()), 2, "packets")
    took = time.monotonic() - start
    assert 0.9 < took < 4, f"it took {took:.1f} s"
    none_left()


def test_refused_by_name(lab):
    _, network = board(lab)
    for options, words in (({"file": "/etc/x"}, ["file"]), ({"packet": 1}, ["packet", "packets"]),
                           ({"packets": 0}, ["packets"]), ({"snaplen": "60"}, ["snaplen"]),
                           ({"seconds": -1}, ["seconds"]), ({"bytes": "many"}, ["bytes"]),
                           ({"snaplen": 262145}, ["snaplen", "262144"]),
                           ({"ip": "10.77.0.1"}, ["ip", "192.168.100.0/24"]),
                           ({"ip": "board"}, ["ip"]), ({"filter": 5}, ["filter"]),
                           ({"filter": "x" * 4097}, ["filter", "4096"]),
                           ({"filter": "tcp\nudp"}, ["filter"]),
                           ({"filter": "tcp) or (udp", "ip": BOARD}, ["filter", "parentheses"])):
        with refused(bus.INVALID_ARGS, *words):
            network.capture(**options)


def test_filter_that_tcpdump_does_not_take(lab):
    """Its own words; and whatever it looks like, it is no option, file or program."""
    _, network = board(lab)
    target = "/tmp/written-by-tcpdump"
    for text in ("nonsense here", "port", f"-w{target}", f"-w {target}", "-z /bin/sh -G 1",
                 "-F/etc/passwd", "-- -r /etc/passwd", f"$(touch {target})"):
        with refused(bus.INVALID_ARGS, "raw0", "filter: can't parse filter expression"):
            network.capture(filter=text)
    assert not os.path.exists(target), f"{target} is there"
    with refused(bus.INVALID_ARGS, "filter", "expression rejects all packets"):
        network.capture(filter="tcp and udp")
    none_left()


def test_network_that_is_not_up_is_unreachable(lab):
    _, network = board(lab)
    network.call("Down")
    with refused(UNREACHABLE, "raw0", "inactive"):
        network.capture()


# What it is


def test_tcpdump_has_no_privilege(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp")
    (pid,) = tcpdumps()
    status = dict(re.findall(r"^(\w+):\t(.*)$", host.read(f"/proc/{pid}/status"), re.MULTILINE))
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        equal(status[name], "0" * 16, name)
    equal(status["NoNewPrivs"], "1", "NoNewPrivs")
    assert status["Uid"].split()[0] != "0", "it is root's"
    limits = host.read(f"/proc/{pid}/limits")
    for limit in ("Max file size", "Max processes", "Max core file size"):
        assert re.search(rf"^{limit} +0 +0 ", limits, re.MULTILINE), f"{limit} is not 0"
    equal(host.read(f"/proc/{pid}/cmdline").split("\0")[-3:], ["--", "icmp", ""], "the last words")
    targets = sorted({os.readlink(f"/proc/{pid}/fd/{fd}").split(":")[0]
                      for fd in os.listdir(f"/proc/{pid}/fd")})
    assert set(targets) <= {"/dev/null", "pipe", "socket", "anon_inode"}, f"it has {targets}"
    ping(dut)
    equal(reader.packet().source, BOARD, "the source")


def test_without_its_library_it_captures_nothing(lab):
    """The kernel refuses it: there is no privilege to fall back on."""
    _, network = board(lab)
    (library,) = run("find", "/usr/lib", "/usr/lib64", "-name", "capture-preload.so", expect=None).split()
    os.rename(library, f"{library}.away")
    lab.undo.callback(os.rename, f"{library}.away", library)
    with refused(bus.ERROR + "Failed", "raw0", "permission"):
        network.capture()


def test_journal_has_nothing_of_it(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp", packets=1)
    ping(dut)
    reader.rest()
    none_left()
    log = run("journalctl", "-b", "-o", "cat", "--no-pager")
    lacks(log, "listening on", "packets captured")


# Several, and their ends


def test_several_at_once_each_with_its_own_filter(lab):
    dut, network = board(lab)
    dut.serve()
    pings = capture(lab, network, filter="icmp")
    tcp = capture(lab, network, filter=f"tcp port {whoami.PORT}")
    again = capture(lab, network, filter="icmp")
    ping(dut)
    network.connect(BOARD, whoami.PORT).close()
    equal([r.packet().protocol for r in (pings, tcp, again)], [ICMP, 6, ICMP], "protocols")


def test_caller_and_all_have_their_limits(lab):
    _, network = board(lab)
    clients = [lab.client() for _ in range(MOST_OF_ALL // MOST_OF_A_CALLER)]
    readers = [capture(lab, network, client, filter=SILENCE)
               for client in clients for _ in range(MOST_OF_A_CALLER)]
    equal(len(tcpdumps()), MOST_OF_ALL, "captures")
    with refused(LIMIT_EXCEEDED, "raw0", str(MOST_OF_A_CALLER)):
        network.capture(clients[0])
    with refused(LIMIT_EXCEEDED, "raw0", str(MOST_OF_ALL)):
        network.capture(lab.client())
    readers.pop().close()

    def has_room():
        try:
            return capture(lab, network, clients[-1], filter=SILENCE)
        except bus.BusError as error:
            equal(error.name, LIMIT_EXCEEDED, "the error")
            return None
    wait_for(has_room, "there is room for another", 1.0)
    for reader in readers:
        reader.close()


def test_ends_when_the_reader_goes(lab):
    """On a silent wire, too."""
    _, network = board(lab)
    for options in ({}, {"bytes": 10000}):
        reader = capture(lab, network, filter=SILENCE, **options)
        equal(len(tcpdumps()), 1, "captures")
        reader.close()
        none_left()


def test_goes_on_when_its_caller_leaves_the_bus(lab):
    dut, network = board(lab)
    client = lab.client()
    reader = capture(lab, network, client, filter="icmp")
    client.close()
    ping(dut)
    equal(reader.packet().source, BOARD, "the source")


def test_reader_that_does_not_read_holds_nobody_up(lab):
    dut, network = board(lab)
    capture(lab, network, filter="icmp")
    ping(dut, count=200, size=1400)
    start = time.monotonic()
    network.call("Down")
    none_left(2.0)
    assert time.monotonic() - start < 5, "it took long"


def test_ends_with_the_network(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp")
    ping(dut)
    network.call("Down")
    equal(len(reader.rest()), 2, "packets")
    none_left()
    network.call("Up")
    reader = capture(lab, network, filter="icmp")
    run("ip", "link", "delete", "raw0")
    assert reader.has_ended()
    none_left()
    lab.before = None  # the NIC was there then


def test_change_of_settings_leaves_it_alone(lab):
    dut, network = board(lab)
    reader = capture(lab, network, filter="icmp")
    network.update(dhcp_lease_time="1h", nat_mode="disabled")
    ping(dut)
    equal(reader.packet().source, BOARD, "the source")


def test_ends_with_the_daemon(lab):
    """However that ends: no capture goes on that nobody watches."""
    _, network = board(lab)
    for end in (lab.restart_daemon, lab.kill_daemon):
        reader = capture(lab, network, filter=SILENCE)
        equal(len(tcpdumps()), 1, "captures")
        end()
        assert reader.has_ended()
        none_left()
        network.wait_state("active")
    capture(lab, network, filter=SILENCE)
    lab.stop_daemon()
    none_left()
    lab.start_daemon()


# Who may


ONE_NIC = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.capture" && subject.user == "lab-carol" &&
        action.lookup("interface") == "raw0" && action.lookup("subnet") == "192.168.100.0/24" &&
        action.lookup("verb") == "Capture")
            return polkit.Result.YES;
});
"""


def answer_to(user, network, options="({},)"):
    return error_name(user, network.path, bus.NETWORK, "Capture", "(a{sv})", options)


def test_rule_grants_one_user_one_nic(lab):
    lab.dut("raw1")
    _, network = board(lab)
    other = lab.create("raw1", subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    rule(lab, "10-lab", ONE_NIC)
    equal(answer_to(CAROL, network), "", "Carol's capture")
    equal(answer_to(CAROL, other), bus.AUTHORIZATION_REQUIRED, "Carol's capture on the other")
    equal(answer_to(ALICE, network), bus.AUTHORIZATION_REQUIRED, "Alice's capture")
    none_left()


def test_enable_tcpdump_forbids_it_to_all_but_root(lab):
    """Whatever polkit would say, which is not asked."""
    dut, network = board(lab, enable_tcpdump=False)
    rule(lab, "10-lab", ONE_NIC)
    calls = lab.calls("CheckAuthorization")
    done = run("setpriv", f"--reuid={CAROL}", f"--regid={CAROL}", "--init-groups", "busctl",
               "--system", "call", bus.NAME, network.path, bus.NETWORK, "Capture", "a{sv}", "0",
               expect=1)
    equal(done, "", "the answer")
    equal(answer_to(CAROL, network), bus.ACCESS_DENIED, "Carol's capture")
    equal([line for line in host.read(calls.path).splitlines()
           if "DutNetwork.capture" in json.dumps(json.loads(line))], [], "the questions to polkit")
    reader = capture(lab, network, filter="icmp")
    ping(dut)
    equal(reader.packet().source, BOARD, "what root gets")
    network.update(enable_tcpdump=True)
    equal(answer_to(CAROL, network), "", "Carol's capture when it is allowed")
    equal(network.status()["settings"]["enable_tcpdump"], True, "the setting")


def test_enable_tcpdump_is_forbidden_while_polkit_thinks(lab):
    """A yes to what was allowed when it was asked is none to what is not any more."""
    _, network = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    pid = polkit_pid()
    answers = []
    calls = lab.calls("Capture")
    os.kill(pid, signal.SIGSTOP)
    try:
        thread = threading.Thread(target=lambda: answers.append(answer_to(CAROL, network)))
        thread.start()
        wait_for(lambda: network.path in host.read(calls.path), "the call")
        network.status()  # the service has had it
        network.update(enable_tcpdump=False)
    finally:
        os.kill(pid, signal.SIGCONT)
    thread.join(20)
    equal(answers, [bus.ACCESS_DENIED], "the answer")
