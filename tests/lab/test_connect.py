# SPDX-License-Identifier: GPL-2.0-or-later
"""Connect: a socket to one board of one network, for those who may have it."""

import contextlib
import os
import signal
import socket
import threading
import time

from gi.repository import Gio, GLib

from labkit import bus, host, lan, whoami
from labkit.expect import equal, refused
from labkit.process import run, wait_for
from test_firewalld import with_firewalld
from test_polkit import ALICE, CAROL, error_name, polkit_pid, rule

BOARD = "192.168.100.10"
NOBODY = "192.168.100.9"
GATEWAY = "192.168.100.1"
UNREACHABLE, REFUSED, TIMED_OUT = (bus.ERROR + word for word in ("Unreachable", "Refused", "TimedOut"))
NO_SUCH_LEASE, LIMIT_EXCEEDED = bus.ERROR + "NoSuchLease", bus.ERROR + "LimitExceeded"
CLOSED_PORT = 7000
MOST_OF_A_CALLER = 64


def board(lab, **settings):
    """A board with an address by hand and a server, and its network."""
    dut = lab.dut()
    network = lab.create(dut, **settings)
    dut.configure(f"{BOARD}/24")
    dut.serve()
    return dut, network


def greeting(sock):
    """What the board's server says to whom it sees."""
    with sock:
        sock.settimeout(5)
        return sock.recv(100).decode().strip()


def reaches(network, address, port=whoami.PORT):
    equal(greeting(network.connect(address, port)), GATEWAY, f"whom {address} sees")


def mute(dut):
    """The board drops what its server gets, as one behind a firewall does."""
    dut.run("nft", "add table ip mute; add chain ip mute input { type filter hook input priority 0; };"
            f"add rule ip mute input tcp dport {whoami.PORT} drop")


def hurry(interface):
    """The kernel looks for a neighbour three times 20 ms long, not 1 s. Gone with the interface."""
    with open(f"/proc/sys/net/ipv4/neigh/{interface}/retrans_time_ms", "w", encoding="ascii") as file:
        file.write("20")


def begin(network, client, address=BOARD, port=whoami.PORT):
    """Sends the call, and returns where its answer, an error's name or None, will be."""
    answers = []

    def answered(connection, result):
        try:
            connection.call_with_unix_fd_list_finish(result)
            answers.append(None)
        except GLib.Error as error:
            answers.append(Gio.DBusError.get_remote_error(error))

    client.connection.call_with_unix_fd_list(
        bus.NAME, network.path, bus.NETWORK, "Connect", GLib.Variant("(sq)", (address, port)), None,
        Gio.DBusCallFlags.NONE, bus.CALL_TIMEOUT_MS, None, None, answered)
    client.connection.flush_sync(None)
    return answers


def n_sockets(pid):
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    return count


# Where it leads


def test_socket_is_connected_blocking_and_bound(lab):
    _, network = board(lab)
    sock = network.connect(BOARD, whoami.PORT)
    assert os.get_blocking(sock.fileno()), "the socket is non-blocking"
    equal(sock.getpeername(), (BOARD, whoami.PORT), "the other end")
    equal(sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).rstrip(b"\0"), b"raw0",
          "the interface")
    equal(greeting(sock), GATEWAY, "whom the board sees")


def test_socket_outlives_daemon_and_caller(lab):
    _, network = board(lab)
    client = lab.client()
    with network.connect(BOARD, whoami.PORT, client) as sock:
        sock.settimeout(5)
        client.close()
        lab.kill_daemon()
        sock.recv(100)
        sock.send(b"?")
        equal(sock.recv(100).decode().strip(), GATEWAY, "the answer")
    network.wait_state("active")


def test_board_is_named_by_host_name_or_mac(lab):
    dut, network = board(lab, addresses=[
        {"ip": BOARD, "mac": "02:00:00:00:00:aa", "hostname": "entry"}], dns_entries=[
        {"hostname": "dns.lab", "ip": BOARD}, {"hostname": "far.lab", "ip": "10.1.2.3"},
        {"hostname": "gone.lab", "ip": NOBODY}])
    for name in ("entry", "Entry", "dns.lab", "02:00:00:00:00:AA"):
        reaches(network, name)
    dut.run("ip", "address", "flush", "dev", "eth0")
    leased = dut.dhcp(hostname="called-so")["ip"]
    wait_for(lambda: network.leases(), "the lease is known")
    assert leased != BOARD
    for name in ("called-so", "CALLED-SO", dut.mac.upper(), leased):
        reaches(network, name)
    with refused(bus.INVALID_ARGS, "far.lab", "10.1.2.3"):
        network.connect("far.lab", whoami.PORT)
    for unknown in ("nobody.lab", "02:00:00:00:00:bb"):
        with refused(NO_SUCH_LEASE, unknown):
            network.connect(unknown, whoami.PORT)


def test_name_of_an_entry_is_not_taken_by_a_board(lab):
    dut, network = board(lab, dns_entries=[{"hostname": "safe", "ip": "192.168.100.20"}])
    dut.dhcp(hostname="safe")
    wait_for(lambda: network.leases(), "the lease is known")
    hurry("raw0")
    with refused(UNREACHABLE, "192.168.100.20"):
        network.connect("safe", whoami.PORT)


def test_past_firewalld(lab):
    dut = lab.dut()
    with_firewalld(lab)
    network = lab.create(dut)
    dut.configure(f"{BOARD}/24")
    dut.serve()
    reaches(network, BOARD)


def test_without_nat(lab):
    _, network = board(lab, nat_mode="disabled")
    reaches(network, BOARD)


# Where it does not lead


