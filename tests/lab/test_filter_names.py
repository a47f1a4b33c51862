# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters with names in them: what the network's dnsmasq answers is what passes, before the board has the
answer."""

import contextlib
import json
import os
import signal
import socket
import struct
import threading
import time

from labkit import bus, host, lan, whoami
from labkit.damage import FILTER, FILTER_PLAIN, put_back, without_owner
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, wait_for
from labkit.whoami import PORT

from test_filter import accept, drop, egress, ended, ingress, set_filter

GATEWAY = "192.168.100.1"
BOARD = "192.168.100.10"
NAMES = "jumpstarter_names"
TCP_INFO_RETRANSMITS = 100  # where struct tcp_info has tcpi_total_retrans


def board(lab, *rules, name="raw0", policy="drop", **settings):
    dut = lab.dut(name)
    network = lab.create(dut, filter=egress(*rules, policy=policy), **settings)
    dut.configure(f"{BOARD}/24", GATEWAY)
    return dut, network


def addresses_of(name, interface="raw0", kind="to"):
    """What is in the set of that name's answers, or of its entries (`own`)."""
    text = run("nft", "--json", "list", "set", "ip", NAMES, f"{kind}_{interface}-{name}")
    return sorted(json.loads(text)["nftables"][1]["set"].get("elem", []))


def there_is_a_table():
    return f"table ip {NAMES}" in run("nft", "list", "tables")


# A board that asks and connects at once


