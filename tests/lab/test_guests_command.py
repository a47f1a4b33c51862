# SPDX-License-Identifier: GPL-2.0-or-later
"""`dutnetctl attach` and its kin choose the network that is meant, and make it where there is none."""

import os
import subprocess

from labkit import host
from labkit.expect import contains, equal
from labkit.process import run, run_full, wait_for
from test_guests import BRIDGE, guests


def with_bridge(name):
    return {**os.environ, "MICROVM_NETWORK_BRIDGE": name}


def test_beside_boards(lab):
    """A NIC's network is none for guests: their own is made, and found again."""
    first, second = lab.dut(), lab.dut("raw1")
    lab.create(first)
    run("dutnetctl", "attach", "vm-1")
    contains(run("dutnetctl", "guests"), "vm-1")
    lab.create(second, subnet="192.168.101.0/24")
    contains(run("dutnetctl", "guests", env=with_bridge(BRIDGE)), "vm-1")
    run("dutnetctl", "detach", "vm-1")
    equal(guests(lab.network(BRIDGE)), {}, "guests")
    for verb in (("detach", "vm-1"), ("guests",)):
        done = run_full("dutnetctl", *verb, env=with_bridge("br9"))
        equal(done.returncode, 1, "a bridge without a network")
        contains(done.stderr, "br9", "no network")
    lab.remove(BRIDGE)


def test_on_a_bridge_that_is_there(lab):
    run("ip", "link", "add", "br0", "type", "bridge")
    lab.undo.callback(run, "ip", "link", "delete", "br0")
    wait_for(lambda: "br0" in host.network_manager(), "NetworkManager has seen the bridge")
    run("nmcli", "device", "set", "br0", "managed", "no")
    lab.create(lab.dut())
    bridge = lab.create("br0", subnet="192.168.101.0/24")
    run("dutnetctl", "attach", "vm-1")
    equal(list(guests(bridge)), ["vm-1"], "guests of the only bridge")
    lab.remove("br0")


def test_several_at_once(lab):
    """As a boot starts them, on a host that has no network yet."""
    started = [lab.start("dutnetctl", "attach", f"vm-{number}", stdout=subprocess.DEVNULL)
               for number in range(6)]
    equal([child.wait() for child in started], [0] * 6, "exit codes")
    equal(len(guests(lab.network(BRIDGE))), 6, "how many guests there are")
    lab.remove(BRIDGE)


def test_values_of_the_environment_that_are_none(lab):
    for name, value in (("BRIDGE", "all"), ("BRIDGE", "a/b"), ("SUBNET", "127.0.0.0/8"),
                        ("SUBNET", "224.0.0.0/24"), ("EGRESS", BRIDGE), ("MTU", "12")):
        done = run_full("dutnetctl", "attach", "vm-1",
                        env={**os.environ, f"MICROVM_NETWORK_{name}": value})
        equal(done.returncode, 0, f"{name}={value}: {done.stderr}")
        contains(done.stderr, f"MICROVM_NETWORK_{name}", value, "is used")
        equal(list(guests(lab.network(BRIDGE))), ["vm-1"], "the guests of the default")
        lab.remove(BRIDGE)
