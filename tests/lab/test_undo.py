# SPDX-License-Identifier: GPL-2.0-or-later
"""A creation that fails leaves the host as before, at whichever step; a removal gives all back."""

import os
import signal

from labkit import bus, host, lan
from labkit.expect import equal, refused
from labkit.process import run, wait_for


def fails(lab, *words, **settings):
    """CreateNetwork fails with step and cause, and nothing is left: on the host, on disk, in memory."""
    with refused(bus.ERROR + "Failed", *words):
        lab.create("raw0", **settings)
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def works_afterwards(lab):
    lab.create("raw0")
    equal(lab.duts[0].dhcp()["ip"], "192.168.100.100", "the address once nothing is in the way")


def test_dnsmasq_missing(lab):
    lab.dut()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        fails(lab, "dnsmasq")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    works_afterwards(lab)


def test_dnsmasq_that_ends_at_once(lab):
    lab.dut()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        with open("/usr/sbin/dnsmasq", "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 3\n")
        os.chmod("/usr/sbin/dnsmasq", 0o755)
        fails(lab, "dnsmasq")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    works_afterwards(lab)


def test_dns_port_of_the_gateway_taken(lab):
    """Another resolver that has every address of the host."""
    dut = lab.dut()
    with_port = lab.start("socat", "-u", "TCP4-LISTEN:53,reuseaddr,fork", "OPEN:/dev/null")
    wait_for(lambda: ":0035 " in host.read("/proc/net/tcp"), "the port is taken")
    fails(lab, "dnsmasq")
    with_port.terminate()
    with_port.wait()
    lab.create(dut)
    dut.dhcp()


def test_state_directory_that_cannot_be_made(lab):
    lab.dut()
    lab.write("/var/lib/jumpstarter/dut-network-raw0", "in the way\n")
    lab.remember()
    fails(lab, "dut-network-raw0")


def test_table_of_a_foreign_owner_in_the_way(lab):
    lab.dut()
    owner = lab.start("nft", "-i", stdin=-1, text=True)
    owner.stdin.write("add table ip jumpstarter_raw0 { flags owner; }\n")
    owner.stdin.flush()
    wait_for(lambda: "jumpstarter_raw0" in run("nft", "list", "tables"), "the table is there")
    lab.remember()
    fails(lab)
    owner.stdin.close()
    owner.wait()
    lab.remember()
    works_afterwards(lab)


def test_sysctl_that_cannot_be_written(lab):
    lab.dut()
    before = lab.before
    lab.stop_daemon()
    lab.write("/run/systemd/system/dut-networkd.service.d/lab.conf",
              "[Service]\nReadWritePaths=\nReadOnlyPaths=/proc/sys\n")
    run("systemctl", "daemon-reload")
    lab.undo.callback(run, "systemctl", "daemon-reload")
    lab.undo.callback(os.unlink, "/run/systemd/system/dut-networkd.service.d/lab.conf")
    lab.undo.callback(lab.stop_daemon)
    fails(lab)
    lab.unchanged(before)


def test_failure_with_a_nic_of_network_manager_gives_it_back(lab):
    lab.dut("usb0")
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        with refused(bus.ERROR + "Failed", "dnsmasq"):
            lab.create("usb0")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    lab.unchanged()


def test_failure_leaves_forwarding_on_that_was_on(lab):
    lab.dut()
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.up0.forwarding=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv4.conf.up0.forwarding=0")
    lab.remember()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        fails(lab, "dnsmasq")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")


def test_failed_second_network_leaves_the_first_alone(lab):
    first = lab.dut("raw0")
    lab.dut("raw1")
    network = lab.create(first)
    first.dhcp()
    before = host.dump()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        with refused(bus.ERROR + "Failed", "dnsmasq"):
            lab.create("raw1", subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    lab.unchanged(before)
    equal(network.get("State"), "active", "the first network's state")
    equal(first.source_at(lan.ROUTER), lan.HOST, "the source")


def test_failed_update_leaves_the_network_as_it_was(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    before, properties = host.dump(), network.properties()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        with refused(bus.ERROR + "Failed", "dnsmasq"):
            network.update(dhcp_lease_time="5m", subnet="10.9.0.0/24", gateway_ip="10.9.0.1")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    network.wait_state("active", deadline=10)
    equal(network.get("Subnet"), properties["Subnet"], "the subnet")
    lab.unchanged(before)
    dut.dhcp()


def test_missing_interface_does_not_hinder_the_removal(lab):
    dut = lab.dut()
    before = lab.clean
    network = lab.create(dut)
    equal(network.get("State"), "active", "State")
    run("ip", "link", "delete", "raw0")
    lab.remove("raw0")
    equal(lab.networks(), {}, "the networks")
    lab.unchanged({**before, "NetworkManager": host.network_manager()})
    lab.before = None


def test_only_what_is_ours_is_killed(lab):
    """The pid file names somebody else's process by the time the network goes."""
    lab.dut()
    network = lab.create("raw0")
    innocent = lab.start("sleep", "60")
    with open(os.path.join(network.get("StateDir"), "dnsmasq.pid"), "w", encoding="ascii") as file:
        file.write(f"{innocent.pid}\n")
    lab.restart_daemon()
    lab.remove("raw0")
    assert innocent.poll() is None, "a process that is not ours was killed"


def test_crash_leaves_nothing_behind_for_good(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    lab.kill_daemon()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source while there is no daemon")
    wait_for(lab.bus.has_owner, "the daemon is back")
    network.wait_state("active")
    equal(len(host.servants()), 1, f"the number of programs: {host.servants()}")
    lab.remove(dut)
    lab.unchanged()


def test_update_leaves_a_pending_repair_pending(lab):
    dut = lab.dut()
    network = lab.create(dut)
    pid = network.dnsmasq()
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        os.kill(pid, signal.SIGKILL)
        network.wait_state("degraded")
        network.update(dhcp_force=True)
        equal(network.get("State"), "degraded", "State after an Update of something else")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    network.wait_state("active", deadline=10.0)
    dut.dhcp()
