# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests: VMs that an id attaches to a bridge network."""

import ipaddress
import json
import os
import shutil

from gi.repository import GLib

from labkit import bus, host, lan, whoami
from labkit.bus import settings
from labkit.crowd import Crowd
from labkit.expect import contains, equal, refused
from labkit.guest import Guest
from labkit.process import as_user, run, run_full, wait_for
from test_polkit import ALICE, ANY_REFUSAL, CAROL, error_name, rule

BRIDGE = "fcbr0"
SUBNET = ipaddress.ip_network("172.30.0.0/24")
GATEWAY = "172.30.0.1"
FAILED, IN_USE = bus.ERROR + "Failed", bus.ERROR + "InUse"
NO_SUCH_GUEST, LIMIT_EXCEEDED = bus.ERROR + "NoSuchGuest", bus.ERROR + "LimitExceeded"


def digest(text):
    """FNV-1a with 64 bits."""
    value = 14695981039346656037
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def derived(guest, subnet=SUBNET):
    """What a guest gets where nobody is in its way."""
    value = digest(guest)
    mac = ":".join(f"{value >> shift & 0xff:02x}" for shift in (32, 24, 16, 8, 0))
    last = value % (2 ** (32 - subnet.prefixlen) - 3) + 2
    return f"tap-{value:016x}"[:12], f"02:{mac}", str(subnet.network_address + last)


def create(lab, **keys):
    return lab.create(BRIDGE, **{"create": "bridge", "subnet": str(SUBNET), **keys})


def attach(network, guest, bus_=None, **options):
    return (bus_ or network.bus).call(network.path, bus.NETWORK, "AttachGuest", "(sa{sv})", guest,
                                      settings(options))


def detach(network, guest):
    network.call("DetachGuest", "(s)", guest)


def open_guest(network, guest, **options):
    """The descriptors."""
    with bus.remote_errors():
        _, fds = network.bus.connection.call_with_unix_fd_list_sync(
            bus.NAME, network.path, bus.NETWORK, "OpenGuest",
            GLib.Variant("(sa{sv})", (guest, settings(options))), None, 0, 20000, None, None)
    return fds.steal_fds()


def start(lab, network, guest, **options):
    """The guest, attached and running."""
    answer = attach(network, guest, **options)
    vm = Guest(answer, open_guest(network, guest)[0])
    lab.duts.append(vm)
    return vm, answer


def link(name):
    return json.loads(run("ip", "-d", "-j", "link", "show", name))[0]


def taps():
    return sorted(name for name in os.listdir("/sys/class/net") if name.startswith("tap-"))


def guests(network):
    return {guest["id"]: guest for guest in network.get("Guests")}


def test_guest_follows_from_its_id(lab):
    network = create(lab)
    signals = lab.signals()
    answer = attach(network, "vm-1")
    tap, mac, ip = derived("vm-1")
    equal({key: answer[key] for key in ("tap_name", "guest_mac", "guest_ip", "gateway_ip", "netmask",
                                        "kernel_ip_arg")},
          {"tap_name": tap, "guest_mac": mac, "guest_ip": ip, "gateway_ip": GATEWAY,
           "netmask": "255.255.255.0",
           "kernel_ip_arg": f"ip={ip}::{GATEWAY}:255.255.255.0::eth0:off"}, "the answer")
    equal(signals.wait("GuestAttached", network.path)[0]["id"], "vm-1", "the guest of the signal")
    signals.wait("PropertiesChanged", network.path, lambda _name, _new, gone: "Guests" in gone)
    made = link(tap)
    data = made["linkinfo"]["info_data"]
    equal((made["master"], made["mtu"], "UP" in made["flags"], data["type"], data["persist"],
           data["user"]), (BRIDGE, 1500, True, "tap", True, "root"), "the TAP")
    assert made["address"] != mac, "the TAP's own MAC is another than the guest's"
    equal(host.read(f"/proc/sys/net/ipv6/conf/{tap}/disable_ipv6"), "1", "IPv6 is off on the port")
    equal(attach(network, "vm-1"), answer, "the answer to the same again")
    equal([entry["guest"] for entry in network.get("Addresses")], ["vm-1"], "whose its entry is")
    assert not network.status()["settings"]["addresses"], "a guest is no setting"

    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back")
    equal(attach(network, "vm-1"), answer, "the answer after a crash")
    equal(link(tap)["ifindex"], made["ifindex"], "the TAP after a crash")
    network.call("Down")
    equal(taps(), [], "TAPs of a network that is down")
    with refused(FAILED, "not up"):
        attach(network, "vm-1")
    network.call("Up")
    equal(attach(network, "vm-1"), answer, "the answer after Down and Up")

    detach(network, "vm-1")
    signals.wait("GuestDetached", network.path)
    equal((taps(), network.get("Guests"), network.get("Addresses")), ([], [], []), "what is left")
    detach(network, "vm-1")
    attach(network, "vm-1")
    lab.remove(BRIDGE)
    equal(taps(), [], "TAPs after the network is removed")
    network = create(lab)
    equal(network.get("Guests"), [], "guests of a network that is new")


