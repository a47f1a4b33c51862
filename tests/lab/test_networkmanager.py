# SPDX-License-Identifier: GPL-2.0-or-later
"""NetworkManager starts late, restarts, dies, goes to sleep, is told otherwise: the NIC stays the
network's, its DUT notices nothing, and in the end NetworkManager gets back what is its."""

import contextlib
import os
import re
import signal
import subprocess
import time
from datetime import datetime

from labkit import host, lan
from labkit.dut import Dut
from labkit.expect import equal
from labkit.lab import HELD
from labkit.lan import Lan
from labkit.process import run, run_full, stays, wait_for
from labkit.whoami import Connection
from test_activation import active, with_idle_timeout

UNIT = "NetworkManager.service"
GATEWAY = "192.168.100.1"
OWN_ADDRESS = "172.31.6.1/24"
# What a repair may take at most, as the design has it.
REPAIR_SECONDS = 1.0


def nm_state(name):
    return host.network_manager().get(name, ("unknown",))[0]


def nm_pid():
    return int(run("systemctl", "show", "--property=MainPID", "--value", UNIT))


def start_network_manager():
    run("systemctl", "reset-failed", UNIT)  # or it is refused as the next one of too many
    run("systemctl", "start", UNIT)
    wait_for(Lan.is_up, "the upstream is back", 15)


def stop_network_manager(lab):
    """Until the test starts it again, or ends."""
    lab.undo.callback(start_network_manager)
    run("systemctl", "stop", UNIT)


def call_network_manager(method, value):
    run("busctl", "call", "org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
        "org.freedesktop.NetworkManager", method, "b", value)


def profile(lab, name, *settings):
    """A connection of the user's own on that NIC, with an address of its own, and connected."""
    run("nmcli", "connection", "add", "type", "ethernet", "con-name", f"of-{name}", "ifname", name,
        "ipv6.method", "link-local", "ipv4.method", "manual", "ipv4.addresses", OWN_ADDRESS, *settings)
    lab.undo.callback(run, "nmcli", "connection", "delete", f"of-{name}", expect=(0, 10))
    run("nmcli", "connection", "up", f"of-{name}")
    lab.remember()


def is_given_back(name="usb0"):
    return host.network_manager().get(name) == ("connected", f"of-{name}") \
        and any(OWN_ADDRESS in item for item in host.addresses()[name])


def has_its_network(name="usb0"):
    """The NIC is the network's, and has its address alone."""
    mine = [item for item in host.addresses()[name] if "/" in item and "fe80:" not in item]
    return nm_state(name) == "unmanaged" and len(mine) == 1 and mine[0].startswith(f"{GATEWAY}/24 ")


def addresses_found(name):
    """What the journal says about the addresses that the NIC had before."""
    return [line for line in host.read(f"{host.RUNTIME}/{name}.journal").splitlines()
            if line.startswith("address")]


def is_recorded(name):
    """Whether the journal says that NetworkManager is to get the NIC back."""
    return "\nmanaged=true\n" in host.read(f"{host.RUNTIME}/{name}.journal")


class Life:
    """A DUT at work: a lease, a connection to the LAN that lasts, and how long its gateway address
    was away."""

    def __init__(self, lab, dut):
        self.dut = dut
        self.address = dut.dhcp()["ip"]
        self.connection = Connection(dut.namespace, lan.ROUTER, timeout=10)
        lab.undo.callback(self.connection.close)
        self.log = f"/tmp/gateway-{dut.name}"
        with open(self.log, "w", encoding="ascii") as log:
            self.monitor = lab.start("ip", "-4", "-o", "-ts", "monitor", "address", "dev", dut.name,
                                     stdout=log, stderr=subprocess.DEVNULL)

    def away(self):
        """The longest time without the gateway address, in seconds."""
        gone, longest = None, 0.0
        for line in host.read(self.log).splitlines():
            if f"inet {GATEWAY}/" not in line:
                continue
            at = datetime.fromisoformat(re.findall(r"\[(.+?)\]", line)[-1]).timestamp()
            if " Deleted " not in line and gone is not None:
                longest, gone = max(longest, at - gone), None
            elif " Deleted " in line:
                gone = at
        assert gone is None, "the gateway address is away"
        return longest

    def check(self):
        """All of it is as before."""
        equal(self.connection.ask_again(), lan.HOST, "what the LAN sees of the same connection")
        equal(self.dut.dhcp()["ip"], self.address, "the DUT's address when it asks again")
        equal(self.dut.dig(lan.NAME, GATEWAY), [lan.NAME_ADDRESS], "the answer of the gateway's DNS")
        assert self.away() < REPAIR_SECONDS, f"the gateway address was away for {self.away():.3f} s"


