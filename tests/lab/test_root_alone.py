# SPDX-License-Identifier: GPL-2.0-or-later
"""What root alone may set, whatever polkit grants: enable_tcpdump where it has been false."""

from labkit import bus
from labkit.expect import equal
from test_polkit import CAROL, error_name, rule

MANAGES = """
polkit.addRule(function(action, subject) {
    if ((action.id == "org.jumpstarter.DutNetwork.manage" ||
         action.id == "org.jumpstarter.DutNetwork.capture") && subject.user == "lab-carol" &&
        (action.lookup("interface") == "raw0" || action.lookup("interface") == "raw1"))
            return polkit.Result.YES;
});
"""
FILE = "interface: raw0\nenable_tcpdump: false\n"


def update(network, changes):
    return error_name(CAROL, network.path, bus.NETWORK, "Update", "(a{sv})", f"({changes},)")


def manager(method, signature, arguments):
    return error_name(CAROL, bus.ROOT, bus.MANAGER, method, signature, arguments)


def create(settings):
    return manager("CreateNetwork", "(a{sv})", f"({settings},)")


def load(text):
    return manager("LoadConfig", "(s)", f"({text!r},)")


def captures(network):
    return network.status()["settings"]["enable_tcpdump"]


def test_captures_are_roots_to_allow_again(lab):
    lab.dut()
    rule(lab, "10-lab", MANAGES)
    network = lab.create("raw0", enable_tcpdump=False)
    equal(update(network, "{'enable_tcpdump': <true>}"), bus.ACCESS_DENIED, "Carol's Update")
    equal(load("interface: raw0"), bus.ACCESS_DENIED, "Carol's LoadConfig, by the default")
    equal(load("interface: raw0\nenable_tcpdump: true"), bus.ACCESS_DENIED, "Carol's LoadConfig")
    equal(captures(network), False, "the setting")
    equal(update(network, "{'dhcp_enabled': <false>}"), "", "Carol's Update of another key")
    equal(load("interface: raw0\nenable_tcpdump: false"), "", "Carol's LoadConfig that leaves it so")
    network.update(enable_tcpdump=True)
    equal(update(network, "{'enable_tcpdump': <true>}"), "", "Carol's Update to what it is")
    equal(update(network, "{'enable_tcpdump': <false>}"), "", "Carol's Update that forbids it")
    equal(update(network, "{'enable_tcpdump': <true>}"), bus.ACCESS_DENIED, "Carol's Update back")


def test_captures_stay_forbidden_where_a_files_network_was_removed(lab):
    """Whoever may remove it may not make it anew without what the file says of captures."""
    dut = lab.dut()
    lab.dut("raw1")
    rule(lab, "10-lab", MANAGES)
    lab.configure("50-lab.yaml", FILE)
    lab.reload()
    equal(manager("RemoveNetwork", "(s)", "('raw0',)"), "", "Carol's RemoveNetwork")
    equal(create("{'interface': <'raw0'>}"), bus.ACCESS_DENIED, "Carol's CreateNetwork")
    equal(load("interface: raw0"), bus.ACCESS_DENIED, "Carol's LoadConfig")
    match = f"{{'interface': <'board'>, 'match': <{{'mac': <'{mac_of(dut)}'>}}>}}"
    equal(create(match), bus.ACCESS_DENIED, "Carol's CreateNetwork by another name")
    equal(lab.networks(), {}, "the networks")
    equal(create("{'interface': <'raw1'>}"), "", "Carol's CreateNetwork on another NIC")
    equal(create("{'interface': <'raw0'>, 'enable_tcpdump': <false>, 'subnet': <'10.9.0.0/24'>,"
                 " 'gateway_ip': <'10.9.0.1'>}"), "", "Carol's CreateNetwork that leaves it so")
    lab.remove("raw0")
    lab.create("raw0", subnet="10.9.0.0/24", gateway_ip="10.9.0.1")


def mac_of(dut):
    with open(f"/sys/class/net/{dut.name}/address", encoding="ascii") as file:
        return file.read().strip()
