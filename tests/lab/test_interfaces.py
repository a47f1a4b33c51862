# SPDX-License-Identifier: GPL-2.0-or-later
"""NICs that come, go and are renamed, and NICs that are known by something else than their name."""

import contextlib
import os
import random
import signal
import socket
import time

from gi.repository import GLib

from labkit import bus, host, lan, whoami
from labkit.bus import path_of, settings
from labkit.expect import contains, equal, lacks, refused
from labkit.lab import Network
from labkit.netns import veth
from labkit.process import as_user, run, run_full, stays, wait_for

BOARD_MAC = "02:00:00:00:00:01"
NIC_MAC = "02:00:00:0a:0b:0c"
NAMED = "mac-0200000a0b0c"
UDEV_DATA = "/run/udev/data"
ID_PATH = "pci-0000:00:14.0-usb-0:2.3:1.0"
# Linux: NETLINK_KOBJECT_UEVENT, and the group of what udev has worked off.
KOBJECT_UEVENT, UDEV_GROUP = 15, 2


def create(lab, **keys):
    return Network(lab.bus, lab.bus.manager("CreateNetwork", "(a{sv})", settings(keys)))


def board(lab, name="raw0", nic_mac=NIC_MAC):
    """A board whose NIC on the host has a MAC address of its own choice."""
    dut = lab.dut(name, BOARD_MAC)
    run("ip", "link", "set", name, "address", nic_mac)
    lab.remember()
    return dut


def unplug(dut):
    run("ip", "link", "delete", dut.name)


def plug(dut, name, nic_mac=NIC_MAC, index=None):
    """The same board on the host again, perhaps by another name."""
    number = ("index", index) if index else ()
    run("ip", "link", "add", name, *number, "address", nic_mac, "type", "veth", "peer", "name", "eth0",
        "address", BOARD_MAC, "netns", dut.namespace.name)
    dut.run("ip", "link", "set", "eth0", "up")
    run("ip", "link", "set", name, "up")
    dut.name = name


def rename(dut, name):
    run("ip", "link", "set", dut.name, "name", name)
    dut.name = name


def wait_interface(network, name, deadline=3.0):
    wait_for(lambda: network.get("Interface") == name and network.get("State") == "active",
             f"{network.path} is active on {name}", deadline)


def udev_event():
    """As systemd-udevd tells of a network device it has worked off."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, KOBJECT_UEVENT) as sock:
        sock.bind((0, 0))
        sock.sendto(b"libudev\0" + b"\0" * 32 + b"ACTION=add\0SUBSYSTEM=net\0", (0, UDEV_GROUP))


def test_nic_is_found_by_its_mac(lab):
    dut = board(lab)
    network = create(lab, match={"mac": NIC_MAC.upper()})
    equal(network.path, path_of(NAMED), "the object path")
    equal((network.get("Name"), network.get("Interface"), network.get("State")),
          (NAMED, "raw0", "active"), "name, interface and state")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    equal(network.status()["settings"]["match"], {"mac": NIC_MAC}, "the settings")
    lacks(network.status()["settings"], "interface")


def test_network_waits_for_the_nic_of_a_mac_and_follows_it(lab):
    dut = board(lab)
    unplug(dut)
    network = create(lab, match={"mac": NIC_MAC})
    equal((network.get("State"), network.get("Interface")), ("waiting", ""), "state and interface")
    signals = lab.signals()
    plug(dut, "raw7")
    signals.wait_property(network.path, "State", "active")
    equal(network.get("Interface"), "raw7", "the interface")
    with frozen(lab):  # which has not read of the lease before it lets go of the NIC
        address = dut.dhcp()["ip"]
        unplug(dut)
    signals.wait_property(network.path, "State", "waiting")
    equal(network.get("Interface"), "", "the interface while it is away")
    equal([lease["ip"] for lease in network.leases()], [address], "the leases while it is away")
    plug(dut, "raw8")
    signals.wait_property(network.path, "State", "active")
    equal([lease["ip"] for lease in network.leases()], [address], "the leases")
    equal(dut.dhcp()["ip"], address, "the board's address after it was plugged in again")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    lab.before = None  # the NIC is another one than it was


def test_renamed_nic_stays_the_network_s(lab):
    dut = board(lab)
    network = create(lab, match={"mac": NIC_MAC}, dns_entries=[
        {"hostname": "here.lab", "ip": "10.1.2.3"}])
    dut.dhcp()
    connection = whoami.Connection(dut.namespace, lan.ROUTER)
    rename(dut, "raw5")
    wait_interface(network, "raw5")
    equal(connection.ask_again(), lan.HOST, "the source over the connection")
    connection.close()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new one")
    wait_for(lambda: dut.dig_status("here.lab", "192.168.100.1") == "NOERROR", "DNS is back")
    contains(network.call("GetNatRules"), '"raw5"')
    lacks(network.call("GetNatRules"), '"raw0"')
    run("ip", "link", "set", "raw5", "name", "raw0")
    dut.name = "raw0"
    wait_interface(network, "raw0")
    lab.remove(NAMED)
    lab.unchanged()


def test_nic_renamed_while_there_is_no_daemon(lab):
    dut = board(lab)
    network = create(lab, match={"mac": NIC_MAC})
    dut.dhcp()
    lab.stop_daemon()
    rename(dut, "raw5")
    lab.start_daemon()
    wait_interface(network, "raw5")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    lab.remove(NAMED)
    rename(dut, "raw0")
    lab.unchanged()


def exchange_names():
    for old, new in (("raw0", "raw9"), ("raw1", "raw0"), ("raw9", "raw1")):
        run("ip", "link", "set", old, "name", new)


def test_two_nics_that_exchange_their_names_keep_their_networks(lab):
    """Without a daemon, and with one: each finds the other's name in what they share."""
    duts = board(lab), board(lab, "raw1", "02:00:00:0a:0b:0d")
    networks = [create(lab, match={"mac": NIC_MAC}),
                create(lab, match={"mac": "02:00:00:0a:0b:0d"}, subnet="192.168.101.0/24",
                       gateway_ip="192.168.101.1")]
    lab.stop_daemon()
    exchange_names()
    lab.start_daemon()
    all_is_well(networks, ["raw1", "raw0"], duts)
    exchange_names()
    all_is_well(networks, ["raw0", "raw1"], duts)


