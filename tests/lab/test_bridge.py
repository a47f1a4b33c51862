# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks on a bridge of their own making: made, served, repaired, and gone with the network."""

import contextlib
import json
import os

from labkit import bus, host, lan
from labkit.expect import equal, refused
from labkit.process import run, wait_for
from test_guests import attach

BRIDGE = "fcbr0"
SUBNET = "172.30.0.0/24"


def create(lab, **keys):
    return lab.create(BRIDGE, **{"create": "bridge", "subnet": SUBNET, **keys})


def link(name=BRIDGE):
    return json.loads(run("ip", "-d", "-j", "link", "show", name))[0]


def plug(dut):
    """What is behind that NIC is behind the bridge."""
    run("ip", "link", "set", dut.name, "master", BRIDGE)


def exists(name=BRIDGE):
    return os.path.exists(f"/sys/class/net/{name}")


def test_bridge_is_made_and_serves(lab):
    dut = lab.dut("raw1")
    network = create(lab, mtu=1400)
    equal(network.get("State"), "active", "the state without a single port")
    made = link()
    equal(made["linkinfo"]["info_kind"], "bridge", "what was made")
    data = made["linkinfo"]["info_data"]
    equal((data["stp_state"], data["forward_delay"], made["mtu"]), (0, 0, 1400), "as it was made")
    wait_for(lambda: host.network_manager().get(BRIDGE, ("unmanaged",))[0] == "unmanaged",
             "NetworkManager leaves it alone")
    with refused(bus.ERROR + "NetworkExists"):
        create(lab)

    plug(dut)
    equal(dut.dhcp()["router"], "172.30.0.1", "the gateway of a board behind the bridge")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "what the LAN sees")
    now = link()
    equal((now["mtu"], now["address"]), (1400, made["address"]), "MTU and MAC with a port of 1500")
    network.update(mtu=1500)
    equal((link()["mtu"], link()["ifindex"]), (1500, made["ifindex"]), "the same bridge, updated")
    assert dut.reaches(lan.ROUTER), "the way out is open after an update"

    network.call("Down")
    assert not exists(), "the bridge goes with the network"
    network.call("Up")
    equal(link()["address"], made["address"], "the MAC of the next one")
    equal(network.get("State"), "active", "the state after Down and Up")


def test_existing_bridge_is_used_as_it_is(lab):
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    lab.undo.callback(run, "ip", "link", "delete", BRIDGE)
    run("ip", "link", "set", BRIDGE, "mtu", 1300)
    wait_for(lambda: BRIDGE in host.network_manager(), "NetworkManager has seen the bridge")
    run("nmcli", "device", "set", BRIDGE, "managed", "no")
    lab.remember()
    before = link()
    network = create(lab, mtu=1400)
    equal(network.get("State"), "active", "the state on a bridge that was there")
    equal((link()["mtu"], link()["address"]), (1300, before["address"]), "it is as it was")
    lab.remove(BRIDGE)
    equal(link()["ifindex"], before["ifindex"], "it is there when the network has gone")
    lab.unchanged()


def test_guests_leave_an_existing_bridge_its_mtu(lab):
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    lab.undo.callback(run, "ip", "link", "delete", BRIDGE)
    wait_for(lambda: BRIDGE in host.network_manager(), "NetworkManager has seen the bridge")
    run("nmcli", "device", "set", BRIDGE, "managed", "no")
    lab.remember()
    network = create(lab)
    mtu = link()["mtu"]
    for guest, wish, given in (("vm-1", {}, mtu), ("vm-2", {"mtu": 1300}, 1300), ("vm-3", {"mtu": 2000}, 2000),
                               ("vm-4", {}, mtu)):
        answer = attach(network, guest, **wish)
        equal((answer["mtu"], link(answer["tap_name"])["mtu"]), (given, given), f"the MTU of {guest}")
        equal(link()["mtu"], mtu, f"the bridge's MTU with {guest}")
    lab.restart_daemon()
    lab.network(BRIDGE).wait_state("active")
    equal([link()["mtu"], *(link(guest["tap_name"])["mtu"] for guest in network.get("Guests"))],
          [mtu, mtu, 1300, 2000, mtu], "after a restart")
    lab.remove(BRIDGE)
    equal(link()["mtu"], mtu, "the bridge's MTU afterwards")


