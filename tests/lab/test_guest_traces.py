# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest that is detached leaves: nothing, whatever comes in between."""

import ipaddress
import os

from labkit import bus, host, ipv6, lan, whoami
from labkit.bus import settings
from labkit.crowd import Crowd
from labkit.expect import equal, refused
from labkit.process import run, wait_for
from test_guests import (BRIDGE, GATEWAY, LIMIT_EXCEEDED, attach, conntrack, create, detach, guests,
                         start, taps)


def detach_and_kill(lab, network, guest):
    """The daemon ends where it would replace dnsmasq's files: the guest's line is in the log."""
    calls = "rename,renameat,renameat2"
    tracer = lab.start("strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                       f"inject={calls}:signal=KILL", "-p", lab.daemon_pid())
    wait_for(lambda: "TracerPid:\t0" not in host.read(f"/proc/{lab.daemon_pid()}/status"),
             "strace is attached")
    try:
        detach(network, guest)
        raise AssertionError("the daemon was to be killed before it answers")
    except bus.BusError:
        pass
    tracer.wait(10)
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back", 10)


def test_killed_while_it_detaches(lab):
    network = create(lab)
    vm, answer = start(lab, network, "vm-1")
    vm.dhcp()
    wait_for(network.leases, "its lease")
    other, other_answer = start(lab, network, "vm-2")
    other.configure(f"{other_answer['guest_ip']}/24", GATEWAY)
    flows = [whoami.Connection(each.namespace, lan.ROUTER) for each in (vm, other)]
    detach_and_kill(lab, network, "vm-1")
    equal((list(guests(network)), taps()), (["vm-2"], [other_answer["tap_name"]]), "the guests")
    if os.path.exists("/proc/net/nf_conntrack"):
        equal(conntrack(answer["guest_ip"]), [], "its connections")
    flows[1].ask_again()  # the other guest's goes on
    wait_for(lambda: not network.leases(), "its lease is gone")
    equal(attach(network, "vm-3", ip=answer["guest_ip"])["guest_ip"], answer["guest_ip"],
          "its address is another's now")
    assert not [name for name in os.listdir(host.RUNTIME) if name.endswith(".leaving")]


test_killed_while_it_detaches.seconds = 40


def test_detached_while_the_network_is_down(lab):
    network = create(lab)
    vm, answer = start(lab, network, "vm-1")
    other, other_answer = start(lab, network, "vm-2")
    for each in (vm, other):
        each.dhcp()
    wait_for(lambda: len(network.leases()) == 2, "their leases")
    network.call("Down")
    signals = lab.signals()
    detach(network, "vm-1")
    signals.wait("LeaseRemoved", network.path)
    left = [lease["ip"] for lease in network.leases()]
    equal(left, [other_answer["guest_ip"]], "the leases, while it is down")
    network.call("Up")
    equal([lease["ip"] for lease in network.leases()], left, "the leases, when it is up")
    equal(attach(network, "vm-3", ip=answer["guest_ip"])["guest_ip"], answer["guest_ip"],
          "its address is another's now")


def test_leased_address_is_free_at_once(lab):
    """dnsmasq takes its time to write down that the lease has ended."""
    network = create(lab)
    vm, answer = start(lab, network, "vm-1")
    vm.dhcp()
    wait_for(network.leases, "its lease")
    signals = lab.signals()
    detach(network, "vm-1")
    equal(attach(network, "vm-2", ip=answer["guest_ip"])["guest_ip"], answer["guest_ip"], "the address")
    equal(network.leases(), [], "the leases")
    signals.wait("LeaseRemoved", network.path)


def test_detached_guest_leaves_nothing_of_ipv6(lab):
    """Addresses that it makes itself, by its MAC and otherwise, and what it asks for."""
    ipv6.bring_to_lan(lab)
    network = create(lab, ipv6_subnet=ipv6.SUBNET, ipv6_mode="stateful")
    guests_ = [start(lab, network, f"vm-{index}")[0] for index in (1, 2)]
    flows, leased = [], []
    for vm, made in zip(guests_, ("fd00:d::abc1", "fd00:d::abc2")):
        leased.append(ipv6.dhclient(lab, vm)["new_ip6_address"])
        vm.run("ip", "-6", "address", "add", f"{made}/64", "dev", "eth0", "nodad")
        ipv6.add_default_route(vm)
        wait_for(lambda vm=vm: whoami.reaches(vm.namespace, ipv6.LAN_ROUTER, ipv6.PORT), "its way out")
        flows.append([whoami.Connection(vm.namespace, ipv6.LAN_ROUTER, ipv6.PORT, bind=address)
                      for address in (leased[-1], made)])

    def leases():
        return sorted(lease["ip"] for lease in network.leases())
    wait_for(lambda: leases() == sorted(leased), "their leases")
    detach(network, "vm-1")
    if os.path.exists("/proc/net/nf_conntrack"):
        for address in (leased[0], "fd00:d::abc1"):
            lines = conntrack(ipaddress.ip_address(address).exploded)
            equal([line for line in lines if "ESTABLISHED" in line], [], f"connections of {address}")
    seen = run("ip", "-6", "neighbour", "show", "dev", BRIDGE)
    assert "abc1" not in seen and "abc2" in seen, f"the neighbours: {seen}"
    wait_for(lambda: leases() == leased[1:], "its lease is gone")
    for flow in flows[1]:
        flow.ask_again()  # the other guest's go on
    network.call("Down")
    detach(network, "vm-2")
    equal(leases(), [], "the other's lease, while it is down")


def test_addresses_are_free_in_the_order_of_calls(lab):
    """Each call comes before the one before it is answered."""
    network = create(lab, subnet="172.30.0.0/29")
    crowd = Crowd(lab, 1)

    def call(method, signature, *arguments):
        crowd.network(0, BRIDGE, method, signature, *arguments)

    have = [attach(network, f"vm-{index}")["guest_ip"] for index in range(5)]
    call("DetachGuest", "(s)", "vm-0")
    call("AttachGuest", "(sa{sv})", "vm-5", {})
    call("AttachGuest", "(sa{sv})", "one-too-many", {})
    call("DetachGuest", "(s)", "vm-1")
    call("AttachGuest", "(sa{sv})", "vm-6", settings({"ip": have[1]}))
    call("AttachGuest", "(sa{sv})", "vm-7", settings({"ip": have[1]}))
    call("DetachGuest", "(s)", "vm-5")
    crowd.wait(20)
    equal([made.result for made in crowd.calls],
          [None, None, LIMIT_EXCEEDED, None, None, bus.INVALID_ARGS, None], "the answers")
    equal({guest: each["guest_ip"] for guest, each in guests(network).items()},
          {**{f"vm-{index}": have[index] for index in (2, 3, 4)}, "vm-6": have[1]}, "the guests")


def test_first_host_is_the_last_one_to_be_given(lab):
    network = create(lab, subnet="172.30.0.0/30", gateway_ip="172.30.0.2")
    equal(attach(network, "vm-1")["guest_ip"], "172.30.0.1", "the only address there is")
    with refused(LIMIT_EXCEEDED, "172.30.0.0/30"):
        attach(network, "vm-2")