def test_guest_works(lab):
    """By the kernel's ip= and by DHCP, through the TAP that the service has opened."""
    network = create(lab, isolate_guests=True, mtu=1400)
    vm, answer = start(lab, network, "vm-1")
    equal(vm.dhcp()["ip"], answer["guest_ip"], "the address by DHCP")
    equal(vm.source_at(lan.ROUTER), lan.HOST, "what the LAN sees")
    with refused(IN_USE, answer["tap_name"]):
        open_guest(network, "vm-1")
    other, other_answer = start(lab, network, "vm-2")
    other.configure(f"{other_answer['guest_ip']}/24", GATEWAY)
    assert not vm.pings(other_answer["guest_ip"]), "they are apart"
    assert other.pings(GATEWAY), "the gateway answers"
    network.update(isolate_guests=False)
    # At once, but for the time in which the guest does not ask again who has an address.
    wait_for(lambda: vm.pings(other_answer["guest_ip"]), "guests that are not apart reach each other")
    network.update(mtu=1500)
    equal([link(name)["mtu"] for name in (BRIDGE, answer["tap_name"])], [1500, 1500], "the MTUs")
    assert vm.reaches(lan.ROUTER), "the same TAP, open all the time"

    # Somebody takes things away.
    run("ip", "link", "set", answer["tap_name"], "nomaster")
    wait_for(lambda: link(answer["tap_name"]).get("master") == BRIDGE, "it is a port again", 1)
    run("ip", "link", "delete", other_answer["tap_name"])
    wait_for(lambda: os.path.exists(f"/sys/class/net/{other_answer['tap_name']}")
             and link(other_answer["tap_name"]).get("master") == BRIDGE, "its TAP is back", 1)
    run("ip", "link", "delete", BRIDGE)
    wait_for(lambda: os.path.exists(f"/sys/class/net/{BRIDGE}")
             and link(answer["tap_name"]).get("master") == BRIDGE, "a port of another bridge", 2)
    network.wait_state("active")
    assert vm.reaches(lan.ROUTER), "whoever has the TAP open goes on"
    lab.stop_daemon()
    run("ip", "link", "delete", BRIDGE)
    lab.start_daemon()
    wait_for(lambda: lab.networks()[BRIDGE][0] == "active", "it is up again")
    equal(link(answer["tap_name"]).get("master"), BRIDGE, "the bridge after one went unseen")
    assert vm.reaches(lan.ROUTER), "and it still goes on"


def conntrack(address):
    return [line for line in host.read("/proc/net/nf_conntrack").splitlines() if address in line]


