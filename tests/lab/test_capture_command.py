# SPDX-License-Identifier: GPL-2.0-or-later
"""`dutnetctl capture` and `dutnetctl tcpdump`: a board's packets in a file, a pipe and as text, for a
user who is nobody special but for one rule."""

import os
import pty
import re
import signal
import subprocess

from labkit import host
from labkit.expect import contains, equal, lacks
from labkit.pcap import Reader
from labkit.process import as_user, run, run_full, wait_for
from test_capture import (BOARD, board, GATEWAY, ICMP, none_left, ONE_NIC, OTHER, ping, SILENCE,
                          tcpdumps)
from test_polkit import ALICE, CAROL, rule

PATIENCE = 20
DIRECTORY = "/tmp/capture"


def directory_of(lab, user):
    os.makedirs(DIRECTORY)
    lab.undo.callback(lab._forget, DIRECTORY)
    run("chown", user, DIRECTORY)


def has_begun(child):
    """An interrupt is no end of its own to it any more: the stream is there."""
    blocked = re.search(r"^SigBlk:\t(\w+)$", host.read(f"/proc/{child.pid}/status"), re.MULTILINE)
    return int(blocked[1], 16) & 1 << signal.SIGINT - 1


def begin(lab, *words, **options):
    """The command as Carol, when it has its stream."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    child = lab.start(*as_user(CAROL, "dutnetctl", "--no-ask-password", *map(str, words)), **options)
    wait_for(lambda: child.poll() is not None or has_begun(child), "it has begun", PATIENCE)
    return child


def begin_to_file(lab, *words):
    path = f"{DIRECTORY}/board.pcap"
    return begin(lab, "capture", "-w", path, *words), path


def ends(child, code=0):
    out, err = child.communicate(timeout=PATIENCE)
    equal(child.returncode, code, f"the exit code; it says {err!r}")
    return out, err.decode()


def refused_with(code, *arguments, says, user=None):
    command = ("dutnetctl", "--no-ask-password", *arguments)
    done = run_full(*(as_user(user, *command) if user else command))
    equal((done.returncode, done.stdout), (code, ""), f"exit code and stdout of {arguments}")
    contains(done.stderr, *says)


# capture


def test_file_is_its_user_s_and_whole(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    directory_of(lab, CAROL)
    child, path = begin_to_file(lab, "-c", 2, "icmp", "and", f"(host {BOARD})")
    ping(dut, OTHER)
    ping(dut)
    equal(ends(child), (b"", ""), "what it says")
    lines = run("tcpdump", "-n", "-r", path).splitlines()
    equal(len(lines), 2, "packets")
    contains(lines[0], f"{BOARD} > {GATEWAY}: ICMP echo request")
    equal(run("stat", "-c", "%U", path).strip(), CAROL, "whose it is")


def test_pipe_has_packets_as_they_come(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    for words in (("-w", "-"), ()):
        child = begin(lab, "-i", "raw0", "capture", *words, "--ip", OTHER, "--snaplen=64", "icmp")
        reader = Reader(os.dup(child.stdout.fileno()))
        ping(dut)
        ping(dut, OTHER, size=500)
        packet = reader.packet()
        equal((packet.protocol, packet.source, len(packet.data)), (ICMP, OTHER, 64), "the packet")
        reader.close()
        child.stdout.close()
        equal(child.wait(PATIENCE), 0, "the exit code when the reader has gone")
        none_left()


def test_silent_wire_and_no_reader(lab):
    board(lab)
    rule(lab, "10-lab", ONE_NIC)
    child = begin(lab, "capture", SILENCE)
    reader = Reader(os.dup(child.stdout.fileno()))
    reader.close()
    child.stdout.close()
    equal(child.wait(PATIENCE), 0, "the exit code")
    none_left()


def test_interrupt_is_a_good_end_in_whole_packets(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    directory_of(lab, CAROL)
    for number in (signal.SIGINT, signal.SIGTERM):
        child, path = begin_to_file(lab, "icmp")
        flood = dut.namespace.start("ping", "-q", "-f", "-s", 1400, "-I", BOARD, GATEWAY,
                                    stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.getsize(path) > 500000, "there are many packets", PATIENCE)
        child.send_signal(number)
        equal(ends(child), (b"", ""), "what it says")
        flood.terminate()
        flood.wait()
        with open(path, "rb") as file:
            reader = Reader(os.dup(file.fileno()))
            assert len(reader.rest()) > 300
            reader.close()
        none_left()
        os.unlink(path)


def test_interrupt_loses_nothing_that_came_before(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    directory_of(lab, CAROL)
    for _ in range(5):
        child, path = begin_to_file(lab, "icmp")
        ping(dut)
        child.send_signal(signal.SIGINT)
        ends(child)
        with open(path, "rb") as file:
            reader = Reader(os.dup(file.fileno()))
            equal(len(reader.rest()), 2, "packets")
            reader.close()


def test_end_before_its_time_is_no_good_one(lab):
    """What is there is kept, and whoever waits for the rest is told."""
    dut, network = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    directory_of(lab, CAROL)

    def kill():
        os.kill(next(iter(tcpdumps())), signal.SIGKILL)
    for words, end in ((("icmp",), kill), (("-c", 100, "icmp"), kill), (("--seconds", 60, "icmp"), kill),
                       (("--bytes", 100000, "icmp"), kill), (("icmp",), lab.restart_daemon),
                       (("icmp",), lab.kill_daemon)):
        child, path = begin_to_file(lab, *words)
        ping(dut)
        wait_for(lambda: os.path.getsize(path) > 200, "both packets are in the file")
        end()
        _, err = ends(child, 1)
        contains(err, "ended before")
        equal(len(Reader(os.open(path, os.O_RDONLY)).rest()), 2, "packets in the file")
        none_left()
        network.wait_state("active")
    child = begin(lab, "tcpdump", SILENCE)
    kill()
    _, err = ends(child, 1)
    contains(err, "ended before")
    child, _ = begin_to_file(lab, SILENCE)
    lab.remove("raw0")
    ends(child)


def test_limits(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    child = begin(lab, "capture", "--bytes=300", "icmp")
    ping(dut, count=10)
    equal(len(ends(child)[0]), 300, "bytes")
    child = begin(lab, "capture", "--seconds=1", SILENCE)
    equal(len(ends(child)[0]), 24, "bytes of an empty file")


def test_terminal_gets_no_packets(lab):
    board(lab)
    leader, follower = pty.openpty()
    for words in ((), ("-w", "-")):
        done = subprocess.run(("dutnetctl", "capture", *words), stdout=follower,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        equal(done.returncode, 2, "the exit code")
        contains(done.stderr, "terminal", "-w FILE", "tcpdump")
    os.close(leader)
    os.close(follower)


def test_refusals_say_why(lab):
    _, network = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    target = f"{DIRECTORY}/x"
    directory_of(lab, ALICE)
    refused_with(1, "capture", "-w", target, user=ALICE,
                 says=["Capture", "org.jumpstarter.DutNetwork.capture"])
    refused_with(1, "capture", "-w", target, "nonsense here", user=ALICE, says=["capture"])
    refused_with(1, "capture", "-w", target, "nonsense", "here", says=["filter", "syntax error"])
    refused_with(1, "capture", "-w", target, "--ip", "10.1.1.1", says=["ip", "10.1.1.1"])
    assert not os.path.exists(target), "there is a file of what was refused"
    refused_with(1, "capture", "-w", f"{DIRECTORY}/none/x", says=[f"{DIRECTORY}/none/x"])
    refused_with(1, "capture", "-w", target, user=CAROL, says=[target, "Permission denied"])
    refused_with(1, "-i", "raw7", "capture", says=["raw7"])
    refused_with(2, "-H", "other.lab", "capture", says=["--host"])
    for option in ("--snaplen", "-c", "--packets", "--seconds", "--bytes"):
        for value in ("0", "-1", "many"):
            refused_with(2, "capture", option, value, says=[f'"{value}"', "number"])
    refused_with(2, "status", "-c", "5", says=["status", "-c"])
    none_left()
    run("dutnetctl", "update", "enable_tcpdump=false")
    refused_with(1, "capture", user=CAROL, says=["enable_tcpdump is false"])
    equal(network.status()["settings"]["enable_tcpdump"], False, "the setting")


# tcpdump


def test_text_of_packets(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    child = begin(lab, "tcpdump", "-ev", "-c", 2, "icmp", "and", "host", BOARD)
    ping(dut)
    out, err = ends(child)
    text = out.decode()
    contains(text, f"{BOARD} > {GATEWAY}: ICMP echo request", "ICMP echo reply", dut.mac, "ttl 64")
    lacks(err, "error")
    none_left()


def test_text_comes_at_once_and_ends_well_when_interrupted(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    child = begin(lab, "tcpdump", "icmp", start_new_session=True)
    ping(dut)
    contains(child.stdout.readline().decode(), "echo request")
    os.killpg(child.pid, signal.SIGINT)
    _, err = ends(child)
    lacks(err, "error")
    none_left()


def test_text_on_a_silent_wire_ends_too(lab):
    _, network = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    child = begin(lab, "-i", "raw0", "tcpdump", SILENCE, start_new_session=True)
    os.killpg(child.pid, signal.SIGINT)
    ends(child)
    none_left()
    child = begin(lab, "tcpdump", SILENCE)
    network.call("Down")
    ends(child)


def test_snapshot_of_0_bytes_is_all(lab):
    dut, _ = board(lab)
    rule(lab, "10-lab", ONE_NIC)
    for option in (("-s0",), ("-s", "0"), ("--snapshot-length=0",)):
        child = begin(lab, "tcpdump", "-x", "-c", 1, *option, "icmp")
        ping(dut, size=1000)
        out, _ = ends(child)
        contains(out.decode(), "0x03f0:")
    refused_with(2, "tcpdump", "-s", "-1", says=["number"])


def test_no_option_that_names_a_file_or_program(lab):
    board(lab)
    target = f"{DIRECTORY}/x"
    directory_of(lab, CAROL)
    for words in (("-w", target), (f"-w{target}",), ("-r", "/etc/passwd"), ("-F", "/etc/passwd"),
                  ("-G", "1", "-z", "/bin/sh"), ("icmp", "-w", target), ("-vw", target), ("-D",),
                  ("--list-interfaces",), ("-Z", "root"), ("-c",), ("--print",)):
        refused_with(2, "tcpdump", *words, says=["tcpdump", "not an option"])
    refused_with(1, "tcpdump", "--", f"-w{target}", says=["filter"])
    refused_with(1, "tcpdump", "-i", "any", says=["any"])
    refused_with(1, "tcpdump", "-ilo", says=["lo"])
    refused_with(2, "tcpdump", "-c", "x", says=["number"])
    assert not os.path.exists(target), f"{target} is there"


def test_without_a_local_tcpdump(lab):
    board(lab)
    done = run_full("/usr/bin/dutnetctl", "tcpdump", env={"PATH": "/nowhere"})
    equal(done.returncode, 1, "the exit code")
    contains(done.stderr, "cannot run tcpdump", "No such file")
    none_left()


def test_help_of_the_verbs(lab):
    contains(run("dutnetctl", "tcpdump", "--help"), "Usage: dutnetctl", "tcpdump [ARG...]")
    contains(run("dutnetctl", "capture", "--help"), "pcap-filter(7)", "--snaplen")