def test_only_boards_of_the_network(lab):
    _, network = board(lab)
    run("ip", "address", "add", "192.168.100.77/24", "dev", "raw0")
    for address in (lan.ROUTER, lan.HOST, "127.0.0.1", GATEWAY, "192.168.100.0", "192.168.100.255",
                    "255.255.255.255", "192.168.100.77", "192.168.101.10"):
        with refused(bus.INVALID_ARGS, "address", address):
            network.connect(address, whoami.PORT)
    for text in ("", "192.168.100.010", "a b", "-x", "fe80::1", "::ffff:192.168.100.10", "x" * 300):
        with refused(bus.INVALID_ARGS, "address"):
            network.connect(text, whoami.PORT)
    with refused(bus.INVALID_ARGS, "port", "0"):
        network.connect(BOARD, 0)


def test_closed_port_is_refused(lab):
    _, network = board(lab)
    with refused(REFUSED, "raw0", BOARD, str(CLOSED_PORT)):
        network.connect(BOARD, CLOSED_PORT)


def test_nobody_there_is_unreachable(lab):
    _, network = board(lab)
    hurry("raw0")
    with refused(UNREACHABLE, "raw0", NOBODY):
        network.connect(NOBODY, whoami.PORT)


def test_network_that_is_not_up_is_unreachable(lab):
    _, network = board(lab)
    network.call("Down")
    with refused(UNREACHABLE, "raw0", "inactive"):
        network.connect(BOARD, whoami.PORT)
    waiting = lab.create("raw5", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    with refused(UNREACHABLE, "raw5", "waiting"):
        waiting.connect("10.1.0.10", whoami.PORT)


def test_silent_board_times_out_after_10_seconds(lab):
    dut, network = board(lab)
    mute(dut)
    start = time.monotonic()
    with refused(TIMED_OUT, "raw0", BOARD):
        network.connect(BOARD, whoami.PORT)
    seconds = time.monotonic() - start
    assert 9.5 < seconds < 13, f"it took {seconds:.1f} s"


def test_network_that_goes_ends_what_is_under_way(lab):
    dut, network = board(lab)
    mute(dut)
    answers = begin(network, lab.client())
    network.status()
    network.call("Down")
    wait_for(lambda: answers, "the answer")
    equal(answers, [UNREACHABLE], "the answer")


# Many


def test_caller_has_its_limit_and_leaves_nothing(lab):
    dut, network = board(lab)
    mute(dut)
    pid = lab.daemon_pid()
    before = n_sockets(pid)
    client = lab.client()
    client.manager("ListNetworks")  # from here on the service knows whose it is
    for _ in range(MOST_OF_A_CALLER):
        begin(network, client)
    with refused(LIMIT_EXCEEDED, "raw0", str(MOST_OF_A_CALLER)):
        network.connect(BOARD, whoami.PORT, client)
    equal(n_sockets(pid), before + MOST_OF_A_CALLER, "the daemon's sockets")
    with refused(REFUSED):  # another caller
        network.connect(BOARD, CLOSED_PORT)
    client.close()
    wait_for(lambda: n_sockets(pid) == before, "they are gone with the caller")


def test_many_at_once_each_get_their_own(lab):
    _, network = board(lab)
    pid = lab.daemon_pid()
    before = n_sockets(pid)
    client = lab.client()
    failures = []

    def caller():
        try:
            for _ in range(10):
                equal(greeting(network.connect(BOARD, whoami.PORT, client)), GATEWAY, "the answer")
        except Exception as error:  # seen by the test
            failures.append(error)

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [], "the failures")
    wait_for(lambda: n_sockets(pid) == before, "the daemon keeps none")


# Who may


ONE_PLACE = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.connect" && subject.user == "lab-carol" &&
        action.lookup("interface") == "raw0" && action.lookup("subnet") == "192.168.100.0/24" &&
        action.lookup("verb") == "Connect" && action.lookup("address") == "192.168.100.10" &&
        action.lookup("port") == "7777")
            return polkit.Result.YES;
});
"""


def answer_to(user, network, address, port=whoami.PORT):
    return error_name(user, network.path, bus.NETWORK, "Connect", "(sq)", f"('{address}', {port})")


def test_rule_grants_one_user_one_place(lab):
    _, network = board(lab, dns_entries=[{"hostname": "mine.lab", "ip": BOARD},
                                         {"hostname": "other.lab", "ip": NOBODY}])
    rule(lab, "10-lab", ONE_PLACE)
    for address in (BOARD, "mine.lab"):
        equal(answer_to(CAROL, network, address), "", f"Carol's connection to {address}")
        equal(answer_to(ALICE, network, address), bus.AUTHORIZATION_REQUIRED,
              f"Alice's connection to {address}")
    for address, port in ((NOBODY, whoami.PORT), ("other.lab", whoami.PORT), (BOARD, CLOSED_PORT)):
        equal(answer_to(CAROL, network, address, port), bus.AUTHORIZATION_REQUIRED,
              f"Carol's connection to {address} port {port}")


def test_yes_is_for_the_address_that_was_asked_about(lab):
    _, network = board(lab, dns_entries=[{"hostname": "mine.lab", "ip": BOARD}])
    rule(lab, "10-lab", ONE_PLACE)
    pid = polkit_pid()
    answers = []
    calls = lab.calls("Connect")
    os.kill(pid, signal.SIGSTOP)
    try:
        thread = threading.Thread(target=lambda: answers.append(answer_to(CAROL, network, "mine.lab")))
        thread.start()
        wait_for(lambda: "mine.lab" in host.read(calls.path), "the call")
        network.status()  # the service has had it
        network.add_dns("mine.lab", NOBODY)
    finally:
        os.kill(pid, signal.SIGCONT)
    thread.join(20)
    equal(answers, [bus.AUTHORIZATION_REQUIRED], "the answer")