def test_detached_guest_leaves_nothing(lab):
    network = create(lab)
    vm, answer = start(lab, network, "vm-1")
    vm.dhcp()
    wait_for(network.leases, "its lease")
    assert vm.reaches(lan.ROUTER), "a connection"
    has_table = os.path.exists("/proc/net/nf_conntrack")
    assert not has_table or conntrack(answer["guest_ip"]), "the connection is known"
    detach(network, "vm-1")
    assert not has_table or not conntrack(answer["guest_ip"]), "its connections have gone with it"
    lines = run("ip", "neighbour", "show", "dev", BRIDGE)
    assert answer["guest_ip"] not in lines, f"it is still a neighbour: {lines}"
    wait_for(lambda: not network.leases(), "its lease is gone")
    equal(attach(network, "other", ip=answer["guest_ip"])["guest_ip"], answer["guest_ip"],
          "its address is another's now")
    assert attach(network, "vm-1")["guest_ip"] != answer["guest_ip"], "and not its own any more"


def test_collisions_are_survived(lab):
    """In a /29 there are five addresses for guests."""
    subnet = ipaddress.ip_network("172.30.0.0/29")
    taken = derived("taken")[0]
    run("ip", "tuntap", "add", taken, "mode", "tap")
    lab.undo.callback(run, "ip", "link", "delete", taken)
    lab.remember()
    network = create(lab, subnet=str(subnet))
    names = [f"vm-{index}" for index in range(5)]
    first = {name: attach(network, name) for name in names}
    wanted = [derived(name, subnet)[2] for name in names]
    assert len(set(wanted)) < 5, f"this test needs names that collide: {wanted}"
    equal(sorted(answer["guest_ip"] for answer in first.values()),
          [f"172.30.0.{last}" for last in range(2, 7)], "all of the addresses")
    with refused(LIMIT_EXCEEDED, "172.30.0.0/29"):
        attach(network, "one-too-many")
    lab.restart_daemon()
    wait_for(lambda: lab.networks().get(BRIDGE, ("",))[0] == "active", "the daemon is back")
    equal({name: attach(network, name) for name in names}, first, "the answers after a restart")
    detach(network, "vm-3")
    equal(attach(network, "another")["guest_ip"], first["vm-3"]["guest_ip"], "what became free")

    detach(network, "another")
    answer = attach(network, "taken")
    equal(answer["tap_name"], f"tap-{int(taken[4:], 16) + 1:08x}", "the next free name")
    lab.remove(BRIDGE)
    equal(taps(), [taken], "somebody else's TAP of such a name")


def test_guest_has_what_it_asks_for(lab):
    network = create(lab, nat_mode="1to1", public_pool=f"{lan.FREE[0]}-{lan.FREE[9]}")
    answer = attach(network, "vm-1", ip="172.30.0.77", mac="02:AA:00:00:00:01", mtu=1300, queues=4,
                    owner=1, public_ip="auto")
    equal((answer["guest_ip"], answer["guest_mac"], answer["mtu"], answer["queues"],
           answer["owner"]), ("172.30.0.77", "02:aa:00:00:00:01", 1300, 4, 1), "what was asked for")
    assert answer["public_ip"] in lan.FREE, f"an address of the pool: {answer}"
    data = link(answer["tap_name"])["linkinfo"]["info_data"]
    equal((data["multi_queue"], data["user"]), (True, "daemon"), "the TAP")
    fds = open_guest(network, "vm-1", vnet_hdr=True)
    equal(len(fds), 4, "a descriptor for each queue")
    with refused(IN_USE):
        open_guest(network, "vm-1")
    for fd in fds:
        os.close(fd)
    fd = open_guest(network, "vm-1")
    equal(len(fd), 4, "when they are closed")
    for each in fd:
        os.close(each)
    detach(network, "vm-1")
    vm, answer = start(lab, network, "vm-2", public_ip=lan.FREE[20])
    vm.configure(f"{answer['guest_ip']}/24", GATEWAY)
    equal(vm.source_at(lan.ROUTER), lan.FREE[20], "what the LAN sees of one with a public address")


