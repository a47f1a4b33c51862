# SPDX-License-Identifier: GPL-2.0-or-later
"""dnsmasq as a process: it dies and is back, it cannot come back, it is found again."""

import os
import signal
import time

from labkit import host
from labkit.expect import contains, equal
from labkit.process import run, wait_for

PROGRAM = "/usr/sbin/dnsmasq"
DNS = "192.168.100.1"


def kill(network):
    """Ends it as a crash would; the moment of that."""
    pid = network.dnsmasq()
    os.kill(pid, signal.SIGKILL)
    return time.monotonic()


def answers(dut):
    return dut.dig_status("here.lab", DNS) == "NOERROR"


def words_of_dnsmasq(interface):
    return run("journalctl", "--quiet", "--no-pager", "--output=cat", f"--identifier=dnsmasq-{interface}")


def test_dnsmasq_that_dies_is_back_within_a_second(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_entries=[{"hostname": "here.lab", "ip": "10.1.2.3"}])
    address = dut.dhcp()["ip"]
    signals = lab.signals()
    times = []
    for _ in range(3):
        start = kill(network)
        wait_for(lambda: answers(dut), "DNS is answered again")
        times.append(time.monotonic() - start)
    assert sorted(times)[1] < 1.0, f"it took {times} s"
    network.wait_state("active")
    signals.wait_property(network.path, "State", "degraded")
    equal(dut.dhcp()["ip"], address, "the board's address afterwards")
    equal(len(host.servants()), 1, f"the number of programs: {host.servants()}")


def test_dnsmasq_that_will_not_start_is_tried_with_pauses(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    attempts = os.path.join(network.get("StateDir"), "attempts")
    os.rename(PROGRAM, f"{PROGRAM}.away")
    try:
        with open(PROGRAM, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\necho $$ >>{attempts}\nexit 3\n")
        os.chmod(PROGRAM, 0o755)
        start = kill(network)
        wait_for(lambda: os.path.exists(attempts) and len(host.read(attempts).split()) >= 5,
                 "it is tried several times")
        assert time.monotonic() - start > 0.5, "there are no pauses between the attempts"
        equal(network.get("State"), "degraded", "State")
        contains(network.get("Error"), "dnsmasq", "status 3")
    finally:
        os.replace(f"{PROGRAM}.away", PROGRAM)
    network.wait_state("active", deadline=10.0)
    dut.dhcp()
    os.unlink(attempts)


def test_dnsmasq_logs_under_its_network_s_name_without_the_daemon(lab):
    dut = lab.dut()
    lab.create(dut)
    lab.stop_daemon()
    dut.dhcp("talker")
    wait_for(lambda: "talker" in words_of_dnsmasq("raw0"), "the lease is in the journal")
    lab.start_daemon()


def test_each_network_s_dnsmasq_is_its_own(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    one = lab.create(first)
    two = lab.create(second, subnet="192.168.101.0/24")
    first.dhcp()
    second.dhcp()
    pid = two.dnsmasq()
    kill(one)
    wait_for(lambda: one.get("State") == "active" and answers_from(first), "the first is back")
    equal(two.dnsmasq(), pid, "the other network's dnsmasq")
    equal(two.get("State"), "active", "the other network's state")


def answers_from(dut):
    return dut.dig_status("nowhere.lab", DNS) != ""


def preload(dnsmasq):
    """Whether the library is in that process."""
    return "dnsmasq-preload.so" in host.read(f"/proc/{dnsmasq}/maps")


def sleeps(dnsmasq):
    """How often it has gone to sleep, and so how often it was woken."""
    (line,) = [line for line in host.read(f"/proc/{dnsmasq}/status").splitlines()
               if line.startswith("voluntary_ctxt_switches")]
    return int(line.split()[1])


def test_other_networks_do_not_wake_it(lab):
    """Networks of the same subnet: their routes are no reason for it to ask its servers again."""
    first, *others = [lab.dut(f"raw{k}") for k in range(3)]
    pid = lab.create(first).dnsmasq()
    assert preload(pid), "the library is not there"
    wait_for(lambda: settled(pid), "the first is quiet")
    before = sleeps(pid)
    for dut in others:
        lab.create(dut)
        lab.remove(dut)
    equal(sleeps(pid) - before, 0, "how often others woke it")


def settled(pid):
    before = sleeps(pid)
    time.sleep(0.2)
    return sleeps(pid) == before


def heals(dut):
    """Its address is taken away and put back, by hand and by the daemon."""
    run("ip", "address", "delete", f"{DNS}/24", "dev", dut.name)
    wait_for(lambda: answers(dut), "DNS is answered at the address that was put back")
    run("ip", "link", "set", dut.name, "down")
    wait_for(lambda: answers(dut), "DNS is answered at the NIC that was set up again")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")


def test_it_is_back_with_its_address(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_entries=[{"hostname": "here.lab", "ip": "10.1.2.3"}])
    dut.dhcp()
    pid = network.dnsmasq()
    heals(dut)
    equal(network.dnsmasq(), pid, "its dnsmasq, which went on")


def test_without_its_library_it_is_the_same(lab):
    (library,) = run("find", "/usr/lib", "/usr/lib64", "-name", "dnsmasq-preload.so", expect=None).split()
    os.rename(library, f"{library}.away")
    lab.undo.callback(os.rename, f"{library}.away", library)
    dut, twin = lab.dut("raw0"), lab.dut("raw1")
    network = lab.create(dut, dns_entries=[{"hostname": "here.lab", "ip": "10.1.2.3"}])
    assert not preload(network.dnsmasq()), "the library is there"
    lab.create(twin)
    dut.dhcp()
    twin.dhcp()
    heals(dut)
