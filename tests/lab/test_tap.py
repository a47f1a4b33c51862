# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks on a TAP of their own making, for one user's program: up before anybody has it open."""

import contextlib
import json
import os
import pwd
import subprocess

from labkit import bus, host, lan
from labkit.bus import path_of
from labkit.expect import equal, refused
from labkit.guest import Guest, open_tap
from labkit.process import as_user, run, run_full, wait_for
from test_polkit import ALICE, ANY_REFUSAL, BOB, CAROL, error_name, rule

MAC = "02:00:00:00:0a:01"
OPEN = ("import sys; sys.path.insert(0, sys.argv[1]); from labkit.guest import open_tap; "
        "open_tap(sys.argv[2])")
TOP = os.path.dirname(os.path.abspath(__file__))


def make(lab, **settings):
    """A TAP network whose interface is the service's to name, and that name."""
    path = lab.bus.manager("CreateNetwork", "(a{sv})", bus.settings({"create": "tap", **settings}))
    network = lab.network(next(row[0] for row in lab.bus.manager("ListNetworks") if row[2] == path))
    return network, network.get("Interface")


def name_of(user, nth=0):
    return f"{user[:10]}TAP{nth}"


def exists(name):
    return os.path.exists(f"/sys/class/net/{name}")


def link(name):
    return json.loads(run("ip", "-d", "-j", "link", "show", name))[0]


def uid(user):
    return pwd.getpwnam(user).pw_uid


@contextlib.contextmanager
def guest(name, mac=MAC):
    """A program that has the TAP open, with a network behind it."""
    program = Guest({"tap_name": name, "guest_mac": mac}, open_tap(name))
    try:
        yield program
    finally:
        program.delete()


def opens(user, name):
    """Whether that user can open the TAP, with no more than the user has."""
    done = run_full(*as_user(user, "/usr/bin/python3", "-c", OPEN, TOP, name))
    assert done.returncode == 0 or "PermissionError" in done.stderr, done.stderr
    return done.returncode == 0


def test_tap_is_up_before_anybody_opens_it(lab):
    network, name = make(lab, owner=ALICE, mtu=1400)
    equal((name, network.path), (name_of(ALICE), path_of(name_of(ALICE))), "what it is called")
    equal(network.get("State"), "active", "the state of a network without carrier")
    made = link(name)
    info = made["linkinfo"]["info_data"]
    equal((info["type"], info["user"], info["persist"], made["mtu"], made["ifalias"]),
          ("tap", ALICE, True, 1400, f"dut-network {name}"), "as it was made")
    assert "NO-CARRIER" in made["flags"], f"nobody has it open: {made['flags']}"
    wait_for(lambda: host.network_manager().get(name, ("unmanaged",))[0] == "unmanaged",
             "NetworkManager leaves it alone")

    with guest(name) as program:
        equal(program.dhcp()["router"], "192.168.100.1", "the gateway of what has it open")
        equal(program.source_at(lan.ROUTER), lan.HOST, "what the LAN sees")
        first = [lease["ip"] for lease in network.leases()]
        equal([lease["mac"] for lease in network.leases()], [MAC], "the lease is known")
    wait_for(lambda: "NO-CARRIER" in link(name)["flags"], "it has rebooted")
    with guest(name) as program:
        equal(program.dhcp(tries=1)["ip"], first[0], "its address after the reboot, at the first try")
        assert program.reaches(lan.ROUTER), "and its way out"
    equal((network.get("State"), link(name)["ifindex"]), ("active", made["ifindex"]), "the same TAP")

    lab.remove(name)
    assert not exists(name), "it goes with the network"
    lab.unchanged()


def test_tap_is_its_owners_alone(lab):
    _, name = make(lab, owner=ALICE)
    assert opens(ALICE, name), "the owner opens it, without root"
    assert not opens(BOB, name), "and nobody else"
    lab.remove(name)
    _, name = make(lab, owner=uid(BOB))
    equal(name, f"{uid(BOB)}TAP0", "after a uid")
    assert opens(BOB, name) and not opens(ALICE, name), "a uid is a user, too"


def test_next_free_name(lab):
    run("ip", "tuntap", "add", name_of(ALICE, 1), "mode", "tap")
    lab.undo.callback(run, "ip", "link", "delete", name_of(ALICE, 1))
    wait_for(lambda: name_of(ALICE, 1) in host.network_manager(), "NetworkManager has seen it")
    lab.remember()
    subnets = [f"10.44.{nth}.0/24" for nth in range(3)]
    names = [make(lab, owner=ALICE, subnet=subnet)[1] for subnet in subnets]
    equal(names, [name_of(ALICE, nth) for nth in (0, 2, 3)], "what interfaces have is not taken")
    lab.remove(names[1])
    equal(make(lab, owner=ALICE, subnet=subnets[1])[1], names[1], "one that is free again")
    with refused(bus.ERROR + "InterfaceInUse", "interface", name_of(ALICE, 1), "TAP"):
        lab.create(name_of(ALICE, 1), create="tap", owner=ALICE)
    with refused(bus.ERROR + "NetworkExists", names[0]):
        lab.create(names[0], create="tap", owner=ALICE)