def test_what_does_not_fit_is_refused(lab):
    dut = lab.dut("raw0")
    network = create(lab)
    attach(network, "vm-1", ip="172.30.0.50")
    network.add_address("172.30.0.60", mac="02:00:00:00:00:60")
    cases = ((("",), {}, ("id", "empty")), (("x" * 256,), {}, ("id", "256")),
             (("a\nb",), {}, ("id", "control")), (("vm",), {"ip": "10.0.0.1"}, ("ip", "10.0.0.1")),
             (("vm",), {"ip": "172.30.0.1"}, ("ip", "gateway_ip")),
             (("vm",), {"ip": "172.30.0.50"}, ("172.30.0.50", "vm-1")),
             (("vm",), {"ip": "172.30.0.60"}, ("172.30.0.60",)),
             (("vm",), {"ip": "x"}, ("ip", "x")),
             (("vm",), {"mac": "01:00:00:00:00:01"}, ("mac", "multicast")),
             (("vm",), {"mac": "00:00:00:00:00:00"}, ("mac",)),
             (("vm",), {"mac": "02:00:00:00:00:60"}, ("mac", "172.30.0.60")),
             (("vm",), {"mtu": 100}, ("mtu", "100")), (("vm",), {"queues": 17}, ("queues", "17")),
             (("vm",), {"queues": 0}, ("queues", "0")), (("vm",), {"owner": -1}, ("owner", "-1")),
             (("vm",), {"public_ip": "10.77.0.100"}, ("public_ip", "1to1")),
             (("vm",), {"colour": "red"}, ("colour",)),
             (("vm-1",), {"ip": "172.30.0.51"}, ("ip", "172.30.0.51", "172.30.0.50", "vm-1")),
             (("vm-1",), {"queues": 2}, ("queues", "2", "vm-1")))
    for arguments, options, words in cases:
        with refused(bus.INVALID_ARGS, *words):
            attach(network, *arguments, **options)
    with refused(bus.INVALID_ARGS, "172.30.0.50", "vm-1"):
        network.remove_address("172.30.0.50")
    with refused(bus.INVALID_ARGS, "172.30.0.50", "vm-1"):
        network.add_address("172.30.0.50", mac="02:00:00:00:00:50")
    with refused(bus.INVALID_ARGS, "vm-1", "172.30.0.50"):
        network.update(subnet="172.31.0.0/24")
    with refused(bus.INVALID_ARGS, "vm-1", "172.30.0.50"):
        network.update(addresses=[{"ip": "172.30.0.50"}])
    with refused(NO_SUCH_GUEST, "vm-2"):
        open_guest(network, "vm-2")
    with refused(bus.INVALID_ARGS, "colour"):
        open_guest(network, "vm-1", colour="red")
    network.update(addresses=[{"ip": "172.30.0.61"}])
    equal([(entry["ip"], entry.get("guest")) for entry in network.get("Addresses")],
          [("172.30.0.61", None), ("172.30.0.50", "vm-1")], "a list of addresses is not of guests")
    equal(len(taps()), 1, "TAPs after all of that")

    with refused(FAILED, "raw0", "no bridge"):
        attach(lab.create(dut), "vm")


def addresses_read(network):
    """The property as the bus has it."""
    reply = network.bus.connection.call_sync(
        bus.NAME, network.path, bus.PROPERTIES, "Get",
        GLib.Variant("(ss)", (bus.NETWORK, "Addresses")), None, 0, 5000, None)
    listed = reply.get_child_value(0).get_variant()
    return [listed.get_child_value(index) for index in range(listed.n_children())]


def give_back(network, items, *more):
    array = GLib.Variant.new_array(GLib.VariantType("a{sv}"), [
        *items, *(GLib.Variant("a{sv}", settings(entry)) for entry in more)])
    network.update(addresses=array)


