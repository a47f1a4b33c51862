# SPDX-License-Identifier: GPL-2.0-or-later
"""The wall clock jumps by a day, for the daemon alone (libfaketime; the machine's clock is left
alone): repairs, the watchdog and signals go by the time that runs evenly."""

import glob
import os
import signal

from labkit import bus, host
from labkit.expect import equal
from labkit.lab import DAEMON_UNIT
from labkit.process import run, wait_for

LIBRARY = "faketime/libfaketimeMT.so.1"
OFFSET = "/run/lab-clock"


class Clock:
    """The daemon's: everything else of the lab has the real one."""

    def __init__(self, lab):
        self.lab = lab
        library = (glob.glob(f"/usr/lib*/{LIBRARY}") + glob.glob(f"/usr/lib/*/{LIBRARY}"))[0]
        lab.write(OFFSET, "+0\n")
        lab.drop_in("[Service]\nWatchdogSec=2s\nEnvironment="
                    f"LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={OFFSET} FAKETIME_NO_CACHE=1 "
                    "FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1\n")

    def jump(self, offset):
        with open(f"{OFFSET}.new", "w", encoding="ascii") as file:
            file.write(f"{offset}\n")
        os.rename(f"{OFFSET}.new", OFFSET)


def fed():
    return int(run("systemctl", "show", "--property=WatchdogTimestampMonotonic", "--value",
                   DAEMON_UNIT))


def watchdog_is_fed():
    before = fed()
    wait_for(lambda: fed() > before, "the watchdog is fed", 5)


def another_dnsmasq(network, pid):
    try:
        return network.dnsmasq() != pid
    except (FileNotFoundError, ValueError):
        return False  # between two of them


def repaired(network, deadline=8):
    """dnsmasq dies, and with it goes a wait: its back-off."""
    pid = network.dnsmasq()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: another_dnsmasq(network, pid), "another dnsmasq", deadline)
    network.wait_state("active", deadline=deadline)


def test_clock_that_jumps_by_a_day(lab):
    clock = Clock(lab)
    dut = lab.dut()
    network = lab.create(dut, dhcp_lease_time="1h")
    dut.dhcp()
    wait_for(network.leases, "the lease is known")
    pid = lab.daemon_pid()
    signals = lab.signals()

    clock.jump("+1d")
    # By that clock it has run out; dnsmasq, whose clock has not jumped, still has it.
    wait_for(lambda: network.leases() == [], "the lease has run out by the clock")
    repaired(network)
    network.add_address("192.168.100.20", hostname="b")
    signals.wait("AddressAdded", network.path)
    watchdog_is_fed()

    clock.jump("-1d")
    equal([lease["mac"] for lease in network.leases()], [dut.mac], "the leases")
    equal(network.call("GetDutIp", "(s)", dut.mac), dut.lease()["ip"], "the DUT's address")
    repaired(network)
    network.remove_address("192.168.100.20")
    signals.wait("AddressRemoved", network.path)
    dut.dhcp()
    watchdog_is_fed()
    equal(lab.daemon_pid(), pid, "the daemon's pid")


def test_clock_that_jumps_between_two_lives(lab):
    """The journal and what was stored say nothing by the clock."""
    clock = Clock(lab)
    lab.dut()
    network = lab.create("raw0")
    pid, before = network.dnsmasq(), host.dump()
    for offset in ("+365d", "-365d"):
        clock.jump(offset)
        lab.restart_daemon()
        network.wait_state("active")
        equal(network.dnsmasq(), pid, f"dnsmasq's pid after {offset}")
    lab.unchanged(before)


def test_nic_is_taken_whatever_the_clock_says_of_udevs_record(lab):
    """The hand-over compares the age of a file with the clock: a record of the future is old."""
    clock = Clock(lab)
    clock.jump("-1d")
    lab.dut("usb0")
    index = host.read("/sys/class/net/usb0/ifindex")
    lab.write("/run/udev/control", "")
    lab.write(f"/run/udev/data/n{index}", "")
    network = lab.create("usb0", dhcp_force=True)
    equal(network.get("State"), "active", "State")
    equal(host.network_manager()["usb0"][0], "unmanaged", "NetworkManager's state of it")
    assert bus.path_of("usb0") == network.path