def all_is_well(networks, names, duts):
    wait_for(lambda: [network.get("Interface") for network in networks] == names,
             "the networks follow their NICs")
    for network in networks:
        network.wait_state("active", deadline=5)
    for dut in duts:
        dut.dhcp()
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_network_of_a_name_lets_a_renamed_nic_go(lab):
    dut = board(lab)
    network = lab.create(dut)
    dut.dhcp()
    rename(dut, "raw5")
    network.wait_state("waiting")
    lacks(" ".join(host.addresses()["raw5"]), "192.168.100.1/")
    equal(host.read("/proc/sys/net/ipv4/conf/raw5/forwarding"), "0", "forwarding of the renamed NIC")
    rename(dut, "raw0")
    network.wait_state("active")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source once it has its name again")


def test_nic_that_went_while_there_was_no_daemon(lab):
    dut = board(lab)
    network = lab.create(dut)
    dut.dhcp()
    lab.stop_daemon()
    unplug(dut)
    lab.start_daemon()
    network.wait_state("waiting")
    equal(host.servants(), {}, "the programs")
    lacks("\n".join(host.ruleset()), "jumpstarter_raw0")
    plug(dut, "raw0")
    network.wait_state("active")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    lab.before = None


def test_nic_exchanged_while_there_was_no_daemon(lab):
    dut = board(lab)
    network = lab.create(dut)
    dut.dhcp()
    lab.stop_daemon()
    unplug(dut)
    plug(dut, "raw0")
    lab.start_daemon()
    network.wait_state("active")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    assert dut.dig_status("nowhere.lab", "192.168.100.1"), "the name server does not answer"
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    lab.before = None


def test_nic_is_found_by_where_it_is_plugged_in(lab):
    """udev's record is a file; its event tells that it is there."""
    dut = board(lab)
    unplug(dut)
    network = create(lab, interface="port-3", match={"path": ID_PATH})
    equal((network.get("Name"), network.get("State")), ("port-3", "waiting"), "name and state")
    plug(dut, "raw4", index=7001)
    stays(lambda: network.get("State") == "waiting", "waiting without udev's word", 0.2)
    os.makedirs(UDEV_DATA, exist_ok=True)
    lab.write(f"{UDEV_DATA}/n7001", f"I:1\nE:ID_PATH={ID_PATH}\nG:systemd\nQ:systemd\nV:1\n")
    udev_event()
    wait_interface(network, "raw4")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    lab.remove("port-3")
    lab.before = None


