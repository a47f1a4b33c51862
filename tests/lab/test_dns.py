# SPDX-License-Identifier: GPL-2.0-or-later
"""Names, asked by dig from the board."""

from labkit import bus, lan, process
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, wait_for

GATEWAY = "192.168.100.1"


def served(lab, **options):
    """A board with an address, and its network."""
    dut = lab.dut()
    network = lab.create(dut, **options)
    dut.dhcp()
    return dut, network


def test_entries_are_answered(lab):
    dut, _ = served(lab, dns_entries=[{"hostname": "artifacts.lab", "ip": "10.1.2.3"}])
    equal(dut.dig("artifacts.lab", GATEWAY), ["10.1.2.3"], "the answer")


def test_entries_are_answered_over_tcp(lab):
    dut, _ = served(lab, dns_entries=[{"hostname": "artifacts.lab", "ip": "10.1.2.3"}])
    equal(dut.dig("artifacts.lab", GATEWAY, tcp=True), ["10.1.2.3"], "the answer")


def test_blocked_names_are_answered_so(lab):
    dut, _ = served(lab, dns_entries=[{"hostname": "ads.example", "ip": "0.0.0.0"},
                                      {"hostname": "ads.example", "ip": "::"}])
    equal((dut.dig("ads.example", GATEWAY), dut.dig("ads.example", GATEWAY, "AAAA")),
          (["0.0.0.0"], ["::"]), "the answers")


def test_host_names_of_addresses_are_answered(lab):
    dut, _ = served(lab, addresses=[{"ip": "192.168.100.60", "hostname": "shelf-6"}])
    equal(dut.dig("shelf-6", GATEWAY), ["192.168.100.60"], "the answer")


def test_host_name_of_an_added_address_is_answered_at_once(lab):
    dut, network = served(lab)
    network.add_address("192.168.100.60", hostname="shelf-6")
    wait_for(lambda: dut.dig("shelf-6", GATEWAY) == ["192.168.100.60"], "shelf-6 is answered", 0.5)
    network.add_address("192.168.100.60", hostname="shelf-7")
    wait_for(lambda: dut.dig("shelf-7", GATEWAY) == ["192.168.100.60"], "shelf-7 is answered", 0.5)
    equal(dut.dig("shelf-6", GATEWAY), [], "the answer for the old name")
    network.remove_address("192.168.100.60")
    wait_for(lambda: dut.dig("shelf-7", GATEWAY) == [], "shelf-7 is gone", 0.5)


def test_names_of_the_lan_are_forwarded(lab):
    dut, _ = served(lab)
    equal(dut.dig(lan.NAME, GATEWAY), [lan.NAME_ADDRESS], "the answer")


def test_short_and_private_names_stay_here(lab):
    dut, _ = served(lab)
    queries = len(lab.lan.dns_queries())
    dut.dig_status("nobodys-short-name", GATEWAY)
    dut.dig("77.100.168.192.in-addr.arpa", GATEWAY, "PTR")
    equal(dut.dig(lan.NAME, GATEWAY), [lan.NAME_ADDRESS], "the answer that goes after them")
    asked = wait_for(lambda: [line for line in lab.lan.dns_queries()[queries:] if lan.NAME in line]
                     and lab.lan.dns_queries()[queries:], "the LAN's server is asked")
    lacks("\n".join(asked), "nobodys-short-name", "in-addr.arpa")


def test_configured_servers_are_the_ones_asked(lab):
    dut, _ = served(lab, dns_servers=[lan.NEIGHBOUR])
    queries = len(lab.lan.dns_queries())
    equal(dut.dig("unheard-of.lan.test", GATEWAY), [], "the answer")
    asked = wait_for(lambda: lab.lan.dns_queries()[queries:], "the LAN's server is asked")
    assert any("unheard-of.lan.test" in line for line in asked), asked


def test_servers_change_while_it_runs(lab):
    dut, network = served(lab, dns_servers=["10.77.0.250"])
    equal(dut.dig_status(lan.NAME, GATEWAY), "", "the status with a dead server")
    network.update(dns_servers=[lan.ROUTER])
    equal(dut.dig(lan.NAME, GATEWAY), [lan.NAME_ADDRESS], "the answer after the change")


def test_empty_list_of_servers_means_the_hosts_own(lab):
    dut, _ = served(lab, dns_servers=[])
    equal(dut.dig(lan.NAME, GATEWAY), [lan.NAME_ADDRESS], "the answer")


