# SPDX-License-Identifier: GPL-2.0-or-later
"""A transient network goes when its caller leaves the bus, whatever way it leaves and whatever the
daemon does meanwhile."""

import os
import signal
import subprocess
import sys

from gi.repository import Gio, GLib

from labkit import bus, host
from labkit.expect import equal
from labkit.process import run, stays, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


class Caller:
    def __init__(self, lab, *arguments):
        self.child = lab.start(sys.executable, "-m", "labkit.caller", *arguments, cwd=HERE,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        equal(self.says(), "asked", "the caller's first word")

    def says(self):
        return self.child.stdout.readline().strip()

    def end(self, number):
        self.child.send_signal(number)
        self.child.wait()


def with_network(lab, *interfaces):
    for interface in interfaces:
        lab.dut(interface)
    caller = Caller(lab, *interfaces)
    for _ in interfaces:
        equal(caller.says(), "made", "the reply")
    equal(sorted(lab.networks()), sorted(interfaces), "the networks")
    return caller


def gone(lab, deadline=8.0):
    wait_for(lambda: lab.networks() == {}, "the transient network is gone", deadline)
    lab.unchanged()
    # What says that a file's network was removed lasts until the next boot.
    left = [path for path in host.files(host.RUNTIME) if not path.endswith(("/lock", ".removed"))]
    equal(left, [], "the files below /run")


def test_goes_with_a_caller_that_closes_its_connection(lab):
    lab.dut()
    client = lab.client()
    client.manager("CreateNetwork", "(a{sv})",
                   bus.settings({"interface": "raw0", "transient": True}))
    equal(lab.network("raw0").get("Origin"), "transient", "Origin")
    client.close()
    gone(lab)


def test_goes_with_a_caller_that_exits(lab):
    lab.dut()
    run("busctl", "call", bus.NAME, bus.ROOT, bus.MANAGER, "CreateNetwork", "a{sv}", "2",
        "interface", "s", "raw0", "transient", "b", "true")
    gone(lab)


def test_goes_with_a_caller_that_is_killed(lab):
    with_network(lab, "raw0").end(signal.SIGKILL)
    gone(lab)


def test_goes_with_its_caller_alone(lab):
    first = with_network(lab, "raw0")
    second = Caller(lab, "raw0")
    # The same NIC as the first one's: refused, and no reason to remove anything.
    equal(second.says(), f"failed {bus.ERROR}NetworkExists", "the reply")
    second.end(signal.SIGKILL)
    stays(lambda: list(lab.networks()) == ["raw0"], "the first one's network is there", 0.3)
    first.end(signal.SIGTERM)
    gone(lab)


def test_two_of_one_caller_go_together(lab):
    caller = with_network(lab, "raw0", "raw1")
    caller.end(signal.SIGKILL)
    gone(lab)


def test_stays_over_a_restart_with_its_caller(lab):
    caller = with_network(lab, "raw0")
    pid = lab.network("raw0").dnsmasq()
    lab.restart_daemon()
    lab.network("raw0").wait_state("active")
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon is back")
    lab.network("raw0").wait_state("active")
    equal(lab.network("raw0").get("Origin"), "transient", "Origin")
    equal(lab.network("raw0").dnsmasq(), pid, "dnsmasq's pid")
    caller.end(signal.SIGKILL)
    gone(lab)


def test_caller_leaves_while_the_daemon_is_stopped(lab):
    caller = with_network(lab, "raw0")
    lab.stop_daemon()
    caller.end(signal.SIGKILL)
    assert host.servants(), "the network was taken down with the daemon"
    lab.start_daemon()
    gone(lab)


def test_caller_leaves_while_the_daemon_is_being_killed(lab):
    caller = with_network(lab, "raw0")
    pids = lab.daemon_pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    caller.end(signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the daemon is dead")
    wait_for(lab.bus.has_owner, "the daemon is back", 10)
    gone(lab)


def test_caller_leaves_before_the_reply(lab):
    lab.dut()
    lab.networks()
    for _ in range(4):
        Caller(lab, "raw0").end(signal.SIGKILL)
        # What the daemon has not read yet comes before this call.
        lab.networks()
        gone(lab)


def test_caller_leaves_while_the_service_is_being_activated(lab):
    lab.dut()
    lab.stop_daemon()
    Caller(lab, "raw0").end(signal.SIGKILL)
    wait_for(lab.bus.has_owner, "the daemon runs", 10)
    gone(lab)


def test_caller_that_wants_no_reply_has_its_network(lab):
    lab.dut()
    caller = Caller(lab, "--no-reply", "raw0")
    wait_for(lambda: lab.networks().get("raw0", ("",))[0] == "active", "the network is up")
    caller.end(signal.SIGTERM)
    equal(caller.child.stdout.read(), "", "what came in reply")
    gone(lab)


def test_caller_leaves_while_another_network_makes_room(lab):
    """The network that it asks for is made once the one before is gone, and the caller is by then."""
    lab.dut()
    lab.networks()
    for _ in range(4):
        lab.create("raw0")
        lab.bus.connection.call(bus.NAME, bus.ROOT, bus.MANAGER, "RemoveNetwork",
                                GLib.Variant("(s)", ("raw0",)), None, Gio.DBusCallFlags.NONE, -1,
                                None, None)
        Caller(lab, "raw0").end(signal.SIGKILL)
        lab.networks()
        gone(lab)
