# SPDX-License-Identifier: GPL-2.0-or-later
"""A NIC is taken from NetworkManager, and given back as it was."""

import subprocess

from labkit import bus, host, lan
from labkit.expect import equal, refused
from labkit.process import run, wait_for

GATEWAY = "192.168.100.1"


def nm_state(name):
    return host.network_manager()[name][0]


def profile(lab, name, *settings):
    """A connection of the user's own on that NIC, being activated."""
    run("nmcli", "connection", "add", "type", "ethernet", "con-name", f"of-{name}", "ifname", name,
        "ipv6.method", "disabled", *settings)
    lab.undo.callback(run, "nmcli", "connection", "delete", f"of-{name}", expect=(0, 10))
    run("nmcli", "--wait", "0", "connection", "up", f"of-{name}")


def board_with_dhcp_server(lab, name, *settings):
    """A board that serves DHCP itself, and whose word NetworkManager has taken."""
    dut = lab.dut(name)
    dut.configure("172.31.9.1/24")
    dut.children.append(dut.namespace.start(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
        "--pid-file=", "--dhcp-range=172.31.9.20,172.31.9.20,1h", "--no-ping",
        "--dhcp-leasefile=/dev/null", "--leasefile-ro",
        "--dhcp-authoritative", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    profile(lab, name, *settings)
    wait_for(lambda: nm_state(name) == "connected", f"{name} has a lease of the board's", 15)
    lab.remember()
    return dut


def test_nic_with_address_and_running_dhcp_client_is_taken_and_given_back(lab):
    lab.dut("usb0")
    profile(lab, "usb0", "ipv4.method", "auto", "ipv4.addresses", "172.31.5.1/24",
            "ipv4.dhcp-timeout", "600")
    wait_for(lambda: any("172.31.5.1/24" in item for item in host.addresses()["usb0"]),
             "NetworkManager puts the address on")
    lab.remember()
    lab.create("usb0")

    equal(nm_state("usb0"), "unmanaged", "NetworkManager's state of the NIC")
    addresses = " ".join(host.addresses()["usb0"])
    assert "172.31.5.1" not in addresses, addresses
    assert f"{GATEWAY}/24" in addresses, addresses

    lab.remove("usb0")
    lab.unchanged()
    equal(host.network_manager()["usb0"][1], "of-usb0", "the connection afterwards")


def test_connected_nic_gets_its_connection_back(lab):
    lab.dut("usb0")
    profile(lab, "usb0", "ipv4.method", "manual", "ipv4.addresses", "172.31.6.1/24")
    wait_for(lambda: nm_state("usb0") == "connected", "usb0 is connected")
    lab.remember()
    lab.create("usb0")
    lab.remove("usb0")
    lab.unchanged()
    equal(host.network_manager()["usb0"], ("connected", "of-usb0"), "the NIC afterwards")


def test_auto_connected_nic_is_taken_before_the_call_returns(lab):
    dut = lab.dut("usb0")
    lab.create(dut)
    equal(nm_state("usb0"), "unmanaged", "the state when CreateNetwork has replied")
    dut.dhcp()


def test_disconnected_nic_stays_disconnected_afterwards(lab):
    lab.dut("usb0")
    run("nmcli", "device", "disconnect", "usb0")
    wait_for(lambda: nm_state("usb0") == "disconnected", "usb0 is disconnected")
    lab.remember()
    lab.create("usb0")
    lab.remove("usb0")
    lab.unchanged()


def test_unmanaged_nic_stays_unmanaged(lab):
    lab.dut("raw0")
    lab.create("raw0")
    lab.remove("raw0")
    equal(nm_state("raw0"), "unmanaged", "the state afterwards")


def test_addresses_of_an_unmanaged_nic_come_back(lab):
    lab.dut("raw0")
    run("ip", "address", "add", "172.31.7.1/24", "dev", "raw0", "label", "raw0:mine")
    run("ip", "address", "add", "172.31.8.1/30", "dev", "raw0")
    lab.remember()
    lab.create("raw0")
    lab.remove("raw0")
    lab.unchanged()


def test_nic_that_was_down_is_down_afterwards(lab):
    lab.dut("raw0")
    run("ip", "link", "set", "raw0", "down")
    lab.remember()
    lab.create("raw0")
    equal(host.addresses()["raw0"][0], "UP", "the link of the network")
    lab.remove("raw0")
    lab.unchanged()


def test_gateway_address_that_was_there_before_stays(lab):
    lab.dut("raw0")
    run("ip", "address", "add", f"{GATEWAY}/24", "brd", "+", "dev", "raw0")
    lab.remember()
    lab.create("raw0")
    lab.remove("raw0")
    lab.unchanged()


def test_connection_deleted_meanwhile_does_not_fail_the_removal(lab):
    lab.dut("usb0")
    profile(lab, "usb0", "ipv4.method", "manual", "ipv4.addresses", "172.31.6.1/24")
    wait_for(lambda: nm_state("usb0") == "connected", "usb0 is connected")
    lab.create("usb0")
    run("nmcli", "connection", "delete", "of-usb0")
    lab.remove("usb0")
    wait_for(lambda: nm_state("usb0") != "unmanaged", "NetworkManager has the NIC again")
    equal(lab.networks(), {}, "the networks left")
    run("ip", "link", "delete", "usb0")
    lab.before = None


def test_network_comes_up_where_network_manager_is_not_running(lab):
    dut = lab.dut("raw0")
    run("systemctl", "stop", "NetworkManager.service")
    lab.undo.callback(wait_for, lan.Lan.is_up, "the upstream is back", 15)
    lab.undo.callback(run, "systemctl", "start", "NetworkManager.service")
    lab.before = None
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source that the LAN sees")
    lab.remove(dut)


def test_other_devices_of_network_manager_are_left_alone(lab):
    active = run("nmcli", "--terse", "--fields", "UUID,DEVICE,ACTIVE-PATH", "connection", "show",
                 "--active")
    upstream = [line for line in active.splitlines() if ":up0:" in line]
    lab.dut("usb0")
    lab.create("usb0")
    lab.remove("usb0")
    now = run("nmcli", "--terse", "--fields", "UUID,DEVICE,ACTIVE-PATH", "connection", "show",
              "--active")
    equal([line for line in now.splitlines() if ":up0:" in line], upstream,
          "the upstream's active connection")


def test_nic_with_a_dhcp_server_behind_it_is_refused(lab):
    board_with_dhcp_server(lab, "usb0", "ipv4.never-default", "yes")
    with refused(bus.ERROR + "ForeignDhcpServer", "usb0"):
        lab.create("usb0")
    lab.unchanged()


def test_nic_with_a_dhcp_server_behind_it_is_taken_when_forced(lab):
    board_with_dhcp_server(lab, "usb0", "ipv4.never-default", "yes")
    lab.create("usb0", dhcp_force=True)
    equal(nm_state("usb0"), "unmanaged", "the state of the NIC")
    lab.remove("usb0")
    lab.unchanged(deadline=15)


def test_nic_with_a_dhcp_server_behind_it_is_taken_without_dhcp(lab):
    board_with_dhcp_server(lab, "usb0", "ipv4.never-default", "yes")
    lab.create("usb0", dhcp_enabled=False)
    lab.remove("usb0")
    lab.unchanged(deadline=15)


def test_nic_with_the_best_of_several_default_routes_needs_a_word(lab):
    board_with_dhcp_server(lab, "usb0", "ipv4.route-metric", "5")
    with refused(bus.ERROR + "InterfaceInUse", "usb0", "take_default_route"):
        lab.create("usb0", dhcp_force=True)
    lab.unchanged()
    lab.create("usb0", dhcp_force=True, take_default_route=True)
    equal(lab.network("usb0").get("UpstreamInterface"), lan.UPSTREAM, "the upstream")
    lab.remove("usb0")
    lab.unchanged(deadline=15)


def test_nic_with_the_only_default_route_is_refused(lab):
    with refused(bus.ERROR + "InterfaceInUse", "up0"):
        lab.create("up0", take_default_route=True, dhcp_force=True)
    lab.unchanged()