def test_several_nics_that_fit_are_named(lab):
    first = board(lab, "raw0")
    second = lab.dut("raw1", "02:00:00:00:00:02")
    run("ip", "link", "set", "raw1", "address", NIC_MAC)
    lab.remember()
    network = create(lab, match={"mac": NIC_MAC})
    equal(network.get("State"), "waiting", "State")
    contains(network.get("Error"), "raw0", "raw1")
    run("ip", "link", "set", "raw1", "address", "02:00:00:00:00:99")
    wait_interface(network, "raw0")
    equal(network.get("Error"), "", "Error")
    first.dhcp()
    run("ip", "link", "set", "raw1", "address", NIC_MAC)
    equal((second.name, network.get("State")), ("raw1", "active"), "State once one is taken")
    lab.remove(NAMED)


def test_vlan_like_interfaces_of_the_same_mac_do_not_count(lab):
    dut = board(lab)
    run("ip", "link", "add", "link", "raw0", "name", "tapmac", "address", NIC_MAC, "type", "macvlan")
    network = create(lab, match={"mac": NIC_MAC})
    equal((network.get("State"), network.get("Interface")), ("active", "raw0"), "state, interface")
    dut.dhcp()
    lab.remove(NAMED)
    run("ip", "link", "delete", "tapmac")


def test_one_nic_is_one_network_s(lab):
    board(lab)
    create(lab, match={"mac": NIC_MAC})
    with refused(bus.ERROR + "InterfaceInUse", "raw0", NAMED):
        lab.create("raw0", subnet="192.168.101.0/24")
    equal(list(lab.networks()), [NAMED], "the networks")


def test_network_answers_to_its_nic_s_present_name(lab):
    board(lab)
    network = create(lab, match={"mac": NIC_MAC})
    equal(lab.network("raw0").path, network.path, "GetNetwork by the NIC's name")
    contains(run("dutnetctl", "-i", "raw0", "status"), NAMED, "raw0")
    run("dutnetctl", "-i", NAMED, "remove")
    equal(lab.networks(), {}, "the networks")


def test_match_in_a_file(lab):
    dut = board(lab)
    lab.configure("match.yaml", f'match: {{mac: "{NIC_MAC}"}}\nsubnet: 10.9.0.0/24\n')
    lab.reload()
    network = lab.network(NAMED)
    network.wait_state("active")
    equal(dut.dhcp()["ip"], "10.9.0.100", "the board's address")
    text = run("dutnetctl", "-i", NAMED, "export")
    contains(text, "match:", NIC_MAC)
    lacks(text, "interface:")


def test_match_is_no_way_around_a_rule_for_another_nic(lab):
    """polkit's rules see the NIC that it is, whatever the network is to be called."""
    board(lab)
    path = "/etc/polkit-1/rules.d/10-match.rules"
    lab.write(path, "polkit.addRule(function(action, subject) { if (action.id.indexOf("
              "'org.jumpstarter.DutNetwork.') == 0 && action.lookup('interface') == 'eth9' && "
              "subject.user == 'lab-alice') return polkit.Result.YES; });\n")
    os.chmod(path, 0o644)
    command = as_user("lab-alice", "busctl", "--system", "--allow-interactive-authorization=no", "call",
                      bus.NAME, bus.ROOT, bus.MANAGER, "CreateNetwork", "a{sv}", "2", "interface", "s",
                      "eth9", "match", "a{sv}", "1", "mac", "s", NIC_MAC)
    done = run_full(*command)
    assert done.returncode != 0, "a rule for eth9 let somebody have raw0"
    contains(done.stderr.lower(), "authori")
    equal(lab.networks(), {}, "the networks")


def test_renamed_upstream_is_followed(lab):
    """The addresses on it move along, and it gets back what was found under its old name."""
    dut = board(lab)
    network = lab.create(dut, nat_mode="1to1", addresses=[
        {"ip": "192.168.100.10", "mac": BOARD_MAC, "public_ip": lan.FREE[0]}])
    dut.dhcp()
    dut.serve()
    lab.undo.callback(upstream_back)
    run("ip", "link", "set", lan.UPSTREAM, "name", "up9")
    wait_for(lambda: network.get("UpstreamInterface") == "up9" and network.get("State") == "active",
             "the network goes by up9")
    equal(dut.source_at(lan.ROUTER), lan.FREE[0], "the source")
    equal(lab.lan.source_at(lan.FREE[0]), lan.ROUTER, "the source at the board")
    run("ip", "link", "set", "up9", "name", lan.UPSTREAM)
    wait_for(lambda: network.get("UpstreamInterface") == lan.UPSTREAM, "the old name again")
    network.wait_state("active")
    equal(lab.lan.source_at(lan.FREE[0]), lan.ROUTER, "the source at the board")
    lab.remove(dut)
    lab.unchanged(deadline=15)


