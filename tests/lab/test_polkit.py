# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what: the real polkit, real users."""

import json
import os
import pty
import select
import signal
import subprocess
import time

from labkit import bus
from labkit.expect import contains, equal
from labkit.process import as_user, run, run_full, wait_for

RULES = "/etc/polkit-1/rules.d"
ALICE, BOB, CAROL = "lab-alice", "lab-bob", "lab-carol"
ANY_REFUSAL = (bus.ACCESS_DENIED, bus.AUTHORIZATION_REQUIRED)

EDITS = (("AddAddress", "sa{sv}", "192.168.100.20", "0"), ("RemoveAddress", "s", "192.168.100.20"),
         ("AddDnsEntry", "ss", "a.lab", "10.1.1.1"), ("RemoveDnsEntry", "s", "a.lab"))
READS = (("GetStatus",), ("GetLeases",), ("GetNatRules",), ("GetFilter",), ("GetDnsEntries",), ("GetNtpStatus",))


def busctl(user, path, interface, *call):
    """The exit code and stderr of a call as that user."""
    command = ("busctl", "--system", "--allow-interactive-authorization=no", "--json=short", "call",
               bus.NAME, path, interface, *call)
    return run_full(*as_user(user, *command))


def error_name(user, path, interface, *call, interactive=False):
    """The error's name, by a client that tells it; an empty text when the call went well."""
    script = ("import sys, json; from gi.repository import Gio, GLib\n"
              "path, interface, method, signature, arguments, flags = json.loads(sys.argv[1])\n"
              "connection = Gio.bus_get_sync(Gio.BusType.SYSTEM)\n"
              "parameters = GLib.Variant.parse(GLib.VariantType(signature), arguments) if signature"
              " else None\n"
              "try:\n"
              f"    connection.call_sync('{bus.NAME}', path, interface, method, parameters, None,"
              " Gio.DBusCallFlags(flags), 20000, None)\n"
              "except GLib.Error as error:\n"
              "    print(Gio.DBusError.get_remote_error(error))\n")
    method, signature, arguments = (*call, "", "")[:3]
    words = json.dumps([path, interface, method, signature, arguments, 4 if interactive else 0])
    return run(*as_user(user, "/usr/bin/python3", "-c", script, words)).strip()


def rule(lab, name, text):
    path = f"{RULES}/{name}.rules"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)

    def forget():
        os.unlink(path)
        settle()
    lab.undo.callback(forget)
    settle()


def settle():
    """polkitd has read its rules again."""
    run("systemctl", "reset-failed", "polkit.service", expect=(0, 1))  # 1: it has never run
    run("systemctl", "restart", "polkit.service")


def polkit_pid():
    settle()
    return int(run("systemctl", "show", "--property=MainPID", "--value", "polkit.service"))


def without_polkit(lab):
    run("systemctl", "mask", "--runtime", "--now", "polkit.service")
    lab.undo.callback(run, "systemctl", "unmask", "--runtime", "polkit.service")


def test_root_is_not_asked(lab):
    lab.dut()
    without_polkit(lab)
    network = lab.create("raw0")
    network.add_address("192.168.100.20")
    network.add_dns("a.lab", "10.1.1.1")
    lab.remove("raw0")


