# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's TAP is the service's, whatever else has its name, and there whenever it is opened."""

import fcntl
import os
import signal

from gi.repository import GLib

from labkit import bus, host
from labkit.expect import contains, equal, refused
from labkit.process import as_user, run, run_full, wait_for
from test_guests import (BRIDGE, FAILED, SUBNET, allow_two, attach, create, derived, detach, guests,
                         link, open_guest, taps)
from test_polkit import ALICE, BOB

TUNSETPERSIST = 0x400454cb


def is_up(lab):
    wait_for(lambda: lab.networks().get(BRIDGE, ("",))[0] in ("active", "degraded"), "it is up")


def test_somebody_elses_is_not_handed_out(lab):
    """After a boot another user has a TAP of the name."""
    network = create(lab)
    allow_two(lab)
    words = as_user(ALICE, "dutnetctl", "--no-ask-password")
    run(*words, "attach", "vm-1")
    other = attach(network, "vm-3")["tap_name"]
    name = derived("vm-1")[0]
    lab.stop_daemon()
    for each in (name, BRIDGE):
        run("ip", "link", "delete", each)
    run("ip", "tuntap", "add", name, "mode", "tap", "user", BOB)
    lab.undo.callback(run_full, "ip", "link", "delete", name)
    lab.start_daemon()
    is_up(lab)
    equal(network.get("State"), "degraded", "the state while a guest has no TAP")
    contains(network.get("Error"), "vm-1", name)
    equal(link(other).get("master"), BRIDGE, "the other guest's TAP")
    for call in (open_guest, attach):
        with refused(FAILED, name):
            call(network, "vm-1")
    done = run_full(*words, "with-tap", "vm-1", "--", "/bin/echo", "opened {fd}")
    assert done.returncode != 0 and "opened" not in done.stdout, f"Alice has Bob's TAP: {done}"
    equal((link(name).get("master"), link(name)["linkinfo"]["info_data"]["user"]), (None, BOB),
          "Bob's TAP")

    run("ip", "link", "delete", name)
    network.wait_state("active")
    equal((link(name).get("master"), network.get("Error")), (BRIDGE, ""), "when that has gone")
    run(*words, "with-tap", "vm-1", "--", "/bin/echo", "opened {fd}")


def test_detached_one_degrades_nobody(lab):
    network = create(lab)
    name = attach(network, "vm-1")["tap_name"]
    network.call("Down")
    run("ip", "tuntap", "add", name, "mode", "tap")
    lab.undo.callback(run_full, "ip", "link", "delete", name)
    network.call("Up")
    equal(network.get("State"), "degraded", "the state while a guest has no TAP")
    detach(network, "vm-1")
    network.wait_state("active")
    lab.remove(BRIDGE)
    equal(taps(), [name], "somebody else's TAP")
    run("ip", "link", "delete", name)


def test_missing_one_is_made_before_it_is_opened(lab):
    """Its owner lets it go by his own descriptor."""
    network = create(lab)
    name = attach(network, "vm-1")["tap_name"]
    for _ in range(10):
        fd = open_guest(network, "vm-1")[0]
        fcntl.ioctl(fd, TUNSETPERSIST, 0)
        os.close(fd)
        fd = open_guest(network, "vm-1")[0]
        made = link(name)
        equal((made.get("master"), made.get("ifalias")), (BRIDGE, f"dut-network guest of {BRIDGE}"),
              "what was opened")
        os.close(fd)
    fd = open_guest(network, "vm-1")[0]
    fcntl.ioctl(fd, TUNSETPERSIST, 0)
    os.close(fd)
    equal(attach(network, "vm-1")["tap_name"], name, "attached again")
    equal(link(name).get("master"), BRIDGE, "there when that is answered")


def test_one_that_has_just_gone_is_put_back(lab):
    """The daemon has not heard of it when it is asked."""
    network = create(lab)
    name = attach(network, "vm-1")["tap_name"]
    answers = []

    def done(connection, result):
        _, fds = connection.call_with_unix_fd_list_finish(result)
        answers.extend(fds.steal_fds())

    for n in range(1, 6):
        pid = lab.daemon_pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            network.bus.connection.call_with_unix_fd_list(
                bus.NAME, network.path, bus.NETWORK, "OpenGuest",
                GLib.Variant("(sa{sv})", ("vm-1", {})), None, 0, 20000, None, None, done)
            network.bus.connection.flush_sync(None)
            run("ip", "link", "delete", name)
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda n=n: len(answers) == n, "it is opened")
        equal(link(name).get("master"), BRIDGE, "what was opened")
        os.close(answers[-1])


def test_bridge_that_is_none_any_more(lab):
    """A NIC has its name now: its boards have the network, and the guests no TAP."""
    dut = lab.dut("raw0")
    lab.undo.callback(run_full, "ip", "link", "set", "rawbr", "name", "raw0")
    run("ip", "link", "add", "rawbr", "type", "bridge")
    run("ip", "link", "set", "rawbr", "up")
    wait_for(lambda: "rawbr" in host.network_manager(), "NetworkManager has seen the bridge")
    network = lab.create("rawbr", subnet=str(SUBNET))
    attach(network, "vm-1")
    run("ip", "link", "delete", "rawbr")
    network.wait_state("waiting")
    run("ip", "link", "set", "raw0", "name", "rawbr")
    network.wait_state("degraded")
    contains(network.get("Error"), "vm-1", "rawbr is no bridge")
    dut.dhcp()
    with refused(FAILED, "rawbr", "no bridge"):
        attach(network, "vm-2")
    detach(network, "vm-1")
    network.wait_state("active")
    equal((taps(), guests(network)), ([], {}), "what is left of the guest")
    lab.remove("rawbr")
    run("ip", "link", "set", "rawbr", "name", "raw0")


def test_file_makes_no_tap_of_a_bridge_with_guests(lab):
    lab.networks()
    head = f"interface: {BRIDGE}\nsubnet: {SUBNET}\n"
    lab.configure("br.yaml", head + "create: bridge\n")
    lab.reload()
    network = lab.network(BRIDGE)
    network.wait_state("active")
    attach(network, "vm-1")
    lab.configure("br.yaml", head + f"create: tap\nowner: {ALICE}\n")
    with refused(FAILED, BRIDGE, "no bridge"):
        lab.reload()
    network.wait_state("active")
    equal(link(derived("vm-1")[0]).get("master"), BRIDGE, "the guest's TAP")