def test_addresses_that_were_read_can_be_given_back(lab):
    """A client that reads them, adds one and calls Update, whatever guests do meanwhile."""
    network = create(lab, nat_mode="1to1", public_pool="10.77.0.130-10.77.0.135", addresses=[
        {"ip": "172.30.0.60", "hostname": "board", "public_ip": "auto", "max_connections": 9}])
    vm, _ = start(lab, network, "vm-1", connection_timeout="5m", max_connections=7)
    attach(network, "vm-2", public_ip="auto")
    attach(network, "vm-3")
    vm.dhcp()
    connection = whoami.Connection(vm.namespace, lan.ROUTER)
    lab.undo.callback(connection.close)
    before, indexes = guests(network), [link(tap)["ifindex"] for tap in taps()]
    signals, read = lab.signals(), addresses_read(network)
    give_back(network, read, {"ip": "172.30.0.61", "hostname": "another"})
    signals.wait("PropertiesChanged", network.path, lambda _name, _new, gone: "Addresses" in gone)
    equal([item.unpack() for item in addresses_read(network)
           if item.unpack()["ip"] != "172.30.0.61"], [item.unpack() for item in read], "the others")
    equal(vm.dig("another", GATEWAY), ["172.30.0.61"], "the new one's name")
    equal((guests(network), [link(tap)["ifindex"] for tap in taps()]), (before, indexes), "the guests")
    equal(connection.ask_again(), lan.HOST, "the guest's connection goes on")
    assert not signals.matching("GuestDetached") and not signals.matching("GuestAttached"), "a signal"
    equal(len(network.status()["settings"]["addresses"]), 2, "how many of them are settings")

    # Guests come and go between reading and Update: neither comes back as an entry.
    read = addresses_read(network)
    detach(network, "vm-3")
    attach(network, "vm-4")
    give_back(network, read)
    equal(sorted(guests(network)), ["vm-1", "vm-2", "vm-4"], "the guests")
    equal(sorted(entry.get("guest", entry["ip"]) for entry in network.get("Addresses")),
          ["172.30.0.60", "172.30.0.61", "vm-1", "vm-2", "vm-4"], "the entries")

    # What a guest has is no setting.
    changed = [{**item.unpack(), "mac": "02:00:00:00:00:77"} for item in addresses_read(network)
               if item.unpack().get("guest") == "vm-1"]
    with refused(bus.INVALID_ARGS, "vm-1", "AttachGuest"):
        network.update(addresses=changed)
    with refused(bus.INVALID_ARGS, "guest"):
        network.call("AddAddress", "(sa{sv})", "172.30.0.62", settings({"guest": "vm-1"}))
    equal(guests(network)["vm-1"], before["vm-1"], "the guest")
    network.update(addresses=[])
    equal(sorted(guests(network)), ["vm-1", "vm-2", "vm-4"], "the guests without any setting")
    equal(connection.ask_again(), lan.HOST, "the guest's connection goes on")


def test_guests_outlive_a_boot(lab):
    """What is in /run, the TAPs and the bridge are gone; what is in /var is not."""
    network = create(lab)
    names = [f"vm {index}%" for index in range(3)]
    before = {name: attach(network, name) for name in names}
    detach(network, names[0])
    lab.stop_daemon()
    for pid in host.servants():
        os.kill(pid, 15)
    wait_for(lambda: not host.servants(), "dnsmasq has ended")
    for name in taps() + [BRIDGE]:
        run("ip", "link", "delete", name)
    shutil.rmtree(host.RUNTIME)
    run("nft", "flush", "ruleset")
    run("sysctl", "-q", "net.ipv4.conf.up0.forwarding=0")
    lab.start_daemon()
    wait_for(lambda: lab.networks().get(BRIDGE, ("",))[0] == "active", "the network is up")
    equal(sorted(guests(network)), names[1:], "the guests after a boot")
    equal({name: attach(network, name) for name in names[1:]},
          {name: before[name] for name in names[1:]}, "their names and addresses")
    equal(taps(), sorted(before[name]["tap_name"] for name in names[1:]), "their TAPs")


