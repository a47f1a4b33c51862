# SPDX-License-Identifier: GPL-2.0-or-later
"""Masquerade and no translation: what a board reaches, and what is seen of it."""

from labkit import host, lan, whoami
from labkit.damage import rules_listed
from labkit.expect import contains, equal, lacks
from labkit.process import run, stays, wait_for


def forwarding(name):
    return host.read(f"/proc/sys/net/ipv4/conf/{name}/forwarding")


def test_lan_sees_the_upstream_address_of_tcp(lab):
    dut = lab.dut()
    lab.create(dut)
    dut.dhcp()
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_lan_sees_the_upstream_address_of_udp(lab):
    dut = lab.dut()
    lab.create(dut)
    dut.dhcp()
    equal(whoami.udp(dut.namespace, lan.ROUTER), lan.HOST, "the source")


def test_board_pings_the_lan(lab):
    dut = lab.dut()
    lab.create(dut)
    dut.dhcp()
    assert dut.pings(lan.ROUTER)


def test_board_with_a_static_address_is_translated_too(lab):
    dut = lab.dut()
    lab.create(dut, dhcp_enabled=False)
    dut.configure("192.168.100.77/24", "192.168.100.1")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_host_reaches_the_board(lab):
    dut = lab.dut()
    lab.create(dut)
    address = dut.dhcp()["ip"]
    dut.serve()
    equal(whoami.tcp(None, address), "192.168.100.1", "the source that the board sees")


def test_forwarding_is_on_for_the_two_interfaces_alone(lab):
    lab.dut("raw1")
    lab.dut("raw0")
    lab.create("raw0")
    equal({name: forwarding(name) for name in ("raw0", "up0", "raw1", "default", "all")},
          {"raw0": "1", "up0": "1", "raw1": "0", "default": "0", "all": "0"}, "forwarding")


def test_forwarding_that_was_on_stays_on(lab):
    lab.dut()
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.up0.forwarding=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv4.conf.up0.forwarding=0")
    lab.remember()
    lab.create("raw0")
    lab.remove("raw0")
    equal(forwarding("up0"), "1", "forwarding of the upstream afterwards")


def test_shared_upstream_forwards_until_the_last_network_goes(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    first.dhcp()
    lab.remove(second)
    equal(forwarding("up0"), "1", "forwarding with one network left")
    equal(first.source_at(lan.ROUTER), lan.HOST, "the source")
    lab.remove(first)
    equal(forwarding("up0"), "0", "forwarding with none left")


def test_upstream_is_found_by_the_default_route(lab):
    lab.dut()
    network = lab.create("raw0")
    equal(network.get("UpstreamInterface"), "up0", "UpstreamInterface")
    equal(network.status()["upstream"], "up0", "upstream in GetStatus")


def test_configured_upstream_is_the_only_way_out(lab):
    dut = lab.dut("raw0")
    other = lab.dut("raw1")
    other.configure("172.20.0.2/24")
    run("ip", "address", "add", "172.20.0.1/24", "dev", "raw1")
    other.serve()
    lab.remember()
    lab.create(dut, upstream_interface="raw1")
    dut.dhcp()
    equal(dut.source_at("172.20.0.2"), "172.20.0.1", "the source on the configured upstream")
    assert not dut.reaches(lan.ROUTER), "the board reaches what is not its upstream"


def test_network_without_an_upstream_is_degraded_and_serves(lab):
    dut = lab.dut()
    network = lab.create(dut, upstream_interface="nothere0")
    equal(network.get("State"), "degraded", "State")
    contains(network.get("Error"), "nothere0")
    address = dut.dhcp()["ip"]
    dut.serve()
    assert whoami.reaches(None, address), "host and board do not reach each other"


def test_translation_off_makes_no_table_and_no_forwarding(lab):
    for mode in ("disabled", "none"):
        dut = lab.dut() if mode == "disabled" else lab.duts[0]
        network = lab.create(dut, nat_mode=mode)
        equal(network.call("GetNatRules"), "", f"the rules with {mode}")
        lacks(run("nft", "list", "tables"), "table ip jumpstarter_raw0")
        equal((forwarding("raw0"), forwarding("up0")), ("0", "0"), f"forwarding with {mode}")
        dut.dhcp()
        assert not dut.reaches(lan.ROUTER), f"the LAN is reached with {mode}"
        lab.remove(dut)


def test_rules_are_printed_as_nft_prints_them(lab):
    lab.dut()
    network = lab.create("raw0")
    equal(network.call("GetNatRules").strip(), rules_listed("raw0").strip(), "GetNatRules")


def test_names_that_would_share_a_table_do_not(lab):
    first, second = lab.dut("raw-0"), lab.dut("raw_0")
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    tables = [line for line in run("nft", "list", "tables").splitlines()
              if line.startswith("table ip jumpstarter_raw_0")]
    equal(len(set(tables)), 2, f"the number of tables in {tables}")
    for dut in (first, second):
        dut.dhcp()
        equal(dut.source_at(lan.ROUTER), lan.HOST, f"the source of {dut.name}")


def test_foreign_flush_of_the_rule_set_passes_it_by(lab):
    dut = lab.dut()
    lab.create(dut)
    dut.dhcp()
    run("nft", "flush", "ruleset", expect=None)
    run("nft", "delete", "table", "ip", "jumpstarter_raw0", expect=None)
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source after a flush")


def test_connection_outlives_the_daemon(lab):
    dut = lab.dut()
    lab.create(dut)
    dut.dhcp()
    connection = whoami.Connection(dut.namespace, lan.ROUTER)
    lab.restart_daemon()
    equal(connection.ask_again(), lan.HOST, "the source after a restart")
    wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
    equal(connection.ask_again(), lan.HOST, "the source after it is active")
    connection.close()


def test_multicast_and_broadcast_are_not_masqueraded(lab):
    lab.dut()
    rules = lab.create("raw0").call("GetNatRules")
    postrouting = rules[rules.index("chain postrouting"):]
    lines = postrouting[:postrouting.index("}")].splitlines()
    first = next(i for i, line in enumerate(lines) if "masquerade" in line)
    for address in ("224.0.0.0/4", "255.255.255.255"):
        assert [line for line in lines[:first] if address in line and line.endswith("return")], \
            f"what goes to {address} does not return before the masquerade: {lines}"


def test_mode_changes_while_it_runs(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    assert dut.reaches(lan.ROUTER)
    network.update(nat_mode="disabled")
    assert not dut.reaches(lan.ROUTER), "the LAN is reached after the change"
    equal(network.get("NatMode"), "disabled", "NatMode")
    network.update(nat_mode="masquerade")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source after the change back")


def test_dnsmasq_runs_on_through_a_change_of_the_rules(lab):
    dut = lab.dut()
    network = lab.create(dut)
    pid = network.dnsmasq()
    network.update(nat_mode="disabled")
    stays(lambda: network.dnsmasq() == pid, "the same dnsmasq", 0.1)