def test_tap_that_somebody_takes_away_is_back(lab):
    network, name = make(lab, owner=ALICE)
    signals = lab.signals()
    before = link(name)
    run("ip", "link", "delete", name)
    signals.wait_property(network.path, "State", "active")
    assert link(name)["ifindex"] != before["ifindex"], "it is another TAP"
    equal((link(name)["address"], link(name)["linkinfo"]["info_data"]["user"]),
          (before["address"], ALICE), "with the MAC of the one before, and its owner")
    with guest(name) as program:
        program.dhcp()
        assert program.reaches(lan.ROUTER), "and the way out is open"


def test_tap_outlives_the_daemon(lab):
    network, name = make(lab, owner=ALICE)
    before = link(name)
    with guest(name) as program:
        address = program.dhcp()["ip"]
        lab.kill_daemon()
        wait_for(lambda: lab.bus.has_owner() and lab.networks().get(name, ("",))[0] == "active",
                 "the daemon is back")
        equal(link(name)["ifindex"], before["ifindex"], "the TAP is the same")
        assert program.reaches(lan.ROUTER), "and who has it open goes on"
        equal(program.dhcp()["ip"], address, "with the same lease")
    network.call("Down")
    assert not exists(name), "and it goes with the network"
    network.call("Up")
    equal((network.get("State"), link(name)["address"]), ("active", before["address"]), "up again")


def test_owner_changes_in_a_file(lab):
    text = "create: tap\nowner: {}\n"
    lab.configure("tap.yaml", text.format(ALICE))
    lab.reload()
    name = name_of(ALICE)
    wait_for(lambda: lab.networks().get(name, ("",))[0] == "active", "the network of the file is up")
    lab.configure("tap.yaml", f"interface: {name}\n" + text.format(BOB))
    lab.reload()
    wait_for(lambda: lab.networks().get(name, ("",))[0] == "active", "it is up with another owner")
    wait_for(lambda: exists(name) and link(name)["linkinfo"]["info_data"].get("user") == BOB,
             "the TAP is Bob's")
    assert opens(BOB, name) and not opens(ALICE, name), "and Alice's no more"
    with guest(name) as program:
        program.dhcp()
        assert program.reaches(lan.ROUTER), "and it works"


def test_user_who_comes_later(lab):
    """As one of a directory service may at boot."""
    lab.networks()  # the daemon runs
    lab.configure("tap.yaml", "interface: tap7\ncreate: tap\nowner: lab-dave\n")
    with refused(bus.INVALID_ARGS, "owner", "lab-dave"):
        lab.reload()
    network = lab.network("tap7")
    network.wait_state("failed")  # it is tried again when the host changes
    wait_for(lambda: "lab-dave" in network.get("Error"), "the error names the user")
    assert not exists("tap7"), "nothing is made for nobody"
    run("useradd", "--no-create-home", "lab-dave")
    lab.undo.callback(run, "userdel", "lab-dave")
    network.wait_state("active", deadline=15)
    assert opens("lab-dave", "tap7"), "the user opens it"


def test_file_makes_something_else(lab):
    dut = lab.dut("raw0")
    lab.configure("tap.yaml", f"interface: tap7\ncreate: tap\nowner: {ALICE}\n")
    lab.reload()
    network = lab.network("tap7")
    network.wait_state("active")
    lab.configure("tap.yaml", "interface: tap7\ncreate: bridge\n")
    lab.reload()
    wait_for(lambda: exists("tap7") and link("tap7")["linkinfo"]["info_kind"] == "bridge", "it is a bridge")
    network.wait_state("active")
    run("ip", "link", "set", dut.name, "master", "tap7")
    dut.dhcp()
    assert dut.reaches(lan.ROUTER), "which serves"
    run("ip", "link", "set", dut.name, "nomaster")
    lab.configure("tap.yaml", f"interface: tap7\ncreate: tap\nowner: {ALICE}\n")
    lab.reload()
    wait_for(lambda: exists("tap7") and link("tap7")["linkinfo"]["info_kind"] == "tun", "it is a TAP again")
    with guest("tap7") as program:
        program.dhcp()
        assert program.reaches(lan.ROUTER), "which serves, too"


