# SPDX-License-Identifier: GPL-2.0-or-later
"""What others change in rule sets is put back within a second, and a board's connection lives on: in
both modes, with tables that have an owner, which nobody else gets past, and without. The rest of the
host is in test_repair_host.py."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from gi.repository import GLib

from labkit import bus, host, lan
from labkit.damage import BOARD, FILTER, FILTER_PLAIN, LIMIT, PUBLIC, TABLE, connection, handles, masquerade, one_to_one, \
    put_back, without_owner
from labkit.expect import contains, equal, lacks
from labkit.process import run, run_full, stays, wait_for
from labkit.whoami import PORT

GUARD = ("inet", "jumpstarter_guard")
GATEWAYS = "jumpstarter_gateways"


def rule_handle(table, chain):
    text = run("nft", "--handle", "list", "chain", *table, chain)
    return re.findall(r"# handle (\d+)", text)[-1]


def tables():
    """The tables of the rule set as text, whatever their order: one that is made again comes last."""
    text = "\n".join(host.ruleset())
    return sorted(table.strip() for table in f"\n{text}".split("\ntable "))


def ruleset_put_back(damage, what):
    before = tables()
    put_back(damage, lambda: tables() == before, what)


def nft(*words, **options):
    return run("nft", *words, **options)


# Every way to harm a table of ours.
def damages(filter_table):
    return {
        "the rule set flushed": lambda: nft("flush", "ruleset"),
        "table ip deleted": lambda: nft("delete", "table", *TABLE),
        "table ip6 deleted": lambda: nft("delete", "table", "ip6", TABLE[1]),
        "the gateways' table ip deleted": lambda: nft("delete", "table", "ip", GATEWAYS),
        "the gateways' table arp deleted": lambda: nft("delete", "table", "arp", GATEWAYS),
        "a gateway deleted": lambda: nft("flush", "set", "ip", GATEWAYS, "homes"),
        "the filter deleted": lambda: nft("delete", "table", "ip", filter_table),
        "a chain flushed": lambda: nft("flush", "chain", *TABLE, "postrouting"),
        "a chain of the filter flushed": lambda: nft("flush", "chain", "ip", filter_table, "to_raw0"),
        "a hook of the filter flushed": lambda: nft("flush", "chain", "ip", filter_table, "forward"),
        "a way into the filter deleted": lambda: nft("delete", "element", "ip", filter_table, "from",
                                                     "{", '"raw0"', "}"),
        "a rule deleted": lambda: nft("delete", "rule", *TABLE, "postrouting", "handle",
                                      rule_handle(TABLE, "postrouting")),
        "a rule added": lambda: nft("insert", "rule", "ip", filter_table, "from_raw0", "accept"),
        "a map flushed": lambda: nft("flush", "map", *TABLE, "public_to_private"),
        "a mapping deleted": lambda: nft("delete", "element", *TABLE, "private_to_public",
                                         "{", BOARD, "}"),
    }


# Our tables


def test_tables_without_owner_are_put_back(lab):
    without_owner(lab)
    dut, _ = one_to_one(lab)
    lacks(nft("list", "tables"), "progname")
    with connection(dut, PUBLIC):
        for what, damage in damages(FILTER_PLAIN).items():
            ruleset_put_back(damage, what)
    dut.serve()
    equal(lab.lan.source_at(PUBLIC), lan.ROUTER, "the source that the board sees of the LAN")


def test_masquerade_without_owner_is_put_back(lab):
    without_owner(lab)
    dut, _ = masquerade(lab)
    with connection(dut):
        ruleset_put_back(lambda: nft("flush", "ruleset"), "the rule set")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new connection")
    mended = handles(*TABLE)
    stays(lambda: handles(*TABLE) == mended, "a repair is no reason for another", 0.6)


def test_what_a_board_began_meanwhile_begins_anew(lab):
    """A flow whose first packet met no rules is not translated, and would be dropped for good."""
    without_owner(lab)
    dut, _ = masquerade(lab)
    flows = []
    with contextlib.ExitStack() as stack:
        for number in range(150):
            flow = stack.enter_context(dut.namespace.socket(kind=socket.SOCK_DGRAM))
            flow.settimeout(0.5)
            flow.sendto(b"?", (lan.ROUTER, PORT))
            flows.append(flow)
            if number == 50:
                flush = lab.start("nft", "flush", "ruleset")
            time.sleep(0.001)
        equal(flush.wait(), 0, "nft's exit code")
        wait_for(lambda: "jumpstarter_raw0" in nft("list", "tables"), "the tables are there again")
        for flow in flows:
            flow.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while flow.recv(100):
                    pass
            flow.settimeout(1.0)
            flow.sendto(b"?", (lan.ROUTER, PORT))
            equal(flow.recv(100).decode().strip(), lan.HOST, "the source of a flow begun meanwhile")


def test_nobody_gets_at_tables_with_an_owner(lab):
    dut, _ = one_to_one(lab)
    ours = [("ip", TABLE[1]), ("ip6", TABLE[1]), ("ip", FILTER), ("ip", GATEWAYS), ("arp", GATEWAYS)]
    before = {table: handles(*table) for table in ours}
    for text in before.values():
        contains(text, "flags owner")
    with connection(dut, PUBLIC):
        for what, damage in damages(FILTER).items():
            try:
                damage()
                equal(what, "the rule set flushed", "what another program may do")
            except AssertionError as error:
                contains(str(error), "Operation not permitted")
            equal({table: handles(*table) for table in ours}, before, what)


def test_repair_of_one_network_touches_no_other(lab):
    without_owner(lab)
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    for dut in (first, second):
        dut.dhcp()
    other = handles("ip", "jumpstarter_raw1")
    with connection(first), connection(second):
        ruleset_put_back(lambda: nft("delete", "table", *TABLE), "the first network's table")
        equal(handles("ip", "jumpstarter_raw1"), other, "the second network's table")


def test_program_that_fights_back_is_answered_a_few_times_a_second(lab):
    without_owner(lab)
    dut, network = masquerade(lab)
    before = tables()
    start, n_deleted = time.monotonic(), 0
    while time.monotonic() < start + 1.5:
        n_deleted += run_full("nft", "delete", "table", *TABLE).returncode == 0
    assert 2 <= n_deleted <= 12, f"the table was put back {n_deleted} times in 1.5 s"
    wait_for(lambda: tables() == before, "the table is back", LIMIT)
    equal(network.get("State"), "active", "State")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_repair_that_cannot_be_done_is_said_and_tried_again(lab):
    without_owner(lab)
    dut, network = masquerade(lab)
    before = tables()
    thief = lab.start("nft", "-i", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    name = " ".join(TABLE)
    thief.stdin.write(f"delete table {name}; add table {name} {{ flags owner; }}\n")
    thief.stdin.flush()
    network.wait_state("degraded")
    contains(network.get("Error"), "firewall", TABLE[1], "another process owns it")
    thief.stdin.close()
    thief.wait()
    network.wait_state("active", deadline=15)
    equal(tables(), before, "the rule set")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")


def test_changes_of_other_tables_are_none_of_our_business(lab):
    without_owner(lab)
    masquerade(lab)
    before = handles(*TABLE)
    lab.undo.callback(nft, "delete", "table", "ip", "theirs", expect=(0, 1))
    rules = "".join(f"add rule ip theirs chain{i % 10} ip saddr 203.0.113.{i % 250} accept\n"
                    for i in range(3000))
    chains = "".join(f"add chain ip theirs chain{i}\n" for i in range(10))
    nft("-f", "-", stdin=f"add table ip theirs\n{chains}{rules}")
    nft("flush", "table", "ip", "theirs")
    stays(lambda: handles(*TABLE) == before, "our table is as it was", 0.3)
    ruleset_put_back(lambda: nft("delete", "table", *TABLE), "our table, after that")
    nft("delete", "table", "ip", "theirs")


def test_flush_between_two_daemons_is_put_back(lab):
    """Tables whose owner is gone are anybody's; with and without flags the next daemon repairs them."""
    for prepare in (lambda: None, lambda: without_owner(lab)):
        prepare()
        dut, network = masquerade(lab)
        before = tables()
        lab.stop_daemon()
        nft("flush", "ruleset")
        equal(host.ruleset(), [], "the rule set while nobody looks")
        lab.start_daemon()
        network.wait_state("active")
        equal(tables(), before, "the rule set after the start")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
        lab.remove(dut)
        dut.delete()
        lab.duts.remove(dut)
        lab.remember()