def test_added_entry_is_answered_at_once(lab):
    dut, network = served(lab)
    pid = network.dnsmasq()
    network.add_dns("new.lab", "10.1.2.4")
    equal(wait_for(lambda: dut.dig("new.lab", GATEWAY), "new.lab is answered", 0.5), ["10.1.2.4"],
          "the answer")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")


def test_entry_of_the_same_name_is_replaced(lab):
    dut, network = served(lab, dns_entries=[{"hostname": "one.lab", "ip": "10.1.2.3"}])
    network.add_dns("one.lab", "10.1.2.9")
    wait_for(lambda: dut.dig("one.lab", GATEWAY) == ["10.1.2.9"], "one.lab has moved", 0.5)
    equal(network.call("GetDnsEntries"), [("one.lab", "10.1.2.9")], "GetDnsEntries")


def test_removed_entry_is_answered_no_more(lab):
    dut, network = served(lab, dns_entries=[{"hostname": "one.lan.test", "ip": "10.1.2.3"}])
    equal(dut.dig("one.lan.test", GATEWAY), ["10.1.2.3"], "the answer before")
    network.remove_dns("one.lan.test")
    wait_for(lambda: dut.dig_status("one.lan.test", GATEWAY) == "NXDOMAIN", "one.lan.test is gone",
             0.5)
    equal(network.call("GetDnsEntries"), [], "GetDnsEntries")


def test_names_are_stored_in_lower_case(lab):
    dut, network = served(lab)
    network.add_dns("MixedCase.Lab", "10.1.2.5")
    equal(network.call("GetDnsEntries"), [("mixedcase.lab", "10.1.2.5")], "GetDnsEntries")
    wait_for(lambda: dut.dig("mixedCASE.lab", GATEWAY) == ["10.1.2.5"], "it is answered", 0.5)
    network.remove_dns("MIXEDCASE.LAB")


def test_removing_what_is_not_there_is_refused(lab):
    _, network = served(lab)
    with refused(bus.ERROR + "NoSuchEntry", "nothing.lab"):
        network.remove_dns("nothing.lab")
    with refused(bus.ERROR + "NoSuchAddress", "192.168.100.250"):
        network.remove_address("192.168.100.250")


def test_entries_are_told_by_signals(lab):
    _, network = served(lab)
    signals = lab.signals()
    network.add_dns("told.lab", "10.1.2.6")
    equal(signals.wait("DnsEntryAdded", network.path), ("told.lab", "10.1.2.6"), "the signal")
    network.remove_dns("told.lab")
    equal(signals.wait("DnsEntryRemoved", network.path), ("told.lab", "10.1.2.6"), "the signal")


def test_hosts_file_of_the_host_is_not_served(lab):
    with open("/etc/hosts", encoding="utf-8") as file:
        original = file.read()
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("10.9.9.9 private.lan.test\n")
    lab.undo.callback(write, "/etc/hosts", original)
    dut, _ = served(lab)
    equal(dut.dig_status("private.lan.test", GATEWAY), "NXDOMAIN", "the status")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def test_dns_is_served_without_dhcp(lab):
    dut = lab.dut()
    lab.create(dut, dhcp_enabled=False, dns_entries=[{"hostname": "one.lab", "ip": "10.1.2.3"}])
    dut.configure("192.168.100.77/24", GATEWAY)
    equal(dut.dig("one.lab", GATEWAY), ["10.1.2.3"], "the answer")


def test_name_server_follows_the_gateway_address(lab):
    dut = lab.dut()
    network = lab.create(dut, dhcp_enabled=False,
                         dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    network.update(gateway_ip="192.168.100.2")
    dut.configure("192.168.100.50/24", "192.168.100.2")
    equal(dut.dig("a.lab", "192.168.100.2"), ["10.1.1.1"], "the answer at the new address")


def test_dns_is_served_without_translation(lab):
    dut, _ = served(lab, nat_mode="disabled",
                    dns_entries=[{"hostname": "one.lab", "ip": "10.1.2.3"}])
    equal(dut.dig("one.lab", GATEWAY), ["10.1.2.3"], "the answer")


def test_host_itself_is_answered(lab):
    served(lab, dns_entries=[{"hostname": "one.lab", "ip": "10.1.2.3"}])
    equal(run("dig", f"@{GATEWAY}", "+short", "+tries=1", "+time=1", "one.lab").strip(), "10.1.2.3",
          "the answer to the host")


ELSEWHERE = "8.8.8.8"  # what boards have built in; the LAN has a server of that address


def answers_as(dut, server, address, name="board.lab"):
    for tcp in (False, True):
        equal(dut.dig(name, server, tcp=tcp), [address], f"{server}'s answer, TCP: {tcp}")


def test_others_are_asked_as_long_as_nothing_is_intercepted(lab):
    dut, _ = served(lab, dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}])
    queries = len(lab.lan.dns_queries())
    equal(dut.dig(lan.NAME, ELSEWHERE), [lan.NAME_ADDRESS], "the LAN's own answer")
    asked = wait_for(lambda: lab.lan.dns_queries()[queries:], "the LAN's server is asked")
    assert any("from 10.77.0.2" in line for line in asked), asked