def test_what_cannot_be_made_is_refused(lab):
    dut = lab.dut("raw0")
    with refused(bus.ERROR + "InterfaceInUse", "interface", "raw0", "TAP"):
        lab.create(dut, create="tap", owner=ALICE)
    lab.unchanged()
    for settings, words in (({}, ("owner", "missing")), ({"owner": "no-such-user"}, ("owner", "no-such-user")),
                            ({"owner": "a b"}, ("owner", "a b")), ({"owner": -1}, ("owner", "-1")),
                            ({"owner": ALICE, "mtu": 100}, ("mtu", "100")),
                            ({"owner": ALICE, "match": {"mac": MAC}}, ("create", "match")),
                            ({"owner": ALICE, "create": "bridge", "interface": "br7"}, ("owner", ALICE))):
        with refused(bus.INVALID_ARGS, *words):
            make(lab, **settings)
    equal(lab.networks(), {}, "no network is left of what was refused")
    lab.unchanged()

    network, name = make(lab, owner=ALICE)
    with refused(bus.INVALID_ARGS, "owner", BOB):
        network.update(owner=BOB)
    with refused(bus.ERROR + "Failed", "bridge"):
        network.call("AttachGuest", "(sa{sv})", "vm-1", {})
    equal((network.get("State"), link(name)["linkinfo"]["info_data"]["user"]), ("active", ALICE),
          "it is as it was after refusals")


def test_rules_can_give_each_user_taps(lab):
    rule(lab, "10-taps", r"""polkit.addRule(function(action, subject) {
            var name = action.lookup("interface");
            var tap = subject.user.slice(0, 10).replace(/[%,*#"\\]/g, "_") + "TAP";
            if (action.id == "org.jumpstarter.DutNetwork.manage" &&
                action.lookup("owner") == subject.user && /[^0-9]/.test(subject.user) &&
                name.indexOf(tap) == 0 && /^[0-9]+$/.test(name.slice(tap.length)))
                    return polkit.Result.YES;
            return polkit.Result.NOT_HANDLED;
    });""")

    def create(user, settings):
        return error_name(user, bus.ROOT, bus.MANAGER, "CreateNetwork", "(a{sv})", f"({settings},)")

    equal(create(ALICE, f"{{'create': <'tap'>, 'owner': <'{ALICE}'>}}"), "", "Alice's own")
    for user, settings in (
            (BOB, f"{{'create': <'tap'>, 'owner': <'{ALICE}'>}}"), (CAROL, "{'interface': <'raw0'>}"),
            (ALICE, f"{{'create': <'tap'>, 'owner': <'{ALICE}'>, 'interface': <'eth7'>}}"),
            (ALICE, f"{{'create': <'tap'>, 'owner': <'{ALICE}'>, 'interface': <'{BOB}TAP0'>}}")):
        assert create(user, settings) in ANY_REFUSAL, f"{user}: {settings}"
    name = name_of(ALICE)
    removal = (bus.ROOT, bus.MANAGER, "RemoveNetwork", "(s)", f"('{name}',)")
    assert error_name(BOB, *removal) in ANY_REFUSAL, "Bob removes Alice's"
    equal(error_name(ALICE, *removal), "", "Alice removes hers")
    assert not exists(name), "it is gone"


def test_load_config_takes_nobody_elses_network(lab):
    """It asks about the network that is there, too: whoever may have what is to come of it may not have it."""
    rule(lab, "10-taps", 'polkit.addRule(function(action, subject) { if (action.id == '
         '"org.jumpstarter.DutNetwork.manage" && action.lookup("owner") == subject.user) '
         'return polkit.Result.YES; });')
    network, name = make(lab, owner=BOB)
    own, own_name = make(lab, owner=ALICE, subnet="10.44.1.0/24")

    def load(user, text):
        return error_name(user, bus.ROOT, bus.MANAGER, "LoadConfig", "(s)", "(" + json.dumps(text) + ",)")

    taken = f"{{interface: {name}, create: tap, owner: {ALICE}}}"
    mine = f"{{interface: {own_name}, create: tap, owner: {ALICE}, subnet: 10.44.2.0/24}}"
    for text in (taken, f"networks: [{mine}, {taken}]"):
        assert load(ALICE, text) in ANY_REFUSAL, f"Alice: {text}"
    equal((network.get("State"), link(name)["linkinfo"]["info_data"]["user"], own.get("Subnet")),
          ("active", BOB, "10.44.1.0/24"), "nothing has changed")
    equal(load(ALICE, mine), "", "Alice changes her own")
    equal(own.get("Subnet"), "10.44.2.0/24", "and has what she asked for")
    lab.bus.manager("LoadConfig", "(s)", taken)
    wait_for(lambda: link(name)["linkinfo"]["info_data"].get("user") == ALICE, "root gives Bob's to Alice")


def test_program_of_the_owner(lab):
    """By its own command, as the manual says: QEMU is asked for no more than to open the TAP."""
    _, name = make(lab, owner=ALICE)
    child = lab.start(*as_user(ALICE, "qemu-system-x86_64", "-nodefaults", "-display", "none",
                               "-accel", "tcg", "-S", "-netdev",
                               f"tap,id=n,ifname={name},script=no,downscript=no"),
                      stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(lambda: "NO-CARRIER" not in link(name)["flags"] or child.poll() is not None,
             "QEMU has it open", 15)
    assert child.poll() is None, child.stderr.read()
