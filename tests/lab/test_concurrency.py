# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients at once: calls are serialised per network, in the order in which they came; none is
lost, none starves, and a slow network holds up no other."""

import contextlib
import os
import random
import signal

from labkit import bus, host, lan
from labkit.crowd import Crowd, flush
from labkit.expect import equal
from labkit.lab import Network
from labkit.process import run, wait_for

SUBNETS = {f"raw{n}": {"subnet": f"192.168.{101 + n}.0/24", "gateway_ip": f"192.168.{101 + n}.1"}
           for n in range(3)}
NO_SUCH = bus.ERROR + "NoSuchNetwork"
EXISTS = bus.ERROR + "NetworkExists"
# What a call at random may be answered with, beside success.
ALLOWED = {NO_SUCH, EXISTS, bus.ERROR + "NoSuchAddress", bus.ERROR + "NoSuchEntry",
           bus.ERROR + "NoSuchLease", bus.INVALID_ARGS,
           "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod"}


def create_arguments(interface, **more):
    return ("CreateNetwork", "(a{sv})",
            bus.settings({"interface": interface, **SUBNETS[interface], **more}))


def address_of(interface, last):
    return SUBNETS[interface]["gateway_ip"].rsplit(".", 1)[0] + f".{last}"


def random_call(crowd, chance):
    client, interface = chance.randrange(20), chance.choice(sorted(SUBNETS))
    ip = address_of(interface, chance.randrange(10, 30))
    crowd.network(client, interface, *chance.choice((
        ("AddAddress", "(sa{sv})", ip, bus.settings({"hostname": f"h{ip.split('.')[3]}"})),
        ("RemoveAddress", "(s)", ip), ("AddDnsEntry", "(ss)", "a.lab", ip),
        ("RemoveDnsEntry", "(s)", "a.lab"), ("GetStatus",), ("GetLeases",), ("GetNatRules",),
        ("Update", "(a{sv})", bus.settings({"dhcp_lease_time": chance.choice(("1h", "2h"))})),
        ("Update", "(a{sv})",
         bus.settings({"nat_mode": chance.choice(("masquerade", "disabled"))})),
        ("Up",), ("Down",)))) if chance.random() < 0.8 else crowd.manager(client, *chance.choice((
            create_arguments(interface), ("RemoveNetwork", "(s)", interface), ("ListNetworks",),
            ("GetNetwork", "(s)", interface), ("Reload",),
            ("LoadConfig", "(s)", f"interface: {interface}\nsubnet: "
             f"{SUBNETS[interface]['subnet']}\ngateway_ip: {SUBNETS[interface]['gateway_ip']}\n"))))


def test_many_clients_at_random(lab):
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"        seed {seed}")
    chance = random.Random(seed)
    for interface in SUBNETS:
        lab.dut(interface)
    crowd = Crowd(lab, 20)
    for interface in SUBNETS:
        lab.create(interface, **SUBNETS[interface])
    for _ in range(300):
        random_call(crowd, chance)
    crowd.wait(45)
    odd = {call.result for call in crowd.calls} - ALLOWED - {None}
    equal(odd, set(), "errors that no call of these has a reason for")
    n_good = sum(call.result is None for call in crowd.calls)
    assert n_good > 40, f"hardly a call succeeded: {n_good}"  # where all three are removed early
    networks = lab.networks()
    for state, path in networks.values():
        assert state in ("active", "inactive"), f"{path} is {state}"
        names = [line for line in host.read(os.path.join(Network(lab.bus, path).get("StateDir"),
                                                         "hosts.local")).splitlines()]
        entries = Network(lab.bus, path).get("Addresses")
        for entry in entries if state == "active" else ():
            assert any(entry["ip"] in line for line in names), f"{entry} is not in hosts.local"
    equal(len(host.servants()), sum(state == "active" for state, _ in networks.values()),
          "the number of dnsmasq processes")


@contextlib.contextmanager
def network_manager_asleep():
    pid = int(run("systemctl", "show", "--property=MainPID", "--value", "NetworkManager.service"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def slow_start(lab, interface, seconds):
    """Until the test ends, a dnsmasq of that interface takes its time."""
    real = "/usr/sbin/dnsmasq.real"
    os.rename("/usr/sbin/dnsmasq", real)
    lab.undo.callback(os.rename, real, "/usr/sbin/dnsmasq")
    with open("/usr/sbin/dnsmasq", "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\ncase $1 in *{interface}/*) sleep {seconds} ;; esac\n"
                   f"exec {real} \"$@\"\n")
    os.chmod("/usr/sbin/dnsmasq", 0o755)


def quick_calls(crowd, interface):
    """The slowest of some, in seconds."""
    slowest = 0.0
    for last in range(10, 20):
        ip = address_of(interface, last)
        for call in (("AddAddress", "(sa{sv})", ip, {}), ("GetStatus",), ("RemoveAddress", "(s)", ip)):
            done = crowd.network(0, interface, *call).done()
            equal(done.result, None, f"the result of {done.method}")
            slowest = max(slowest, done.seconds)
    return slowest


def test_network_that_starts_slowly_holds_up_no_other(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    crowd = Crowd(lab, 2)
    lab.create("raw1", **SUBNETS["raw1"])
    slow_start(lab, "dut-network-raw0", 2)
    slow = crowd.manager(1, *create_arguments("raw0"))
    wait_for(lambda: lab.networks().get("raw0", ("",))[0] == "activating", "raw0 comes up")
    slowest = quick_calls(crowd, "raw1")
    equal(slow.replies, 0, "replies of the slow one")
    assert slowest < 0.5, f"a call to another network took {slowest:.3f} s"
    equal(slow.done().result, None, "the slow one's result")
    os.unlink("/usr/sbin/dnsmasq")
    lab.remove("raw0")


def test_hand_over_that_hangs_holds_up_no_other(lab):
    lab.dut("usb0")
    lab.dut("raw1")
    crowd = Crowd(lab, 2)
    lab.create("raw1", **SUBNETS["raw1"])
    with network_manager_asleep():
        slow = crowd.manager(1, "CreateNetwork", "(a{sv})",
                             bus.settings({"interface": "usb0", "dhcp_force": True}))
        wait_for(lambda: lab.networks().get("usb0", ("",))[0] == "activating", "usb0 comes up")
        slowest = quick_calls(crowd, "raw1")
        equal(slow.replies, 0, "replies of the one that hangs")
    assert slowest < 0.5, f"a call to another network took {slowest:.3f} s"
    equal(slow.done(30).result, None, "the slow one's result")


def results(*calls):
    return [call.done().result for call in calls]


def test_operations_in_flight_end_as_the_order_of_arrival_says(lab):
    lab.dut("raw0")
    crowd = Crowd(lab, 1)
    network = lab.create("raw0", **SUBNETS["raw0"])
    calls = [crowd.network(0, "raw0", *call) for call in (
        ("Down",), ("Up",), ("Update", "(a{sv})", bus.settings({"dhcp_lease_time": "1h"})),
        ("Down",), ("AddAddress", "(sa{sv})", address_of("raw0", 10), {}), ("Down",), ("Up",),
        ("Update", "(a{sv})", bus.settings({"dhcp_lease_time": "2h"})))]
    equal(results(*calls), [None] * len(calls), "the results")
    equal(network.get("State"), "active", "State")
    equal(network.status()["settings"]["dhcp_lease_time"], "2h", "dhcp_lease_time")
    equal([entry["ip"] for entry in network.get("Addresses")], [address_of("raw0", 10)], "Addresses")


def test_removal_ends_what_came_after_it(lab):
    lab.dut("raw0")
    crowd = Crowd(lab, 1)
    lab.create("raw0", **SUBNETS["raw0"])
    calls = (crowd.manager(0, "RemoveNetwork", "(s)", "raw0"), crowd.network(0, "raw0", "Up"),
             crowd.network(0, "raw0", "AddAddress", "(sa{sv})", address_of("raw0", 10), {}),
             crowd.manager(0, "RemoveNetwork", "(s)", "raw0"))
    equal(results(*calls), [None, NO_SUCH, NO_SUCH, NO_SUCH], "the results")
    equal(lab.networks(), {}, "the networks")


def test_creation_after_a_removal_that_is_under_way(lab):
    lab.dut("raw0")
    crowd = Crowd(lab, 1)
    network = lab.create("raw0", **SUBNETS["raw0"])
    network.add_address(address_of("raw0", 10))
    calls = (crowd.manager(0, "RemoveNetwork", "(s)", "raw0"),
             crowd.manager(0, *create_arguments("raw0")),
             crowd.manager(0, *create_arguments("raw0")))
    equal(results(*calls), [None, None, EXISTS], "the results")
    equal(network.get("State"), "active", "State")
    equal(network.get("Addresses"), [], "Addresses")


def test_reload_after_a_removal_that_is_under_way(lab):
    lab.dut("raw0")
    crowd = Crowd(lab, 1)
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    calls = (crowd.manager(0, "RemoveNetwork", "(s)", "raw0"), crowd.manager(0, "Reload"))
    equal(results(*calls), [None, None], "the results")
    lab.network("raw0").wait_state("active")


def test_transaction_beside_a_removal(lab):
    """Another client removes what a LoadConfig has made, or is about to change."""
    for interface in SUBNETS:
        lab.dut(interface)
    crowd = Crowd(lab, 2)
    text = "networks:\n" + "".join(
        f"  - {{interface: {interface}, subnet: {subnet['subnet']}, "
        f"gateway_ip: {subnet['gateway_ip']}}}\n" for interface, subnet in SUBNETS.items())
    load = crowd.manager(0, "LoadConfig", "(s)", text)
    wait_for(lambda: "raw1" in lab.networks(), "the second one is being made")
    remove = crowd.manager(1, "RemoveNetwork", "(s)", "raw0")
    equal(results(load, remove), [None, None], "the results")
    equal({name: state for name, (state, _) in lab.networks().items()},
          {"raw1": "active", "raw2": "active"}, "the networks")

    load = crowd.manager(0, "LoadConfig", "(s)", text.replace("raw2,", "up0,"))
    wait_for(lambda: "raw0" in lab.networks(), "the first one is being made")
    remove = crowd.manager(1, "RemoveNetwork", "(s)", "raw1")
    equal(results(load, remove), [bus.ERROR + "InterfaceInUse", None], "the results")
    equal(list(lab.networks()), ["raw2"], "the networks once the whole is taken back")


def slow_transaction():
    """Text whose first two networks take their time: the LAN is asked about their public addresses."""
    networks = "".join(
        f"  - {{interface: {interface}, subnet: {subnet['subnet']}, gateway_ip: {subnet['gateway_ip']}, "
        f"nat_mode: 1to1, addresses: [{{ip: {address_of(interface, 10)}, public_ip: {public}}}]}}\n"
        for (interface, subnet), public in zip(SUBNETS.items(), lan.FREE))
    return "networks:\n" + networks


def somebody_elses(network):
    return network.get("State"), network.get("NatMode"), network.get("Addresses")


def test_transaction_leaves_alone_what_somebody_else_makes_meanwhile(lab):
    """polkit was asked about the networks that there were when the call came."""
    for interface in SUBNETS:
        lab.dut(interface)
    crowd = Crowd(lab, 1)
    load = crowd.manager(0, "LoadConfig", "(s)", slow_transaction())
    wait_for(lambda: "raw0" in lab.networks(), "the first one is being made")
    network = lab.create("raw2", **SUBNETS["raw2"])
    equal(results(load), [EXISTS], "the result")
    equal(list(lab.networks()), ["raw2"], "the networks once the whole is taken back")
    equal(somebody_elses(network), ("active", "masquerade", []), "the one that somebody else has made")

    # It was there when the next call came.
    lab.bus.manager("LoadConfig", "(s)", slow_transaction())
    equal(network.get("NatMode"), "1to1", "the mode of the one that was there")


def test_transaction_leaves_alone_what_is_another_one_by_then(lab):
    for interface in SUBNETS:
        lab.dut(interface)
    lab.create("raw2", **SUBNETS["raw2"])
    crowd = Crowd(lab, 1)
    load = crowd.manager(0, "LoadConfig", "(s)", slow_transaction())
    wait_for(lambda: "raw0" in lab.networks(), "the first one is being made")
    lab.remove("raw2")
    network = lab.create("raw2", **SUBNETS["raw2"])
    equal(results(load), [EXISTS], "the result")
    equal(list(lab.networks()), ["raw2"], "the networks once the whole is taken back")
    equal(somebody_elses(network), ("active", "masquerade", []), "the one that somebody else has made")


def test_transaction_that_is_cut_off_takes_none_of_somebody_else_s_with_it(lab):
    for interface in SUBNETS:
        lab.dut(interface)
    crowd = Crowd(lab, 1)
    crowd.manager(0, "LoadConfig", "(s)", slow_transaction())
    wait_for(lambda: "raw0" in lab.networks(), "the first one is being made")
    network = lab.create("raw2", **SUBNETS["raw2"])
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and list(lab.networks()) == ["raw2"],
             "the daemon is back, and the group's networks are not")
    equal(network.wait_state("active"), "active", "State")
    equal(somebody_elses(network), ("active", "masquerade", []), "the one that somebody else has made")


def test_client_that_does_not_read_its_replies(lab):
    """A thousand large replies are in its way, and nobody's else."""
    lab.dut("raw0")
    crowd = Crowd(lab, 1)
    lab.create("raw0", **SUBNETS["raw0"], addresses=[
        {"ip": address_of("raw0", last), "hostname": f"h{last}"} for last in range(10, 90)])
    deaf = lab.start("/usr/bin/python3", "-c", DEAF_CLIENT, bus.NAME, bus.path_of("raw0"),
                     bus.NETWORK, stdout=-1, text=True)
    equal(deaf.stdout.readline().strip(), "sent", "the deaf client's word")
    lab.undo.callback(deaf.kill)
    slowest = quick_calls(crowd, "raw0")
    assert slowest < 3, f"a call of another client took {slowest:.3f} s"
    equal(lab.network("raw0").get("State"), "active", "State")