def upstream_back():
    run_full("ip", "link", "set", "up9", "name", lan.UPSTREAM)
    wait_for(lan.Lan.is_up, "the upstream is up", 15)


def test_waiting_and_monitoring_by_the_nic_s_present_name(lab):
    dut = board(lab)
    create(lab, match={"mac": NIC_MAC})
    dut.dhcp("here")
    dut.serve(2222)
    equal(run("dutnetctl", "-i", "raw0", "wait", "--lease", "here", "--timeout", 10).strip(),
          "192.168.100.100", "the lease's address")
    equal(run("dutnetctl", "-i", NAMED, "wait", "--port", 2222, "--timeout", 10).strip(),
          "192.168.100.100", "the address that answers")


# What happens faster than it can be looked at


@contextlib.contextmanager
def frozen(lab):
    """The daemon sees all that happens meanwhile at once, and then only what there is in the end."""
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask(lab, path, member, parameters=None):
    """A call whose answer is not waited for here; the list that it will be in."""
    answers = []
    lab.bus.connection.call(bus.NAME, path, bus.NETWORK, member, parameters, None, 0, 10000, None,
                            lambda source, result: answers.append(source.call_finish(result)))
    lab.bus.connection.flush_sync(None)
    return answers


def test_nic_that_does_not_sit_tight(lab):
    """It goes and comes again at any moment of being taken or let go."""
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"        seed {seed}")
    chance = random.Random(seed)
    dut = board(lab)
    network = create(lab, match={"mac": NIC_MAC})
    for _ in range(15):
        unplug(dut)
        time.sleep(chance.uniform(0, 0.05))  # the instants are the test
        plug(dut, "raw0")
        time.sleep(chance.choice((0.01, 0.15)) * chance.random())
    network.wait_state("active", deadline=10)
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    lab.before = None


def test_what_is_in_a_returning_nic_s_way_for_a_moment(lab):
    """Nobody is there who would say Up once it is out of the way."""
    dut = board(lab)
    network = lab.create(dut)
    unplug(dut)
    network.wait_state("waiting")
    run("ip", "address", "add", "192.168.100.1/24", "dev", lan.UPSTREAM)
    lab.undo.callback(run_full, "ip", "address", "delete", "192.168.100.1/24", "dev", lan.UPSTREAM)
    plug(dut, "raw0")
    network.wait_state("failed")
    contains(network.get("Error"), "192.168.100.1", lan.UPSTREAM)
    run("ip", "address", "delete", "192.168.100.1/24", "dev", lan.UPSTREAM)
    network.wait_state("active", deadline=10)
    equal(dut.dhcp()["ip"], "192.168.100.100", "the board's address")
    lab.before = None


def test_down_of_a_network_whose_nic_is_back_already(lab):
    dut = board(lab)
    network = lab.create(dut)
    for _ in range(3):
        with frozen(lab):
            unplug(dut)
            plug(dut, "raw0")
            answers = ask(lab, network.path, "Down")
        wait_for(lambda: answers, "Down answers")
        stays(lambda: network.get("State") == "inactive", "it stays down", 0.2)
        network.call("Up")
        equal(network.get("State"), "active", "State")
    lab.before = None


def uplink(lab):
    """A second way to the LAN."""
    veth("raw9", "lan9", lab.lan.namespace)
    lab.lan.run("ip", "address", "add", "10.88.0.1/24", "dev", "lan9")
    run("ip", "address", "add", "10.88.0.2/24", "dev", "raw9")


def test_upstream_that_is_another_one_by_the_same_name(lab):
    """A USB NIC that was reset: nothing is left on it of what made it an upstream."""
    uplink(lab)
    lab.undo.callback(run, "ip", "link", "delete", "raw9")
    dut = board(lab)
    network = lab.create(dut, nat_mode="1to1", upstream_interface="raw9", addresses=[
        {"ip": "192.168.100.10", "mac": BOARD_MAC, "public_ip": "10.88.0.50"}])
    dut.dhcp()
    dut.serve()
    equal(dut.source_at("10.88.0.1"), "10.88.0.50", "the source")
    with frozen(lab):
        run("ip", "link", "delete", "raw9")
        uplink(lab)
    wait_for(lambda: any("10.88.0.50/32" in item for item in host.addresses()["raw9"]),
             "the public address is on the new one", 1)
    wait_for(lambda: host.read("/proc/sys/net/ipv4/conf/raw9/forwarding") == "1",
             "the new one forwards", 1)
    equal(dut.source_at("10.88.0.1"), "10.88.0.50", "the source by the new one")
    equal(lab.lan.source_at("10.88.0.50"), "10.88.0.1", "the source at the board")
    equal(network.get("State"), "active", "State")
    lab.before = None