def network_with_dut(lab, dut, **settings):
    network = lab.create(dut, dns_servers=[lan.ROUTER], **settings)
    return network, Life(lab, dut)


def plugged_in_unnoticed(lab, name):
    """A board that comes while NetworkManager is not there."""
    dut = Dut(name, "02:00:00:00:00:77")
    lab.duts.append(dut)
    wait_for(lambda: host.has_link_local(name), "its link is up")
    return dut


# It starts late

def test_nic_that_it_had_stays_ours_when_it_starts_late(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    stop_network_manager(lab)
    network, life = network_with_dut(lab, dut)
    start_network_manager()
    wait_for(has_its_network, "the NIC is the network's again")
    stays(has_its_network, "the NIC is the network's", 0.5)
    life.check()
    network.wait_state("active")
    network.call("Down")
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_nic_that_it_never_saw_stays_ours_when_it_starts_late(lab):
    stop_network_manager(lab)
    dut = plugged_in_unnoticed(lab, "usb0")
    lab.before = None
    network, life = network_with_dut(lab, dut)
    start_network_manager()
    wait_for(has_its_network, "the NIC is the network's again")
    life.check()
    network.call("Down")
    wait_for(lambda: nm_state("usb0") in HELD, "NetworkManager connects the NIC by itself")


def test_addresses_of_a_nic_that_it_never_saw_come_back(lab):
    stop_network_manager(lab)
    dut = plugged_in_unnoticed(lab, "usb0")
    run("ip", "address", "add", "172.31.7.1/24", "dev", "usb0")
    before = host.addresses()["usb0"]
    lab.before = None
    network_with_dut(lab, dut)
    start_network_manager()
    wait_for(has_its_network, "the NIC is the network's again")
    lab.remove(dut)
    wait_for(lambda: nm_state("usb0") == "connected (externally)", "NetworkManager only shows it")
    equal(host.addresses()["usb0"], before, "the addresses afterwards")


def test_profile_that_it_left_active_is_active_in_the_end(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0", "connection.autoconnect", "no")
    stop_network_manager(lab)
    network_with_dut(lab, dut)
    start_network_manager()
    wait_for(lambda: is_recorded("usb0"), "it is recorded")
    wait_for(has_its_network, "the NIC is the network's again")
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_nic_that_it_is_told_to_leave_is_left_to_nobody(lab):
    dut = lab.dut("raw0")
    stop_network_manager(lab)
    _, life = network_with_dut(lab, dut)
    start_network_manager()
    life.check()
    lab.remove(dut)
    equal(nm_state("raw0"), "unmanaged", "the state afterwards")


# It goes and comes back

def test_it_is_restarted_twice(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    _, life = network_with_dut(lab, dut)
    for _ in range(2):
        run("systemctl", "reset-failed", UNIT)
        run("systemctl", "restart", UNIT)
        wait_for(Lan.is_up, "the upstream is back", 15)
        assert has_its_network(), host.addresses()["usb0"]
        life.check()
    equal(life.away(), 0.0, "the seconds without the gateway address")
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_it_is_killed(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    _, life = network_with_dut(lab, dut)
    pid = nm_pid()
    lab.undo.callback(start_network_manager)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: nm_pid() not in (0, pid), "systemd starts it again")
    start_network_manager()
    wait_for(has_its_network, "the NIC is the network's")
    life.check()
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_network_that_goes_without_it_is_given_back_when_it_comes(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    network_with_dut(lab, dut)
    stop_network_manager(lab)
    start = time.monotonic()
    lab.remove(dut)
    assert time.monotonic() - start < 2, "the removal waited for NetworkManager"
    start_network_manager()
    wait_for(is_given_back, "NetworkManager has its connection again")
    wait_for(lambda: not os.path.exists(f"{host.RUNTIME}/network-manager.owed"), "nothing is owed")


def test_what_is_owed_to_it_outlives_the_daemon(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0", "connection.autoconnect", "no")
    network_with_dut(lab, dut)
    stop_network_manager(lab)
    lab.remove(dut)
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon runs again")
    start_network_manager()
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_daemon_stays_while_something_is_owed_to_it(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    with_idle_timeout(lab, 1)
    network_with_dut(lab, dut)
    stop_network_manager(lab)
    lab.remove(dut)
    stays(lab.bus.has_owner, "the service has its name", 2)
    start_network_manager()
    wait_for(is_given_back, "NetworkManager has its connection again")
    wait_for(lambda: active() == "inactive", "the unit has left", 6)


def test_what_is_owed_to_it_is_the_next_networks_to_give_back(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0", "connection.autoconnect", "no")
    network_with_dut(lab, dut)
    stop_network_manager(lab)
    lab.remove(dut)
    lab.create(dut)
    start_network_manager()
    stays(has_its_network, "the NIC is the network's", 0.5)
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_daemon_is_killed_while_it_is_away(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    stop_network_manager(lab)
    network, life = network_with_dut(lab, dut)
    lab.stop_daemon()
    start_network_manager()
    lab.start_daemon()
    network.wait_state("active")
    wait_for(has_its_network, "the NIC is the network's")
    life.check()
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_daemon_is_restarted_while_it_hangs(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    network, life = network_with_dut(lab, dut)
    pid = nm_pid()
    os.kill(pid, signal.SIGSTOP)
    lab.undo.callback(os.kill, pid, signal.SIGCONT)
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon runs again")
    equal(life.connection.ask_again(), lan.HOST, "what the LAN sees of the same connection")
    os.kill(pid, signal.SIGCONT)
    network.wait_state("active")
    life.check()
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


# Somebody tells it otherwise

def test_nic_is_taken_again_when_an_admin_gives_it_away(lab):
    dut = lab.dut("usb0")
    profile(lab, "usb0")
    network, life = network_with_dut(lab, dut)
    found = addresses_found("usb0")
    run("nmcli", "device", "set", "usb0", "managed", "yes")
    run_full("nmcli", "--wait", "0", "connection", "up", "of-usb0")  # it may be ours already
    wait_for(has_its_network, "the NIC is the network's again")
    stays(has_its_network, "the NIC is the network's", 0.5)
    life.check()
    network.wait_state("active")
    equal(addresses_found("usb0"), found, "the addresses to be given back")
    lab.remove(dut)
    wait_for(is_given_back, "NetworkManager has its connection again")


def test_nic_that_it_is_told_to_manage_meanwhile_is_managed_in_the_end(lab):
    dut = lab.dut("raw0")
    _, life = network_with_dut(lab, dut)
    lab.undo.callback(run, "nmcli", "general", "reload", "conf")
    lab.write("/etc/NetworkManager/conf.d/zz-raw.conf",
              "[keyfile]\nunmanaged-devices=interface-name:lo\n")
    run("nmcli", "general", "reload", "conf")
    wait_for(lambda: is_recorded("raw0"), "it is recorded")
    wait_for(lambda: has_its_network("raw0"), "the NIC is the network's again")
    life.check()
    lab.before = None
    lab.remove(dut)
    wait_for(lambda: nm_state("raw0") in HELD, "NetworkManager has the NIC")


# Suspend and resume, as logind tells it of them

def test_it_sleeps_and_wakes(lab):
    dut = lab.dut("usb0")
    network, life = network_with_dut(lab, dut)
    with contextlib.ExitStack() as awake:
        awake.callback(call_network_manager, "Sleep", "false")
        call_network_manager("Sleep", "true")
        assert has_its_network(), host.addresses()["usb0"]
    wait_for(Lan.is_up, "the upstream is back", 15)
    network.wait_state("active")
    assert has_its_network(), host.addresses()["usb0"]
    life.check()


def test_upstream_goes_and_comes_with_its_networking(lab):
    """What suspend does to a NIC that is no virtual one: veths it leaves up."""
    dut = lab.dut("usb0")
    entry = {"ip": "192.168.100.10", "mac": dut.mac, "public_ip": lan.FREE[0]}
    network = lab.create(dut, dns_servers=[lan.ROUTER], nat_mode="1to1", addresses=[entry])
    dut.dhcp()
    connection = Connection(dut.namespace, lan.ROUTER, timeout=10)
    lab.undo.callback(connection.close)
    equal(connection.source, lan.FREE[0], "the source that the LAN sees")
    with contextlib.ExitStack() as on:
        on.callback(call_network_manager, "Enable", "true")
        call_network_manager("Enable", "false")
        network.wait_state("degraded")
        assert has_its_network(), host.addresses()["usb0"]
        assert dut.pings(GATEWAY), "the DUT's network is there without the LAN"
    wait_for(Lan.is_up, "the upstream is back", 15)
    network.wait_state("active")
    wait_for(lambda: any(lan.FREE[0] in item for item in host.addresses()[lan.UPSTREAM]),
             "the public address is back")
    equal(connection.ask_again(), lan.FREE[0], "what the LAN sees of the same connection")
    assert has_its_network(), host.addresses()["usb0"]
    dut.serve()
    wait_for(lambda: lab.lan.reaches(lan.FREE[0]), "the LAN reaches the DUT")