def test_intercept_answers_for_everybody(lab):
    dut, network = served(lab, dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}],
                          dns_intercept=True)
    queries = len(lab.lan.dns_queries())
    for server in (ELSEWHERE, "192.0.2.53", lan.ROUTER, lan.HOST, GATEWAY):
        answers_as(dut, server, "10.1.2.3")
    lacks("\n".join(lab.lan.dns_queries()[queries:]), "board.lab")
    equal(dut.dig(lan.NAME, "192.0.2.53"), [lan.NAME_ADDRESS], "a name that is not the network's")
    network.update(dns_intercept=False)
    equal(dut.dig_status("board.lab", "192.0.2.53"), "", "the answer of nobody's address")


def test_intercept_begins_and_ends_while_it_runs(lab):
    dut, network = served(lab, dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}])
    pid = network.dnsmasq()
    equal(dut.dig_status("board.lab", "192.0.2.53"), "", "the answer of nobody's address")
    network.update(dns_intercept=True)
    answers_as(dut, "192.0.2.53", "10.1.2.3")
    contains(network.call("GetNatRules"), "udp dport 53", "redirect to :53")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    lab.kill_daemon()
    answers_as(dut, "192.0.2.53", "10.1.2.3")
    network.update(dns_intercept=False)
    lacks(network.call("GetNatRules"), "redirect")


def test_intercept_without_a_way_out(lab):
    """A lab without Internet: there is no upstream at all."""
    dut, network = served(lab, dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}],
                          dns_intercept=True, upstream_interface="nothing0")
    network.wait_state("degraded")
    answers_as(dut, ELSEWHERE, "10.1.2.3")


def test_intercept_with_mappings(lab):
    board, public = "192.168.100.10", lan.FREE[0]
    dut = lab.dut()
    lab.create(dut, nat_mode="1to1", dns_intercept=True,
               addresses=[{"ip": board, "mac": dut.mac, "public_ip": public}],
               dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}])
    dut.dhcp()
    answers_as(dut, ELSEWHERE, "10.1.2.3")
    answers_as(dut, public, "10.1.2.3")
    equal(dut.source_at(lan.ROUTER), public, "the source that the LAN sees")


def test_intercept_is_for_the_networks_boards_alone(lab):
    """Neither the LAN's own questions nor another network's nor the host's are answered here."""
    dut, other = lab.dut(), lab.dut("raw1")
    lab.create(dut, dns_entries=[{"hostname": "board.lab", "ip": "10.1.2.3"}], dns_intercept=True)
    lab.create(other, subnet="192.168.101.0/24")
    other.dhcp()
    for name, run_full in (("the host", process.run_full), ("the LAN", lab.lan.namespace.run_full),
                           ("another network's board", other.namespace.run_full)):
        done = run_full("dig", f"@{ELSEWHERE}", "+tries=1", "+time=1", "+short", "board.lab")
        lacks(done.stdout, "10.1.2.3")
        done = run_full("dig", f"@{ELSEWHERE}", "+tries=1", "+time=1", "+short", lan.NAME)
        equal(done.stdout.split(), [lan.NAME_ADDRESS], f"the answer that {name} gets")


def test_intercept_needs_translation(lab):
    dut = lab.dut()
    with refused(bus.INVALID_ARGS, "dns_intercept", "nat_mode"):
        lab.create(dut, nat_mode="disabled", dns_intercept=True)
    network = lab.create(dut, dns_intercept=True)
    with refused(bus.INVALID_ARGS, "dns_intercept", "nat_mode"):
        network.update(nat_mode="disabled")
    equal(network.get("NatMode"), "masquerade", "the mode")