def test_entry_removed_while_the_upstream_is_being_renamed(lab):
    """By the time its address is to be taken off, the interface that it is on is called otherwise."""
    dut = board(lab)
    network = lab.create(dut, nat_mode="1to1", addresses=[
        {"ip": f"192.168.100.{10 + n}", "public_ip": address}
        for n, address in enumerate(lan.FREE[:8])])
    lab.undo.callback(upstream_back)
    for n, address in enumerate(lan.FREE[:8]):
        old, new = (lan.UPSTREAM, "up9")[::1 if n % 2 == 0 else -1]
        with frozen(lab):
            removed = ask(lab, network.path, "RemoveAddress",
                          GLib.Variant("(s)", (f"192.168.100.{10 + n}",)))
            run("ip", "link", "set", old, "name", new)
        wait_for(lambda: removed and network.get("UpstreamInterface") == new and
                 network.get("State") == "active", f"{new} is followed")
        lacks(" ".join(host.addresses()[new]), f"{address}/")
    lab.remove(dut)
    lab.unchanged(deadline=15)


def test_upstream_that_is_renamed_all_the_time(lab):
    """What was found on it is given back in the end, whatever it was called when that was written."""
    dut = board(lab)
    network = lab.create(dut)
    dut.dhcp()
    lab.undo.callback(upstream_back)
    for _ in range(40):
        run("ip", "link", "set", lan.UPSTREAM, "name", "up9")
        run("ip", "link", "set", "up9", "name", lan.UPSTREAM)
    wait_for(lambda: network.get("UpstreamInterface") == lan.UPSTREAM and
             network.get("State") == "active", "the network goes by its old name")
    wait_for(lambda: dut.reaches(lan.ROUTER), "the board reaches the LAN", 10)
    lab.remove(dut)
    lab.unchanged(deadline=15)


def test_default_route_that_moves(lab):
    """What follows it: where the boards' packets go, their public addresses, and back again."""
    uplink(lab)
    lab.undo.callback(run, "ip", "link", "delete", "raw9")
    dut = board(lab)
    network = lab.create(dut, nat_mode="1to1", addresses=[
        {"ip": "192.168.100.10", "mac": BOARD_MAC, "public_ip": "10.88.0.50"}])
    dut.dhcp()
    dut.serve()
    for _ in range(2):
        run("ip", "route", "add", "default", "via", "10.88.0.1", "dev", "raw9", "metric", 5)
        wait_for(lambda: any("10.88.0.50/32" in item for item in host.addresses()["raw9"]),
                 "the public address has moved along", 1)
        equal(dut.source_at("10.88.0.1"), "10.88.0.50", "the source by the new upstream")
        equal(lab.lan.source_at("10.88.0.50"), "10.88.0.1", "the source at the board")
        lacks(" ".join(host.addresses()[lan.UPSTREAM]), "10.88.0.50/")
        equal(network.get("UpstreamInterface"), "raw9", "UpstreamInterface")
        run("ip", "route", "delete", "default", "dev", "raw9")
        wait_for(lambda: any("10.88.0.50/32" in item for item in host.addresses()[lan.UPSTREAM]),
                 "the public address is back", 1)
        lacks(" ".join(host.addresses()["raw9"]), "10.88.0.50/")
    equal(host.read("/proc/sys/net/ipv4/conf/raw9/forwarding"), "0", "forwarding of the other")
    network.wait_state("active")


def test_upstream_whose_address_changes(lab):
    """A board's next connection has the new one."""
    uplink(lab)
    lab.undo.callback(run, "ip", "link", "delete", "raw9")
    dut = board(lab)
    network = lab.create(dut, upstream_interface="raw9")
    dut.dhcp()
    equal(dut.source_at("10.88.0.1"), "10.88.0.2", "the source before")
    run("ip", "address", "add", "10.88.0.7/24", "dev", "raw9")
    run("ip", "address", "delete", "10.88.0.2/24", "dev", "raw9")
    run("ip", "address", "replace", "10.88.0.7/24", "dev", "raw9")  # it goes with its primary
    wait_for(lambda: dut.reaches("10.88.0.1"), "the board reaches the LAN", 5)
    equal(dut.source_at("10.88.0.1"), "10.88.0.7", "the source with the new address")
    equal(network.get("State"), "active", "State")
    lab.before = None