def test_nobody_special_is_denied_every_change(lab):
    lab.dut()
    network = lab.create("raw0", addresses=[{"ip": "192.168.100.20"}],
                         dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    before = network.properties()
    calls = [(network.path, bus.NETWORK, "AddAddress", "(sa{sv})", "('192.168.100.21', {})"),
             (network.path, bus.NETWORK, "RemoveAddress", "(s)", "('192.168.100.20',)"),
             (network.path, bus.NETWORK, "AddDnsEntry", "(ss)", "('b.lab', '10.1.1.1')"),
             (network.path, bus.NETWORK, "RemoveDnsEntry", "(s)", "('a.lab',)"),
             (network.path, bus.NETWORK, "AddForward", "(a{sv})", "({'port': <2222>, 'ip': <'192.168.100.20'>},)"),
             (network.path, bus.NETWORK, "RemoveForward", "(a{sv})", "({'port': <2222>},)"),
             (network.path, bus.NETWORK, "Connect", "(sq)", "('192.168.100.20', 22)"),
             (network.path, bus.NETWORK, "SetFilter", "(a{sv})", "({},)"),
             (network.path, bus.NETWORK, "Capture", "(a{sv})", "({},)"),
             (network.path, bus.NETWORK, "Up"), (network.path, bus.NETWORK, "Down"),
             (network.path, bus.NETWORK, "Update", "(a{sv})", "({'nat_mode': <'none'>},)"),
             (bus.ROOT, bus.MANAGER, "CreateNetwork", "(a{sv})", "({'interface': <'raw5'>},)"),
             (bus.ROOT, bus.MANAGER, "LoadConfig", "(s)", "('interface: raw5',)"),
             (bus.ROOT, bus.MANAGER, "RemoveNetwork", "(s)", "('raw0',)"),
             (bus.ROOT, bus.MANAGER, "Reload")]
    for call in calls:
        name = error_name(ALICE, *call)
        equal(name, bus.AUTHORIZATION_REQUIRED, f"the answer to {call[2]}")
        name = error_name(ALICE, *call, interactive=True)
        assert name in ANY_REFUSAL, f"the answer to {call[2]} with interaction allowed is {name!r}"
    equal(network.properties(), before, "the properties")
    equal(sorted(lab.networks()), ["raw0"], "the networks")


def test_everybody_may_look(lab):
    lab.dut()
    network = lab.create("raw0")
    for call in READS:
        equal(busctl(ALICE, network.path, bus.NETWORK, *call).stderr, "", f"the answer to {call}")
    for call in (("ListNetworks",), ("GetNetwork", "s", "raw0")):
        equal(busctl(ALICE, bus.ROOT, bus.MANAGER, *call).stderr, "", f"the answer to {call}")


def test_properties_are_read_without_polkit(lab):
    lab.dut()
    network = lab.create("raw0")
    without_polkit(lab)
    words = run(*as_user(ALICE, "busctl", "get-property", bus.NAME, network.path, bus.NETWORK,
                         "State"))
    equal(words.strip(), 's "active"', "State")


def test_group_may_edit_entries_and_no_more(lab):
    lab.dut()
    network = lab.create("raw0")
    for call in EDITS:
        done = busctl(BOB, network.path, bus.NETWORK, *call)
        equal((done.returncode, done.stderr), (0, ""), f"the answer to {call}")
    for path, interface, *call in ((network.path, bus.NETWORK, "Down"),
                                   (bus.ROOT, bus.MANAGER, "RemoveNetwork", "(s)", "('raw0',)"),
                                   (bus.ROOT, bus.MANAGER, "Reload")):
        equal(error_name(BOB, path, interface, *call), bus.AUTHORIZATION_REQUIRED,
              f"the answer to {call}")


def test_group_may_forward_what_is_nobodys(lab):
    """Ports that any program could have: not one of those that are root's to give."""
    lab.dut()
    network = lab.create("raw0")

    def answer(member, port, user=BOB):
        return error_name(user, network.path, bus.NETWORK, member, "(a{sv})",
                          f"({{'port': <'{port}'>, 'ip': <'192.168.100.20'>}},)")
    for port in ("1024", "2000-2010"):
        equal(answer("AddForward", port), "", f"the answer to AddForward of {port}")
    for port in ("80", "1023", "1000-2000"):
        equal(answer("AddForward", port), bus.AUTHORIZATION_REQUIRED, f"the answer to AddForward of {port}")
    equal(answer("RemoveForward", "1024"), "", "the answer to RemoveForward")
    rule(lab, "10-lab", """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.edit-forwards" && subject.user == "lab-carol" &&
        action.lookup("protocol") == "tcp" && action.lookup("port") == "80" &&
        action.lookup("verb") == "AddForward" && action.lookup("interface") == "raw0")
            return polkit.Result.YES;
});
""")
    equal(answer("AddForward", "80", CAROL), "", "the answer to Carol's port")
    equal(answer("AddForward", "81", CAROL), bus.AUTHORIZATION_REQUIRED, "the answer to another one")


def test_rule_grants_one_user_one_nic(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    rule(lab, "10-lab", """
polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.jumpstarter.DutNetwork.") == 0 && subject.user == "lab-carol" &&
        action.lookup("interface") == "raw1")
            return polkit.Result.YES;
});
""")
    lab.create("raw0")
    create = ("CreateNetwork", "(a{sv})", "({'interface': <'raw1'>, 'subnet': <'10.1.0.0/24'>, "
              "'gateway_ip': <'10.1.0.1'>},)")
    equal(error_name(CAROL, bus.ROOT, bus.MANAGER, *create), "", "Carol's CreateNetwork of raw1")
    own, other = bus.path_of("raw1"), bus.path_of("raw0")
    add = ("AddDnsEntry", "(ss)", "('a.lab', '10.1.1.1')")
    equal(error_name(CAROL, own, bus.NETWORK, *add), "", "AddDnsEntry on her own")
    equal(error_name(CAROL, own, bus.NETWORK, "Down"), "", "Down on her own")
    equal(error_name(CAROL, own, bus.NETWORK, "Up"), "", "Up on her own")
    for call in (add, ("Down",)):
        equal(error_name(CAROL, other, bus.NETWORK, *call), bus.AUTHORIZATION_REQUIRED,
              f"{call[0]} on another's")
    equal(error_name(ALICE, own, bus.NETWORK, *add), bus.AUTHORIZATION_REQUIRED, "Alice's call")
    equal(error_name(CAROL, bus.ROOT, bus.MANAGER, "RemoveNetwork", "(s)", "('raw1',)"), "",
          "RemoveNetwork of her own")


def test_rules_see_verb_and_subnet(lab):
    lab.dut()
    rule(lab, "10-lab", """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.edit-dns" && subject.user == "lab-carol" &&
        action.lookup("verb") == "AddDnsEntry" && action.lookup("subnet") == "192.168.100.0/24")
            return polkit.Result.YES;
});
""")
    network = lab.create("raw0")
    equal(error_name(CAROL, network.path, bus.NETWORK, "AddDnsEntry", "(ss)",
                     "('a.lab', '1.1.1.1')"), "", "AddDnsEntry")
    equal(error_name(CAROL, network.path, bus.NETWORK, "RemoveDnsEntry", "(s)", "('a.lab',)"),
          bus.AUTHORIZATION_REQUIRED, "RemoveDnsEntry")


def test_rule_that_denies_is_access_denied(lab):
    lab.dut()
    rule(lab, "10-lab", """
polkit.addRule(function(action, subject) {
    if (action.id.indexOf("org.jumpstarter.DutNetwork.") == 0 && subject.user == "lab-alice")
            return polkit.Result.NO;
});
""")
    network = lab.create("raw0")
    equal(error_name(ALICE, network.path, bus.NETWORK, "Down"), bus.ACCESS_DENIED, "Down")
    equal(network.get("State"), "active", "State")


def test_state_dir_is_for_root_alone(lab):
    lab.dut()
    rule(lab, "10-lab", """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.manage" && subject.user == "lab-carol")
            return polkit.Result.YES;
});
""")
    name = error_name(CAROL, bus.ROOT, bus.MANAGER, "CreateNetwork", "(a{sv})",
                      "({'interface': <'raw0'>, 'state_dir': <'/var/lib/jumpstarter/mine'>},)")
    assert name in (bus.ACCESS_DENIED, bus.INVALID_ARGS), f"the answer is {name!r}"
    equal(lab.networks(), {}, "the networks")


def test_caller_that_leaves_while_asked_changes_nothing(lab):
    lab.dut()
    network = lab.create("raw0")
    pid = polkit_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        child = subprocess.Popen(as_user(BOB, "busctl", "call", bus.NAME, network.path, bus.NETWORK,
                                         "AddDnsEntry", "ss", "gone.lab", "10.1.1.1"),
                                 stderr=subprocess.DEVNULL)
        time.sleep(0.2)  # the question has left for a polkit that does not answer
        child.kill()
        child.wait()
        network.add_dns("by-root.lab", "10.1.1.2")
    finally:
        os.kill(pid, signal.SIGCONT)
    # A question of Alice's after it, answered: so the one before it has been, too.
    error_name(ALICE, network.path, bus.NETWORK, "Down")
    equal(network.call("GetDnsEntries"), [("by-root.lab", "10.1.1.2")], "the entries")


def test_question_that_waits_does_not_hold_up_others(lab):
    lab.dut()
    network = lab.create("raw0")
    pid = polkit_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        child = subprocess.Popen(as_user(BOB, "busctl", "call", bus.NAME, network.path, bus.NETWORK,
                                         "AddDnsEntry", "ss", "late.lab", "10.1.1.1"))
        start = time.monotonic()
        network.status()
        network.add_dns("by-root.lab", "10.1.1.2")
        assert time.monotonic() - start < 1, "other calls had to wait"
    finally:
        os.kill(pid, signal.SIGCONT)
    equal(child.wait(10), 0, "the exit code of the call that waited")
    assert ("late.lab", "10.1.1.1") in network.call("GetDnsEntries")


def test_command_brings_the_terminal_agent(lab):
    """On a terminal, in a session of the user's own, the command asks for a password."""
    lab.dut()
    lab.create("raw0")
    run("systemctl", "start", "systemd-logind.service")
    lab.undo.callback(run, "systemctl", "stop", "systemd-logind.service")
    settle()  # polkit looks for logind when it starts
    process, terminal = pty.fork()
    if process == 0:
        os.execvp("runuser", ("runuser", "--login", ALICE, "--session-command", "dutnetctl down"))
    text = b""
    try:
        deadline = time.monotonic() + 10
        while b"PASSWORD" not in text.upper() and time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.2)[0]:
                text += os.read(terminal, 4096)
    except OSError:
        pass  # it ended: what it said is in `text`
    os.kill(process, signal.SIGTERM)
    os.waitpid(process, 0)
    os.close(terminal)
    contains(text.decode(errors="replace").upper(), "AUTHENTICAT")
    equal(lab.network("raw0").get("State"), "active", "State")
    wait_for(lambda: not run("pgrep", "-u", ALICE, "pkttyagent", expect=None).strip(),
             "the agent is gone")