def test_bridge_that_somebody_takes_away_is_back(lab):
    network = create(lab)
    signals = lab.signals()
    before = link()
    run("ip", "link", "delete", BRIDGE)
    signals.wait_property(network.path, "State", "active")
    assert link()["ifindex"] != before["ifindex"], "it is another bridge"
    equal(link()["address"], before["address"], "with the MAC of the one before")

    run("ip", "link", "set", BRIDGE, "down")
    run("ip", "link", "set", BRIDGE, "name", "other0")
    signals.wait_property(network.path, "State", "active")
    assert exists() and not exists("other0"), "one that was renamed is made anew, and goes"

    lab.stop_daemon()
    run("ip", "link", "delete", BRIDGE)
    lab.start_daemon()
    wait_for(lambda: exists() and lab.networks()[BRIDGE][0] == "active",
             "one that went while there was no daemon is back")


def test_bridge_outlives_the_daemon(lab):
    dut = lab.dut("raw1")
    create(lab)
    plug(dut)
    dut.dhcp()
    before = link()
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back")
    equal(link()["ifindex"], before["ifindex"], "the bridge is the same")
    assert dut.reaches(lan.ROUTER), "and its port has a way out"
    lab.remove(BRIDGE)
    assert not exists(), "and it goes with the network"


def test_guests_are_apart_where_they_are_to_be(lab):
    """Even by the gateway's help, and, where bridged packets pass the rules, not otherwise."""
    boards = [lab.dut("raw1"), lab.dut("raw2")]
    network = create(lab)
    for board in boards:
        plug(board)
    addresses = [board.dhcp()["ip"] for board in boards]
    assert boards[0].pings(addresses[1]), "boards on one bridge reach each other"
    with contextlib.suppress(FileNotFoundError), \
            open("/proc/sys/net/bridge/bridge-nf-call-iptables", "r+", encoding="ascii") as knob:
        before = knob.read()
        knob.write("1")
        knob.flush()
        try:
            assert boards[0].pings(addresses[1]), "and where bridged packets pass the rules"
        finally:
            knob.write(before)

    boards[0].run("ip", "route", "add", f"{addresses[1]}/32", "via", "172.30.0.1")
    boards[1].run("ip", "route", "add", f"{addresses[0]}/32", "via", "172.30.0.1")
    assert boards[0].pings(addresses[1]), "by the gateway as well"
    network.update(isolate_guests=True)
    assert not boards[0].pings(addresses[1]), "the gateway does not lead around isolation"
    assert boards[0].reaches(lan.ROUTER), "and the way out is open"


def test_what_cannot_be_made_is_refused(lab):
    dut = lab.dut("raw0")
    with refused(bus.ERROR + "InterfaceInUse", "interface", "raw0", "no bridge"):
        lab.create(dut, create="bridge")
    lab.unchanged()
    for keys, words in (({"create": "switch"}, ("create", "switch", "bridge")),
                        ({"mtu": 575}, ("mtu", "575")), ({"mtu": 65522}, ("mtu", "65522")),
                        ({"isolate_guests": "perhaps"}, ("isolate_guests", "perhaps")),
                        ({"create": "", "mtu": 1400}, ("mtu", "1400", "create"))):
        with refused(bus.INVALID_ARGS, *words):
            create(lab, **keys)
    with refused(bus.INVALID_ARGS, "create", "match"):
        lab.bus.manager("CreateNetwork", "(a{sv})", bus.settings(
            {"match": {"mac": "02:00:00:00:00:55"}, "create": "bridge"}))
    assert not exists(), "nothing is left of what was refused"

    network = create(lab)
    for keys in ({"create": ""}, {"mtu": 70000}):
        with refused(bus.INVALID_ARGS, next(iter(keys))):
            network.update(**keys)
    equal(network.get("State"), "active", "the state after refusals")
