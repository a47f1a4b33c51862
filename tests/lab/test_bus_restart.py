# SPDX-License-Identifier: GPL-2.0-or-later
"""The system bus restarts or goes for a while, and the watchdog finds a daemon that hangs: the
networks stay, boards notice nothing, the daemon comes back by itself."""

import contextlib
import os
import signal

from labkit import bus, host, lan
from labkit.bus import Bus
from labkit.expect import equal
from labkit.lab import DAEMON_UNIT
from labkit.process import run, wait_for
from labkit.stream import Stream


def main_pid():
    return int(run("systemctl", "show", "--property=MainPID", "--value", DAEMON_UNIT))


def working_board(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    dut.dhcp()
    return dut, network, network.dnsmasq(), Stream(dut)


def back_by_itself(lab, dut, pid, stream):
    """Nobody calls the service by its name, which would start it."""
    wait_for(lab.bus.has_owner, "the service has its name again", 15)
    network = lab.network(dut)
    network.wait_state("active", deadline=10)
    stream.stop(lan.HOST)
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal(dut.dig("a.lab", "192.168.100.1"), ["10.1.1.1"], "the answer")
    network.add_dns("b.lab", "10.1.1.2")
    wait_for(lambda: dut.dig("b.lab", "192.168.100.1") == ["10.1.1.2"], "the new name is known")


def test_restart_of_the_bus(lab):
    dut, _, pid, stream = working_board(lab)
    old = lab.daemon_pid()
    lab.restart_bus()
    back_by_itself(lab, dut, pid, stream)
    assert lab.daemon_pid() != old, "the daemon has not noticed"


def test_bus_that_is_stopped_with_its_socket(lab):
    dut, _, pid, stream = working_board(lab)
    lab.restart_bus(("systemctl", "stop", "dbus.socket", "dbus.service"),
                    ("systemctl", "start", "dbus.socket"))
    back_by_itself(lab, dut, pid, stream)


def test_bus_that_is_killed(lab):
    dut, _, pid, stream = working_board(lab)
    lab.restart_bus(("systemctl", "kill", "--signal=KILL", "dbus.service"),
                    ("systemctl", "start", "dbus.service"))
    back_by_itself(lab, dut, pid, stream)


def test_transient_network_does_not_outlive_the_bus_of_its_caller(lab):
    """Unique names begin anew: somebody has the caller's name when the daemon asks."""
    lab.dut("raw0")
    client = lab.client()
    client.manager("CreateNetwork", "(a{sv})",
                   bus.settings({"interface": "raw0", "transient": True}))
    name = client.connection.get_unique_name()
    lab.stop_daemon()
    lab.restart_bus()
    other = Bus()
    while other.connection.get_unique_name() != name:
        number = int(other.connection.get_unique_name().split(".")[1])
        assert number < int(name.split(".")[1]), "the name was somebody's before: nothing is tested"
        other.close()
        other = Bus()
    lab.start_daemon()
    wait_for(lambda: lab.networks() == {}, "the transient network is gone", 8)
    other.close()
    lab.unchanged()


def test_watchdog_ends_a_daemon_that_hangs(lab):
    lab.drop_in("[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nLimitCORE=0\n")
    dut, _, pid, stream = working_board(lab)
    old = main_pid()
    os.kill(old, signal.SIGSTOP)
    with contextlib.ExitStack() as undo:
        undo.callback(lambda: os.path.exists(f"/proc/{old}") and os.kill(old, signal.SIGCONT))
        wait_for(lambda: main_pid() not in (0, old), "systemd has started it again", 15)
    back_by_itself(lab, dut, pid, stream)
    equal(len(host.servants()), 1, f"the number of programs: {host.servants()}")


def test_watchdog_is_fed_while_nothing_happens(lab):
    lab.drop_in("[Service]\nWatchdogSec=2s\n")
    lab.dut()
    lab.create("raw0")
    pid = main_pid()
    fed = run("systemctl", "show", "--property=WatchdogTimestampMonotonic", "--value", DAEMON_UNIT)
    for _ in range(3):
        last = fed
        wait_for(lambda last=last: run("systemctl", "show", "--value", DAEMON_UNIT,
                                       "--property=WatchdogTimestampMonotonic") != last,
                 "the watchdog is fed")
        fed = run("systemctl", "show", "--value", DAEMON_UNIT,
                  "--property=WatchdogTimestampMonotonic")
    equal(main_pid(), pid, "the daemon's pid")