def test_crowd_of_callers_and_a_crash(lab):
    """A thousand calls by eight callers, all at once, and as many of which the daemon's end comes in
    between. NetworkManager takes longer for each TAP than all of that does: there are not many."""
    network = create(lab)
    crowd = Crowd(lab, 8)
    names = [f"vm-{index}" for index in range(125)]

    def churn():
        for _ in range(4):
            for index, name in enumerate(names):
                crowd.network(index, BRIDGE, "AttachGuest", "(sa{sv})", name, {})
            for index, name in enumerate(names):
                crowd.network(index, BRIDGE, "DetachGuest", "(s)", name)

    churn()
    for index, name in enumerate(names):
        crowd.network(index, BRIDGE, "AttachGuest", "(sa{sv})", name, {})
    crowd.wait(40)
    failed = [made.result for made in crowd.calls if made.result]
    assert not failed, f"refused: {failed[:3]}"
    there = guests(network)
    equal((sorted(there), len({guest["guest_ip"] for guest in there.values()}),
           sorted(guest["tap_name"] for guest in there.values())),
          (sorted(names), len(names), taps()), "the guests")
    equal({name: guest["tap_name"] for name, guest in there.items()},
          {name: derived(name)[0] for name in names}, "their TAPs")

    crowd.calls = []
    churn()
    wait_for(lambda: sum(made.replies for made in crowd.calls) > 20, "some of them are answered")
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back", 10)
    crowd.wait(40)
    wait_for(lambda: taps() == sorted(guest["tap_name"] for guest in guests(network).values()),
             "TAPs and guests are the same after a crash")
    lab.remove(BRIDGE)
    equal(taps(), [], "TAPs of a network that was removed")
    wait_for(lambda: not [name for name in host.network_manager() if name.startswith("tap-")],
             "NetworkManager has seen them go", 30)


test_crowd_of_callers_and_a_crash.seconds = 80


def allow_two(lab):
    rule(lab, "10-guests", 'polkit.addRule(function(action, subject) { if (action.id == '
         '"org.jumpstarter.DutNetwork.attach-guest" && action.lookup("interface") == '
         f'"{BRIDGE}" && action.lookup("guest").indexOf("vm-") == 0 && (subject.user == "{ALICE}" || '
         f'subject.user == "{CAROL}")) return polkit.Result.YES; }});')


def test_guest_is_its_owners(lab):
    network = create(lab)
    path = network.path
    refusal = error_name(ALICE, path, bus.NETWORK, "AttachGuest", "(sa{sv})", "('vm-1', {})")
    assert refusal in ANY_REFUSAL, f"without a rule: {refusal}"
    allow_two(lab)
    refusal = error_name(ALICE, path, bus.NETWORK, "AttachGuest", "(sa{sv})", "('other', {})")
    assert refusal in ANY_REFUSAL, f"another guest than the rule's: {refusal}"
    equal(error_name(ALICE, path, bus.NETWORK, "AttachGuest", "(sa{sv})", "('vm-1', {})"), "",
          "attaching by a rule")
    for user, call, wanted in (
            (ALICE, ("AttachGuest", "(sa{sv})", "('vm-2', {'owner': <uint32 0>})"), bus.ACCESS_DENIED),
            (CAROL, ("AttachGuest", "(sa{sv})", "('vm-1', {})"), bus.ACCESS_DENIED),
            (CAROL, ("OpenGuest", "(sa{sv})", "('vm-1', {})"), bus.ACCESS_DENIED),
            (CAROL, ("DetachGuest", "(s)", "('vm-1',)"), bus.ACCESS_DENIED),
            (CAROL, ("DetachGuest", "(s)", "('vm-9',)"), ""),
            (ALICE, ("AttachGuest", "(sa{sv})", "('vm-1', {})"), "")):
        equal(error_name(user, path, bus.NETWORK, *call), wanted, f"{user}: {call[0]}")
    # A VMM that opens the TAP by its name, as user-mode Linux does, needs no capability either.
    tap = guests(network)["vm-1"]["tap_name"]
    script = f"from labkit.guest import open_tap; open_tap('{tap}')"
    top = os.path.dirname(os.path.abspath(__file__))
    for user, code in ((ALICE, 0), (CAROL, 1)):
        run(*as_user(user, "env", f"PYTHONPATH={top}", "/usr/bin/python3", "-c", script), expect=code)
    equal(error_name(ALICE, path, bus.NETWORK, "DetachGuest", "(s)", "('vm-1',)"), "", "detaching")