DEAF_CLIENT = """
import sys, time
from gi.repository import Gio
connection = Gio.bus_get_sync(Gio.BusType.SYSTEM)
calls = []
for _ in range(120):
    message = Gio.DBusMessage.new_method_call(*sys.argv[1:], "GetStatus")
    message.set_serial(0)
    calls.append(message)
blob = b""
stream = connection.get_stream()
for serial, message in enumerate(calls, 1000):
    message.set_serial(serial)
    blob += message.to_blob(Gio.DBusCapabilityFlags.NONE)
import os
os.write(stream.get_socket().get_fd(), blob)
print("sent", flush=True)
os.kill(os.getpid(), 19)
"""


def test_client_that_dies_in_the_middle(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    crowd = Crowd(lab, 3)
    lab.create("raw1", **SUBNETS["raw1"])
    for client in range(2):
        crowd.manager(client, "ListNetworks").done()  # the service knows it
    for client in range(2):
        crowd.manager(client, *create_arguments("raw0"))
        crowd.network(client, "raw1", "Down")
        crowd.network(client, "raw1", "Update", "(a{sv})", bus.settings({"dhcp_lease_time": "1h"}))
        crowd.network(client, "raw1", "Up")
        flush(crowd.clients[client])
        crowd.clients[client].close()
    last = crowd.network(2, "raw1", "GetStatus").done()
    equal(last.result, None, "the result for another client")
    wait_for(lambda: sorted(state for state, _ in lab.networks().values()) == ["active"] * 2,
             "both are as the dead clients wanted them")
    equal(lab.network("raw1").status()["settings"]["dhcp_lease_time"], "1h", "dhcp_lease_time")