def test_next_daemon_owns_the_tables(lab):
    dut, network = masquerade(lab)
    with connection(dut):
        lab.stop_daemon()
        lacks(nft("list", "table", *TABLE), "progname")
        lab.start_daemon()
        network.wait_state("active")
        contains(nft("list", "table", *TABLE), "progname dut-networkd")
        refusal = run_full("nft", "delete", "table", *TABLE)
        contains(refusal.stderr, "Operation not permitted")


def move_mapping(lab, network, mac, public_ip, damage):
    """AddAddress, which the daemon reads before it has word of the damage."""
    answers = []
    pid = lab.daemon_pid()
    parameters = GLib.Variant("(sa{sv})", (BOARD, bus.settings({"mac": mac,
                                                                "public_ip": public_ip})))
    os.kill(pid, signal.SIGSTOP)
    try:
        damage()
        lab.bus.connection.call(bus.NAME, network.path, bus.NETWORK, "AddAddress", parameters, None,
                                0, 10000, None, lambda source, result: answers.append(
                                    source.call_finish(result)))
        lab.bus.connection.flush_sync(None)
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: answers, "AddAddress answers")


def test_change_of_an_entry_in_a_damaged_table(lab):
    """The call comes before the word of the damage does, and is done all the same."""
    without_owner(lab)
    dut, network = one_to_one(lab)
    old = PUBLIC
    for damage, new in ((("delete", "element", *TABLE, "public_to_private", "{", PUBLIC, "}"),
                         lan.FREE[1]), (("delete", "table", *TABLE), lan.FREE[2])):
        move_mapping(lab, network, dut.mac, new, lambda damage=damage: nft(*damage))
        equal(dut.source_at(lan.ROUTER), new, "the source")
        for name in ("public_to_private", "private_to_public"):
            text = nft("list", "map", *TABLE, name)
            contains(text, new)
            lacks(text, old)
        old = new
    equal(network.get("State"), "active", "State")