def test_command(lab):
    """attach makes the network of the environment, with-tap hands the TAP on."""
    environment = {**os.environ, "MICROVM_NETWORK_BRIDGE": BRIDGE, "MICROVM_NETWORK_MTU": "1400",
                   "MICROVM_NETWORK_SUBNET": "172.30.0.0/31", "MICROVM_NETWORK_EGRESS": "up0"}
    done = run_full("dutnetctl", "attach", "vm-1", "--ip", "172.30.0.7", env=environment)
    equal(done.returncode, 0, f"attach: {done.stderr}")
    contains(done.stderr, "MICROVM_NETWORK_SUBNET", "172.30.0.0/31", "172.30.0.0/24")
    contains(done.stdout, f"tap_name: {derived('vm-1')[0]}\n", "guest_ip: 172.30.0.7\n",
             f"kernel_ip_arg: ip=172.30.0.7::{GATEWAY}:255.255.255.0::eth0:off\n")
    network = lab.network(BRIDGE)
    settings_ = network.status()["settings"]
    equal((settings_["mtu"], settings_["upstream_interface"], settings_["create"]),
          (1400, "up0", "bridge"), "the network of the environment")
    again = json.loads(run("dutnetctl", "--json", "attach", "vm-1"))
    equal(again["guest_ip"], "172.30.0.7", "attached again, by the only network there is")
    contains(run("dutnetctl", "guests"), "vm-1", "172.30.0.7", derived("vm-1")[1])

    script = ("import fcntl, struct, sys; fds = [int(fd) for fd in sys.argv[1].split(':')];"
              "print([struct.unpack_from('16s', fcntl.ioctl(fd, 0x800454d2, bytes(40)))[0].rstrip(b'\\0')"
              ".decode() for fd in fds], sys.argv[2:]); sys.exit(7)")
    done = run_full("dutnetctl", "with-tap", "vm-1", "--", "/usr/bin/python3", "-c", script, "{fd}",
                    "tap,fd={fd},mac={mac}", "{ip}", "-i")
    equal(done.returncode, 7, f"the command's exit code: {done.stderr}")
    contains(done.stdout, f"['{derived('vm-1')[0]}']", f"mac={derived('vm-1')[1]}", "172.30.0.7", "-i")
    done = run_full("dutnetctl", "with-tap", "--queues", "3", "vm-3", "--", "/usr/bin/python3", "-c",
                    script, "{fds}")
    contains(done.stdout, str([derived("vm-3")[0]] * 3))
    for words, said in ((("with-tap", "vm-1", "--", "true"), "{fd}"), (("with-tap", "vm-1"), "missing"),
                        (("attach", "--mtu", "x", "vm-1"), "--mtu"), (("guests", "--mtu", "1"), "--mtu")):
        done = run_full("dutnetctl", *words)
        equal(done.returncode, 2, f"{words}: {done.stderr}")
        contains(done.stderr, said)
    run("dutnetctl", "detach", "vm-1")
    run("dutnetctl", "detach", "vm-1")
    equal(list(guests(network)), ["vm-3"], "the guests that are left")