def question(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\x00\x00\x01\x00\x01"


def connect_to_fresh_names(dut, numbers):
    """Asks for names that nobody has asked for, and connects to each answer as soon as it is there. How
    many first packets were lost."""
    lost = 0
    with dut.namespace.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(2)
        resolver.connect((GATEWAY, 53))
        for number in numbers:
            address = f"10.99.{number // 250}.{number % 250 + 1}"
            resolver.send(question(f"{address.replace('.', '-')}.{lan.FRESH}"))
            with socket.socket() as sock:
                sock.settimeout(3)
                answer = resolver.recv(512)
                sock.connect((socket.inet_ntoa(answer[-4:]), PORT))
                equal(sock.getpeername()[0], address, "the address that was answered")
                info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
                lost += struct.unpack_from("I", info, TCP_INFO_RETRANSMITS)[0]
    return lost


def test_first_packet_after_the_answer_passes(lab):
    dut, network = board(lab, accept(destination=lan.FRESH))
    equal(connect_to_fresh_names(dut, range(400)), 0, "how many first packets were lost")
    assert not dut.reaches("10.99.240.1"), "what was not asked for passes"
    equal(len(addresses_of(lan.FRESH)), 400, "how many addresses are in the set")
    equal(network.call("GetFilter")["egress"]["rules"][0]["packets"], 400, "what the rule has counted")


def ask(dut, name, by_tcp):
    asked = question(name)
    with dut.namespace.socket(kind=socket.SOCK_STREAM if by_tcp else socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((GATEWAY, 53))
        sock.sendall((len(asked).to_bytes(2, "big") if by_tcp else b"") + asked)
        if by_tcp:
            length = int.from_bytes(sock.recv(2, socket.MSG_WAITALL), "big")
            return socket.inet_ntoa(sock.recv(length, socket.MSG_WAITALL)[-4:])
        return socket.inet_ntoa(sock.recv(512)[-4:])


def ask_many(dut, third, by_tcp, found):
    for last in range(1, 31):
        with contextlib.suppress(OSError):  # a server that is busy
            found.append(ask(dut, f"10-99-{third}-{last}.{lan.FRESH}", by_tcp))


def test_questions_by_tcp_at_the_same_time(lab):
    """dnsmasq answers them in children, up to 2.91 all with one netlink socket."""
    dut, network = board(lab, accept(destination=lan.FRESH))
    pid, found = network.dnsmasq(), []
    threads = [threading.Thread(target=ask_many, args=(dut, number, number % 2 == 0, found)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) > 120, f"only {len(set(found))} of 180 questions were answered"
    equal(sorted(set(found) - set(addresses_of(lan.FRESH))), [], "what was answered and is not in the set")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")


def test_names_that_nobody_asked_for_do_not_pass(lab):
    dut, _ = board(lab, accept(destination=lan.SHOP))
    for address in (lan.SHOP_ADDRESS, lan.WWW_ADDRESS, lan.ELSEWHERE_ADDRESS, lan.ROUTER):
        assert not dut.reaches(address), f"{address} passes"
    equal(dut.dig(lan.SHOP, GATEWAY), [lan.SHOP_ADDRESS], "the answer")
    assert dut.reaches(lan.SHOP_ADDRESS), "what was answered does not pass"
    assert not dut.reaches(lan.WWW_ADDRESS), "what is below it passes before it is asked for"
    equal(dut.dig(lan.ELSEWHERE, GATEWAY), [lan.ELSEWHERE_ADDRESS], "the answer of another name")
    assert not dut.reaches(lan.ELSEWHERE_ADDRESS), "another name passes"


def test_what_is_below_the_name_passes(lab):
    dut, _ = board(lab, accept(destination=lan.SHOP))
    equal(dut.dig("WWW.Shop.TEST", GATEWAY, tcp=True), [lan.WWW_ADDRESS], "the answer by TCP")
    assert dut.reaches(lan.WWW_ADDRESS), "a name below it does not pass"


def test_name_that_is_an_alias_passes(lab):
    dut, _ = board(lab, accept(destination=lan.SHOP))
    contains(dut.dig(lan.ALIAS, GATEWAY), lan.ELSEWHERE_ADDRESS)
    assert dut.reaches(lan.ELSEWHERE_ADDRESS), "what an alias below the name leads to does not pass"


def test_an_answer_that_came_by_an_alias_counts_for_its_own_name(lab):
    """It would be in dnsmasq's memory by then, which it answers from without a word to the set."""
    dut, network = board(lab, drop(destination=lan.ELSEWHERE), policy="accept")
    contains(dut.dig(lan.ALIAS, GATEWAY), lan.ELSEWHERE_ADDRESS)
    assert dut.reaches(lan.ELSEWHERE_ADDRESS), "nobody asked for the name that is dropped"
    dut.dig(lan.ELSEWHERE, GATEWAY)
    assert not dut.reaches(lan.ELSEWHERE_ADDRESS), "the name passes"
    set_filter(network, egress(accept(destination=lan.ELSEWHERE), accept(destination=lan.WWW)))
    dut.dig(lan.ALIAS, GATEWAY)
    dut.dig(lan.ELSEWHERE, GATEWAY)
    assert dut.reaches(lan.ELSEWHERE_ADDRESS), "the name does not pass"


def test_a_name_with_ports_and_a_source(lab):
    dut, _ = board(lab, accept(destination=lan.SHOP, protocol="tcp", port=[22, 80]),
                   accept(destination=lan.WWW, source="192.168.100.11"))
    for name in (lan.SHOP, lan.WWW):
        dut.dig(name, GATEWAY)
    assert not dut.reaches(lan.SHOP_ADDRESS), f"port {PORT} passes, which is not among the rule's"
    assert not dut.reaches(lan.WWW_ADDRESS), "another source passes"


def test_drop_by_name(lab):
    dut, _ = board(lab, drop(destination=lan.WWW), policy="accept")
    flow = whoami.Connection(dut.namespace, lan.WWW_ADDRESS)
    dut.dig(lan.WWW, GATEWAY)
    assert not dut.reaches(lan.WWW_ADDRESS), "a name that is dropped passes"
    assert dut.reaches(lan.SHOP_ADDRESS), "another does not pass"
    equal(flow.ask_again(), lan.HOST, "the source of a connection that was there before")


def test_first_rule_decides_among_names(lab):
    dut, network = board(lab, drop(destination=lan.SHOP), accept(destination=lan.WWW))
    dut.dig(lan.WWW, GATEWAY)
    assert not dut.reaches(lan.WWW_ADDRESS), "what is below a dropped name passes by a later rule"
    equal(addresses_of(lan.SHOP), [lan.WWW_ADDRESS], "what is known of the upper name")
    set_filter(network, egress(accept(destination=lan.WWW), drop(destination=lan.SHOP)))
    assert dut.reaches(lan.WWW_ADDRESS), "the more special name in front does not pass"


# The network's own names


def test_own_entries_pass(lab):
    dut, network = board(lab, accept(destination="lab.local"), dns_entries=[
        {"hostname": "one.lab.local", "ip": "10.99.1.1"}, {"hostname": "one.lab.other", "ip": "10.99.1.9"}])
    assert dut.reaches("10.99.1.1"), "an entry below the name does not pass"
    assert not dut.reaches("10.99.1.9"), "an entry elsewhere passes"
    network.add_dns("two.lab.local", "10.99.1.2")
    assert dut.reaches("10.99.1.2"), "a new entry does not pass"
    network.add_dns("four.lab.local", "2001:db8::4")
    equal(addresses_of("lab.local", kind="own"), ["10.99.1.1", "10.99.1.2"], "what is known of the name")
    network.add_dns("three.lab.other", "10.99.1.3")
    assert not dut.reaches("10.99.1.3"), "a new entry elsewhere passes"
    network.update(dns_entries=[{"hostname": "lab.local", "ip": "10.99.1.4"}])
    assert dut.reaches("10.99.1.4"), "an entry of a change does not pass"
    equal(dut.dig("lab.local", GATEWAY), ["10.99.1.4"], "the answer")
    equal((addresses_of("lab.local"), addresses_of("lab.local", kind="own")), ([], ["10.99.1.4"]),
          "what is known of the name, by answers and by entries")


def passes_not(dut, address, when):
    assert not dut.reaches(address), f"{address} passes {when}"


def test_entry_that_is_gone_passes_no_more(lab):
    dut, network = board(lab, accept(destination="lab.local"))
    network.add_dns("oops.lab.local", lan.ROUTER)
    flow = whoami.Connection(dut.namespace, lan.ROUTER)
    network.remove_dns("oops.lab.local")
    ended(flow)
    passes_not(dut, lan.ROUTER, "after its entry is gone")
    set_filter(network, egress(accept(destination="lab.local"), accept(destination=lan.SHOP)))
    passes_not(dut, lan.ROUTER, "after another filter")
    for again in (lab.restart_daemon, lab.kill_daemon):
        network.add_dns("oops.lab.local", lan.ROUTER)
        assert dut.reaches(lan.ROUTER), "an entry does not pass"
        again()
        wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
        assert dut.reaches(lan.ROUTER), "an entry does not pass after a restart"
        network.remove_dns("oops.lab.local")
        passes_not(dut, lan.ROUTER, "after a restart")


def test_entry_that_moves(lab):
    dut, network = board(lab, accept(destination="lab.local"))
    network.add_dns("one.lab.local", "10.99.1.1")
    flow = whoami.Connection(dut.namespace, "10.99.1.1")
    network.add_dns("one.lab.local", "10.99.1.2")
    ended(flow)
    passes_not(dut, "10.99.1.1", "after its entry has moved")
    flow = whoami.Connection(dut.namespace, "10.99.1.2")
    network.add_dns("two.lab.local", "10.99.1.2")
    network.remove_dns("one.lab.local")
    equal(flow.ask_again(), lan.HOST, "the source while another entry has the address")
    network.update(dns_entries=[{"hostname": "three.lab.local", "ip": "10.99.1.3"}])
    ended(flow)
    passes_not(dut, "10.99.1.2", "after all entries are others")
    assert dut.reaches("10.99.1.3"), "an entry of a change does not pass"
    network.update(dns_entries=[], addresses=[{"ip": "192.168.100.20", "hostname": "here.lab.local"}])
    passes_not(dut, "10.99.1.3", "after all entries are gone")


def test_entry_that_is_gone_takes_no_answer_along(lab):
    """Whether what was answered was there before or came while it was an entry's as well."""
    dut, network = board(lab, accept(destination=lan.SHOP))
    dut.dig(lan.SHOP, GATEWAY)
    for address in (lan.SHOP_ADDRESS, lan.WWW_ADDRESS):
        network.add_dns("oops.shop.test", address)
        dut.dig(lan.WWW, GATEWAY)
        flow = whoami.Connection(dut.namespace, address)
        network.remove_dns("oops.shop.test")
        equal(flow.ask_again(), lan.HOST, f"the source at {address}, which was answered")
        assert dut.reaches(address), f"{address} does not pass, which was answered"


def test_entry_of_a_name_to_be_dropped(lab):
    dut, network = board(lab, drop(destination="lab.local"), policy="accept")
    network.add_dns("oops.lab.local", lan.ROUTER)
    passes_not(dut, lan.ROUTER, "though its entry's name is to be dropped")
    network.remove_dns("oops.lab.local")
    assert dut.reaches(lan.ROUTER), "it does not pass after its entry is gone"


def test_entry_that_stays_since_it_cannot_go(lab):
    """dnsmasq's files cannot be written."""
    dut, network = board(lab, accept(destination="lab.local"),
                         dns_entries=[{"hostname": "one.lab.local", "ip": "10.99.1.1"}])
    hosts = os.path.join(network.get("StateDir"), "hosts.local")
    flow = whoami.Connection(dut.namespace, "10.99.1.1")
    os.rename(hosts, f"{hosts}.away")
    os.mkdir(hosts)
    try:
        with refused(bus.ERROR + "Failed", "hosts.local"):
            network.remove_dns("one.lab.local")
    finally:
        os.rmdir(hosts)
        os.rename(f"{hosts}.away", hosts)
    equal(network.call("GetDnsEntries"), [("one.lab.local", "10.99.1.1")], "the entries")
    assert dut.reaches("10.99.1.1"), "an entry that has stayed does not pass"
    flow.close()
    network.remove_dns("one.lab.local")
    passes_not(dut, "10.99.1.1", "after its entry is gone")


def test_entries_while_the_table_is_gone(lab):
    dut, network = board(lab, accept(destination="lab.local"))
    run("nft", "delete", "table", "ip", NAMES)
    network.add_dns("two.lab.local", "10.99.1.2")
    assert dut.reaches("10.99.1.2"), "a new entry does not pass"


# Changed while it runs


def test_a_change_keeps_what_was_answered(lab):
    dut, network = board(lab, accept(destination=lan.SHOP))
    dut.dig(lan.SHOP, GATEWAY)
    flow = whoami.Connection(dut.namespace, lan.SHOP_ADDRESS)
    pid = network.dnsmasq()
    set_filter(network, egress(drop(port=22), accept(destination=lan.SHOP)))
    equal(network.dnsmasq(), pid, "dnsmasq's pid after a change without another name")
    assert dut.reaches(lan.SHOP_ADDRESS), "what was answered does not pass any more"
    set_filter(network, egress(accept(destination=lan.SHOP), accept(destination=lan.FRESH)))
    assert dut.reaches(lan.SHOP_ADDRESS), "what was answered does not pass after another name came"
    equal(flow.ask_again(), lan.HOST, "the source of a connection that was allowed all the time")
    equal(connect_to_fresh_names(dut, range(20)), 0, "how many first packets were lost")
    set_filter(network, egress(accept(destination=lan.FRESH)))
    assert not dut.reaches(lan.SHOP_ADDRESS), "a name that is gone passes"
    ended(flow)
    lacks(run("nft", "list", "sets"), f"to_raw0-{lan.SHOP}")
    set_filter(network, egress(accept(destination=lan.SHOP)))
    assert not dut.reaches(lan.SHOP_ADDRESS), "a name that came anew passes unasked"


def test_a_wider_name_begins_with_what_is_below_it(lab):
    dut, network = board(lab, accept(destination=lan.WWW))
    dut.dig(lan.WWW, GATEWAY)
    flow = whoami.Connection(dut.namespace, lan.WWW_ADDRESS)
    set_filter(network, egress(accept(destination=lan.SHOP)))
    equal(flow.ask_again(), lan.HOST, "the source of a connection that was allowed all the time")
    assert dut.reaches(lan.WWW_ADDRESS), "what was answered below the name does not pass"


def test_names_come_and_go(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.configure(f"{BOARD}/24", GATEWAY)
    before = host.ruleset()
    flow = whoami.Connection(dut.namespace, lan.SHOP_ADDRESS)
    set_filter(network, egress(accept(destination=lan.SHOP)))
    ended(flow)
    assert not dut.reaches(lan.SHOP_ADDRESS), "what was answered before there was a filter passes"
    dut.dig(lan.SHOP, GATEWAY)
    assert dut.reaches(lan.SHOP_ADDRESS), "the name does not pass"
    set_filter(network, egress(accept(destination=lan.SHOP_ADDRESS)))
    assert not there_is_a_table(), "a table without any use is left"
    assert dut.reaches(lan.SHOP_ADDRESS), "the address does not pass"
    assert not dut.reaches(lan.WWW_ADDRESS), "another address passes"
    set_filter(network, {})
    equal(host.ruleset(), before, "the rule set without the filter")
    network.update(nat_mode="disabled")
    network.update(nat_mode="masquerade", filter=egress(accept(destination=lan.SHOP)))
    dut.dig(lan.SHOP, GATEWAY)
    assert dut.reaches(lan.SHOP_ADDRESS), "the name does not pass with translation again"
    network.update(nat_mode="disabled", filter="")
    assert not there_is_a_table(), "a table without any use is left"


def test_a_change_is_one_transaction(lab):
    """What all of the filters allow never fails, names or not."""
    by_name, by_address = accept(destination=lan.ROUTER_NAME), accept(destination=lan.ROUTER)
    dut, network = board(lab, by_name)
    dut.dig(lan.ROUTER_NAME, GATEWAY)
    flow = whoami.Connection(dut.namespace, lan.ROUTER)
    with dut.namespace.socket(kind=socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for value in (egress(by_name), egress(by_name, by_address), egress(by_address),
                      egress(by_name, by_address), egress(drop(destination=lan.SHOP), policy="accept"),
                      {}) * 4:
            set_filter(network, value)
            sock.sendto(b"?", (lan.ROUTER, PORT))
            sock.recv(100)
            assert dut.reaches(lan.ROUTER), f"a new connection fails with {value}"
            dut.dig(lan.ROUTER_NAME, GATEWAY)
            if "destination" not in str(value):
                set_filter(network, egress(by_name, by_address))
                dut.dig(lan.ROUTER_NAME, GATEWAY)
    equal(flow.ask_again(), lan.HOST, "the source of a connection that is allowed all the time")


# What happens to the host


def test_daemon_is_not_needed(lab):
    dut, network = board(lab, accept(destination=lan.FRESH))
    equal(connect_to_fresh_names(dut, range(5)), 0, "how many first packets were lost")
    lab.stop_daemon()
    equal(connect_to_fresh_names(dut, range(5, 100)), 0, "how many first packets were lost without a daemon")
    lab.start_daemon()
    wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
    flow = whoami.Connection(dut.namespace, "10.99.0.50")
    lab.kill_daemon()
    equal(connect_to_fresh_names(dut, range(100, 150)), 0, "how many first packets were lost")
    wait_for(lambda: lab.network(dut).get("State") == "active", "the network is active again")
    equal(flow.ask_again(), lan.HOST, "the source of a connection over a crash")
    equal(len(addresses_of(lan.FRESH)), 150, "how many addresses are in the set")
    assert network.dnsmasq(), "dnsmasq has gone"


def test_foreign_flush_opens_nothing_and_is_mended(lab):
    dut, _ = board(lab, accept(destination=lan.FRESH), drop(destination=lan.SHOP), accept(protocol="udp"))
    connect_to_fresh_names(dut, range(50))
    dut.dig(lan.SHOP, GATEWAY)
    wait_for(lambda: len(addresses_of(lan.FRESH)) == 50, "all answers are there")
    flow = whoami.Connection(dut.namespace, "10.99.0.1")
    time.sleep(0.2)  # what was answered in the last tenth of a second is not remembered
    before = host.ruleset()
    for damage in (("flush", "ruleset"), ("delete", "table", "ip", NAMES),
                   ("flush", "chain", "ip", NAMES, "egress_raw0"), ("flush", "chain", "ip", NAMES, "forward"),
                   ("flush", "set", "ip", NAMES, f"to_raw0-{lan.FRESH}"),
                   ("flush", "map", "ip", NAMES, "from")):
        put_back(lambda words=damage: run("nft", *words), lambda: host.ruleset() == before, " ".join(damage))
        assert dut.reaches("10.99.0.2"), f"{damage}: what was answered does not pass"
        assert not dut.reaches(lan.SHOP_ADDRESS), f"{damage}: what is dropped passes"
    equal(flow.ask_again(), lan.HOST, "the source of a connection that was there all the time")


def test_without_its_table_nothing_passes(lab):
    dut, _ = board(lab, drop(destination=lan.SHOP), policy="accept")
    flow = whoami.Connection(dut.namespace, lan.WWW_ADDRESS)
    assert dut.reaches(lan.SHOP_ADDRESS), "the way out is closed"
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        run("nft", "flush", "ruleset")
        assert not there_is_a_table(), "the table has an owner"
        for address in (lan.SHOP_ADDRESS, lan.WWW_ADDRESS):
            assert not dut.reaches(address), f"{address} passes"
        equal(flow.ask_again(), lan.HOST, "the source of a connection that was there before")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: dut.reaches(lan.WWW_ADDRESS), "the way out is open again")


def test_the_mark_of_somebody_else_does_not_count(lab):
    dut, _ = board(lab, accept(destination=lan.SHOP))
    try:
        run("nft", "add table ip theirs; add chain ip theirs m0 { type filter hook prerouting priority -150; };"
            "add chain ip theirs m1 { type filter hook postrouting priority 0; };"
            "add rule ip theirs m0 meta mark set 0x00200001;"
            f"add rule ip theirs m1 ip daddr {lan.SHOP_ADDRESS} meta mark 1 counter")
        assert not dut.reaches(lan.WWW_ADDRESS), "a packet with the mark passes"
        dut.dig(lan.SHOP, GATEWAY)
        assert dut.reaches(lan.SHOP_ADDRESS), "the name does not pass"
        lacks(run("nft", "list", "chain", "ip", "theirs", "m1"), "packets 0 ")
    finally:
        run("nft", "delete", "table", "ip", "theirs")


def test_tables_without_owner(lab):
    without_owner(lab)
    dut, network = board(lab, accept(destination=lan.FRESH))
    equal(connect_to_fresh_names(dut, range(50)), 0, "how many first packets were lost")
    assert not dut.reaches("10.99.240.1"), "what was not asked for passes"
    wait_for(lambda: len(addresses_of(lan.FRESH)) == 50, "all answers are there")
    before = host.ruleset()
    put_back(lambda: run("nft", "flush", "ruleset"), lambda: host.ruleset() == before, "the rule set")
    assert dut.reaches("10.99.0.2"), "what was answered does not pass"
    contains(network.call("GetNatRules"), FILTER_PLAIN)


def test_it_goes_with_the_network(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first, filter=egress(accept(destination=lan.SHOP)))
    first.dhcp()
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1",
               filter=egress(accept(destination=lan.SHOP)))
    second.dhcp()
    for dut, gateway in ((first, GATEWAY), (second, "192.168.101.1")):
        dut.dig(lan.SHOP, gateway)
        assert dut.reaches(lan.SHOP_ADDRESS), f"the name does not pass from {dut.name}"
    lab.remove(first)
    assert second.reaches(lan.SHOP_ADDRESS), "the name does not pass any more"
    text = run("nft", "list", "table", "ip", NAMES)
    lacks(text, "raw0")
    contains(text, f"to_raw1-{lan.SHOP}", "egress_raw1")
    lab.remove(second)
    assert not there_is_a_table(), "a table without any use is left"


def test_twins_have_their_own(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    for dut in (first, second):
        lab.create(dut, filter=egress(accept(destination=lan.FRESH)))
        dut.configure(f"{BOARD}/24", GATEWAY)
    equal(connect_to_fresh_names(second, range(50)), 0, "how many first packets of the twin were lost")
    assert second.reaches("10.99.0.1"), "what was answered does not pass"
    assert not first.reaches("10.99.0.1"), "what was answered to the twin passes"
    equal(connect_to_fresh_names(first, range(50)), 0, "how many first packets were lost")


def test_a_nic_that_is_renamed(lab):
    dut = lab.dut("raw0", "02:00:00:00:00:31")
    mac = host.read("/sys/class/net/raw0/address")
    network = lab.create("raw0", match={"mac": mac}, filter=egress(accept(destination=lan.SHOP)))
    dut.configure(f"{BOARD}/24", GATEWAY)
    dut.dig(lan.SHOP, GATEWAY)
    run("ip", "link", "set", "raw0", "down")
    run("ip", "link", "set", "raw0", "name", "raw7")
    try:
        wait_for(lambda: network.get("Interface") == "raw7" and network.get("State") == "active",
                 "the network follows its NIC")
        wait_for(lambda: dut.reaches(lan.SHOP_ADDRESS), "the name passes")
        assert not dut.reaches(lan.WWW_ADDRESS), "another address passes"
    finally:
        lab.remove("raw0")
        run("ip", "link", "set", "raw7", "down")
        run("ip", "link", "set", "raw7", "name", "raw0")
        run("ip", "link", "set", "raw0", "up")


# What it says


def test_hits_are_counted(lab):
    dut, network = board(lab, accept(destination=lan.SHOP, log=True), drop(destination=lan.ELSEWHERE),
                         policy="accept")
    for name in (lan.SHOP, lan.ELSEWHERE):
        dut.dig(name, GATEWAY)
    for _ in range(2):
        dut.reaches(lan.SHOP_ADDRESS)
    dut.pings(lan.ELSEWHERE_ADDRESS)
    dut.reaches(lan.ROUTER)
    side = network.call("GetFilter")["egress"]
    equal([(rule["destination"], rule["packets"]) for rule in side["rules"]], [(lan.SHOP, 2), (lan.ELSEWHERE, 1)],
          "the rules and what they have counted")
    equal(side["policy_packets"], 1, "what the policy has counted")
    contains(network.call("GetNatRules"), f"ip daddr @to_raw0-{lan.SHOP}", lan.SHOP_ADDRESS, "egress 2",
             "chain from_raw0", f"table ip {FILTER}")
    contains(run("dutnetctl", "filter", "show"), lan.SHOP, lan.ELSEWHERE)
    contains(run("dutnetctl", "export"), f'destination: "{lan.SHOP}"')
    set_filter(network, network.call("GetFilter"))
    equal(len(addresses_of(lan.SHOP)), 1, "how many addresses are in the set")


def test_dnsmasq_has_nothing_to_complain_of(lab):
    since = f"--since=@{time.time():.6f}"
    dut, network = board(lab, accept(destination=lan.SHOP))
    dut.dig(lan.ALIAS, GATEWAY)
    set_filter(network, egress(accept(destination=lan.SHOP), accept(destination="example.org")))
    dut.dig(lan.SHOP, GATEWAY)
    equal(addresses_of(lan.SHOP), [lan.SHOP_ADDRESS, lan.ELSEWHERE_ADDRESS], "what is in the set")
    lacks(run("journalctl", "--output=cat", "--identifier=dnsmasq", since), "nftset")
    lacks(run("journalctl", "--output=cat", since), f"nftset 4 ip {NAMES}", f"ip {NAMES} to_raw0")


def test_a_long_name(lab):
    """dnsmasq cuts its first command to nft at 159 bytes."""
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 40, lan.FRESH])
    dut, network = board(lab, accept(destination=name), dns_entries=[{"hostname": name, "ip": "10.99.1.1"}])
    assert dut.reaches("10.99.1.1"), "the name does not pass"
    longest = f"{'x' * 40}.{'y' * 20}.{lan.SHOP}"
    set_filter(network, egress(*(accept(destination=f"{'x' * n}.{'y' * 20}.{lan.FRESH}") for n in range(20, 63)),
                               accept(destination=longest)))
    equal(dut.dig(longest, GATEWAY), [], "the answer for nobody's name")


# What cannot be


def test_what_cannot_be_enforced_is_refused(lab):
    dut, network = board(lab, accept(destination=lan.SHOP))
    dut.dig(lan.SHOP, GATEWAY)
    before, rules, pid = network.status()["settings"], host.ruleset(), network.dnsmasq()
    for value, words in (
            (egress(accept(destination="10.0.0.300")), ("10.0.0.300", "not an address")),
            (egress(accept(destination="controller")), ("controller", "domain name")),
            (egress(accept(destination="*.shop.test")), ("*.shop.test", "all below it")),
            (egress(accept(destination="shop..test")), ("shop..test",)),
            (egress(accept(destination="shop.test/24")), ("shop.test/24",)),
            (egress(accept(destination="-shop.test")), ("-shop.test",)),
            (egress(accept(source=lan.SHOP)), (lan.SHOP, "destination of egress")),
            (ingress(accept(source=lan.SHOP)), (lan.SHOP, "destination of egress")),
            (ingress(accept(destination=lan.SHOP)), (lan.SHOP, "the board"))):
        with refused(bus.INVALID_ARGS, "filter", *words):
            set_filter(network, value)
    with refused(bus.ERROR + "LimitExceeded", "filter", "65", "64"):
        set_filter(network, egress(*(accept(destination=f"n{number}.test") for number in range(65))))
    set_filter(network, egress(*(accept(destination=f"n{number}.test") for number in range(64))))
    set_filter(network, egress(accept(destination=lan.SHOP)))
    dut.dig(lan.SHOP, GATEWAY)
    equal((network.status()["settings"], host.ruleset()), (before, rules), "settings and rule set")
    assert pid != network.dnsmasq(), "dnsmasq was not told"


def replace_dnsmasq(lab, script):
    """Until the test ends; the real one is `$0.real`."""
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.real")
    lab.undo.callback(os.replace, "/usr/sbin/dnsmasq.real", "/usr/sbin/dnsmasq")
    with open("/usr/sbin/dnsmasq", "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\n{script}\nexec "$0.real" "$@"\n')
    os.chmod("/usr/sbin/dnsmasq", 0o755)


def test_dnsmasq_that_cannot_is_named(lab):
    dut = lab.dut()
    network = lab.create(dut)
    lab.restart_daemon()  # one that knows dnsmasq does not ask it again
    network.wait_state("active")
    before, rules = network.status()["settings"], host.ruleset()
    replace_dnsmasq(lab, '[ "$1" = --version ] && { echo "Compile time options: ipset no-nftset"; exit; }')
    with refused(bus.ERROR + "Failed", "filter", "dnsmasq", "nftset"):
        set_filter(network, egress(accept(destination=lan.SHOP)))
    equal((network.status()["settings"], host.ruleset()), (before, rules), "settings and rule set")
    set_filter(network, egress(accept(destination=lan.SHOP_ADDRESS)))


def test_a_change_that_fails_loses_no_answer(lab):
    dut, network = board(lab, accept(destination=lan.SHOP))
    dut.dig(lan.SHOP, GATEWAY)
    flow = whoami.Connection(dut.namespace, lan.SHOP_ADDRESS)
    wait_for(lambda: addresses_of(lan.SHOP), "the answer is there")
    before, rules = network.status()["settings"], host.ruleset()
    replace_dnsmasq(lab, 'grep -q bad.test "${1#*=}" && exit 1')
    with refused(bus.ERROR + "Failed", "dnsmasq"):
        set_filter(network, egress(accept(destination="bad.test"), policy="drop"))
    equal(network.status()["settings"], before, "the settings")
    equal(host.ruleset(), rules, "the rule set")
    assert dut.reaches(lan.SHOP_ADDRESS), "what was answered does not pass any more"
    assert not dut.reaches(lan.WWW_ADDRESS), "another address passes"
    with contextlib.suppress(OSError):
        flow.ask_again()  # it was forbidden for a moment
    set_filter(network, egress(accept(destination=lan.SHOP), accept(destination="good.test")))
    assert dut.reaches(lan.SHOP_ADDRESS), "what was answered does not pass any more"
    set_filter(network, {})
    with refused(bus.ERROR + "Failed", "dnsmasq"):
        set_filter(network, egress(accept(destination="bad.test"), policy="drop"))
    assert not there_is_a_table(), "a table without any use is left"
    assert dut.reaches(lan.WWW_ADDRESS), "the way out is closed"