# The guard of networks without translation


def test_guard_without_owner_is_put_back(lab):
    without_owner(lab)
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    first.dhcp()
    lab.create(second, nat_mode="disabled", subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    with connection(first):
        for words in (("flush", "table", *GUARD), ("delete", "table", *GUARD),
                      ("flush", "chain", *GUARD, "forward")):
            ruleset_put_back(lambda words=words: nft(*words), f"nft {' '.join(words)}")


def test_nobody_gets_at_a_guard_with_an_owner(lab):
    dut = lab.dut()
    lab.create(dut, nat_mode="disabled")
    before = handles(*GUARD)
    contains(run_full("nft", "flush", "table", *GUARD).stderr, "Operation not permitted")
    nft("flush", "ruleset")
    equal(handles(*GUARD), before, "the guard")


# Other programs' firewalls


def iptables(*arguments, **options):
    return run("iptables-nft", *arguments, **options)


@contextlib.contextmanager
def docker(lab):
    """FORWARD drops and has the user's chain, as Docker has it; gone again afterwards."""
    iptables("-P", "FORWARD", "DROP")
    lab.undo.callback(run, "nft", "delete", "table", "ip", "filter", expect=(0, 1))
    iptables("-N", "DOCKER-USER")
    iptables("-A", "FORWARD", "-j", "DOCKER-USER")
    yield
    nft("delete", "table", "ip", "filter")


def accepts(chain):
    """The directions that chain is open in, each once."""
    rules = run("iptables-nft", "-S", chain, expect=(0, 1)).splitlines()
    found = [re.search(r"-i (\S+) -o (\S+) .*-j ACCEPT", rule) for rule in rules]
    return sorted(match.groups() for match in found if match)


BOTH_WAYS = [("raw0", "up0"), ("up0", "raw0")]


def flush_of_chains_is_answered(lab, dut):
    lab.create(dut)
    dut.dhcp()
    with connection(dut):
        wait_for(lambda: accepts("DOCKER-USER") == BOTH_WAYS, "DOCKER-USER is open", LIMIT)
        put_back(lambda: iptables("-F", "DOCKER-USER"), lambda: accepts("DOCKER-USER") == BOTH_WAYS,
                 "the accepts in DOCKER-USER")
        # Nothing leads to the user's chain any more: FORWARD has to have them.
        iptables("-F", "FORWARD")
        wait_for(lambda: accepts("FORWARD") == BOTH_WAYS, "FORWARD is open", LIMIT)
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new connection")
        put_back(lambda: iptables("-D", "FORWARD", "-i", "raw0", "-o", "up0", "-m", "comment",
                                  "--comment", "jumpstarter", "-j", "ACCEPT"),
                 lambda: accepts("FORWARD") == BOTH_WAYS, "the accept that was deleted")
    lab.remove(dut)
    equal((accepts("FORWARD"), accepts("DOCKER-USER")), ([], []), "what is left of us")


def test_accepts_that_are_flushed_are_put_back(lab):
    dut = lab.dut()
    with docker(lab):
        flush_of_chains_is_answered(lab, dut)


def test_accepts_that_are_flushed_are_put_back_without_owner(lab):
    without_owner(lab)
    dut = lab.dut()
    with docker(lab):
        flush_of_chains_is_answered(lab, dut)


def test_docker_that_comes_later_and_starts_anew(lab):
    dut, _ = masquerade(lab)
    with connection(dut):
        start = time.monotonic()
        iptables("-P", "FORWARD", "DROP")
        lab.undo.callback(run, "nft", "delete", "table", "ip", "filter", expect=(0, 1))
        wait_for(lambda: accepts("FORWARD") == BOTH_WAYS, "the accepts in FORWARD")
        nft("delete", "table", "ip", "filter")
        nft("-f", "-", stdin="""
            table ip filter {
                chain DOCKER-USER { }
                chain FORWARD { type filter hook forward priority filter; policy drop;
                                counter jump DOCKER-USER; }
            }""")
        wait_for(lambda: accepts("DOCKER-USER") == BOTH_WAYS, "the accepts in DOCKER-USER")
        assert time.monotonic() - start < 2 * LIMIT, "that took too long"
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source of a new connection")
    nft("delete", "table", "ip", "filter")


def test_thousands_of_docker_rules_leave_us_alone(lab):
    dut, network = masquerade(lab)
    table = handles(*TABLE)
    rules = "".join(f"-A FORWARD -s 203.0.113.{i % 250} -j ACCEPT\n" for i in range(2000))
    with docker(lab), connection(dut):
        wait_for(lambda: accepts("DOCKER-USER") == BOTH_WAYS, "DOCKER-USER is open", LIMIT)
        run("iptables-nft-restore", "--noflush", stdin=f"*filter\n{rules}COMMIT\n")
        stays(lambda: accepts("DOCKER-USER") == BOTH_WAYS, "the accepts", 0.3)
    equal(handles(*TABLE), table, "our own table")
    equal(network.get("State"), "active", "State")
