# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes under traffic: whatever is changed, no other packet is lost, none leaves with a wrong source,
no connection is reset; and what a change does end, it ends at once."""

import os
import random
import re
import signal
import socket
import threading
import time

from labkit import host, lan
from labkit.expect import equal
from labkit.process import wait_for
from labkit.traffic import PORT, Traffic, forget_connections

A, A_PRIVATE, A_PUBLIC = "raw0", "192.168.100.10", lan.FREE[0]
B, B_PRIVATE = "raw1", "192.168.101.10"
B_SUBNET = {"subnet": "192.168.101.0/24", "gateway_ip": "192.168.101.1"}
EVERY = 0.002
SELDOM = 0.02
# Every subnet of these tests; the LAN's is 10.77.0.0/24.
PRIVATE = (("192.168.0.0", 16), ("172.16.0.0", 12))


def flows_of(traffic, dut, private, public=None):
    """From the board to the LAN, from the host to the board, and, by its public address, from the
    LAN and the host to the board."""
    gateway = private.rsplit(".", 1)[0] + ".1"
    ways = [("out", dut.namespace, lan.ROUTER, public or lan.HOST), ("host", None, private, gateway)]
    if public:
        ways += [("in", "lan", public, lan.ROUTER), ("host by public address", None, public, public)]
    traffic.serve(dut.namespace)
    return [traffic.flow(kind, f"{dut.name} {way}", place, address, [source], every)
            for way, place, address, source in ways
            for kind, every in (("udp", EVERY), ("fresh", 0.005), ("tcp", SELDOM),
                                ("probe", SELDOM))]


def start_traffic(lab):
    forget_connections()
    traffic = Traffic()
    lab.undo.callback(traffic.close)
    traffic.serve("lan", lan.ROUTER)
    traffic.watch("lan", "lan0", PRIVATE)
    return traffic


class Scene:
    """Network A with a mapping, network B without, a board on each, and all flows under way."""

    def __init__(self, lab, *more):
        self.duts = [lab.dut(name) for name in (A, B, *more)][:2]
        self.a = lab.create(A, nat_mode="1to1",
                            addresses=[{"ip": A_PRIVATE, "mac": self.duts[0].mac,
                                        "hostname": "board", "public_ip": A_PUBLIC}])
        self.b = lab.create(B, **B_SUBNET,
                            addresses=[{"ip": B_PRIVATE, "mac": self.duts[1].mac,
                                        "hostname": "board"}])
        for dut, address in zip(self.duts, (A_PRIVATE, B_PRIVATE), strict=True):
            equal(dut.dhcp()["ip"], address, "the board's address")
        self.traffic = start_traffic(lab)
        self.flows_a = flows_of(self.traffic, self.duts[0], A_PRIVATE, A_PUBLIC)
        self.flows_b = flows_of(self.traffic, self.duts[1], B_PRIVATE)
        self.traffic.wait_flowing()

    def ask_dns(self):
        """Queries all the time as well, where dnsmasq has no reason to start again."""
        for dut, address in zip(self.duts, (A_PRIVATE, B_PRIVATE), strict=True):
            self.traffic.flow("dns", dut.name, dut.namespace, address.rsplit(".", 1)[0] + ".1", [],
                              0.005, port=53, query="board")

    def check(self, what):
        self.traffic.wait_flowing()
        self.traffic.check_clean(what=what)


def test_witness_sees_what_must_not_be(lab):
    """The traffic tests would be worth nothing if they overlooked it."""
    traffic = start_traffic(lab)
    lab.lan.namespace.run("ip", "address", "add", "192.168.100.200/32", "dev", "lan0")
    lab.undo.callback(lab.lan.namespace.run, "ip", "address", "delete", "192.168.100.200/32", "dev",
                      "lan0")
    flow = traffic.flow("udp", "missing", "lan", lan.HOST, [lan.ROUTER], EVERY)
    with lab.lan.namespace.socket(kind=socket.SOCK_DGRAM) as sock:
        sock.bind(("192.168.100.200", 0))
        sock.sendto(b"?", (lan.HOST, PORT))
    wait_for(lambda: traffic.accounts(settle=False)[0].resets, "the host refuses the packets")
    wait_for(lambda: traffic.accounts(settle=False) and traffic.witnessed, "the packet is witnessed")
    account = traffic.settle([flow])[0]
    equal((account.back, len(account.lost)), (0, account.sent), "what came back, and what was lost")


def test_wrong_source_and_loss_are_told(lab):
    dut = lab.dut(A)
    lab.create(dut, addresses=[{"ip": A_PRIVATE, "mac": dut.mac}])
    dut.dhcp()
    traffic = start_traffic(lab)
    wrong = traffic.flow("fresh", "wrong", dut.namespace, lan.ROUTER, [A_PUBLIC], EVERY)
    right = traffic.flow("udp", "right", dut.namespace, lan.ROUTER, [lan.HOST], EVERY)
    traffic.wait_flowing()
    dut.run("ip", "route", "add", "blackhole", f"{lan.ROUTER}/32")
    wait_for(lambda: traffic.accounts(settle=False)[1].under_way > 20, "packets do not come back")
    dut.run("ip", "route", "delete", "blackhole", f"{lan.ROUTER}/32")
    traffic.wait_flowing()
    of_wrong, of_right = traffic.settle([wrong, right])
    equal({source for _, source in of_wrong.wrong}, {lan.HOST}, "the wrong source")
    assert len(of_right.lost) > 20 and not of_right.wrong, of_right.faults()


def test_entries_come_and_go(lab):
    scene = Scene(lab)
    scene.ask_dns()
    for index in range(10):
        ip, public = f"192.168.100.{50 + index}", lan.FREE[2 + index]
        scene.a.add_address(ip, public_ip=public)
        scene.a.add_address(f"192.168.100.{150 + index}", mac=f"02:00:00:00:01:{index:02x}")
        scene.a.add_dns(f"name{index}", ip)
        scene.b.add_address(f"192.168.101.{50 + index}", hostname=f"board{index}")
        scene.b.add_dns(f"name{index}", ip)
        scene.a.add_address(ip, public_ip=lan.FREE[20 + index])
        if index % 2:
            scene.a.remove_address(ip)
            scene.a.remove_dns(f"name{index}")
            scene.b.remove_address(f"192.168.101.{50 + index}")
    scene.check("entries came and went")


def test_updates_of_what_is_beside_the_flows(lab):
    scene = Scene(lab)
    addresses = [{"ip": B_PRIVATE, "mac": scene.duts[1].mac, "hostname": "board"},
                 {"ip": "192.168.101.50", "public_ip": lan.FREE[1]}]
    for dns in (["10.77.0.3"], [lan.ROUTER]):
        scene.a.update(dns_servers=dns)
        scene.b.update(nat_mode="1to1", addresses=addresses)
        scene.a.update(dhcp_range_start="192.168.100.120", dhcp_range_end="192.168.100.140")
        scene.b.update(dns_servers=dns, dhcp_lease_time="5m")
        scene.b.update(nat_mode="masquerade", addresses=addresses[:1])
        scene.a.update(dhcp_range_start="192.168.100.100", dhcp_range_end="192.168.100.200")
    scene.check("settings were updated")


def test_reload_and_a_network_that_comes_and_goes(lab):
    scene = Scene(lab, "raw2")
    text = "interface: raw2\nsubnet: 192.168.102.0/24\ngateway_ip: 192.168.102.1\n"
    mapping = ("nat_mode: 1to1\naddresses:\n"
               f"  - {{ip: 192.168.102.10, public_ip: {lan.FREE[1]}}}\n")
    for change in ("", mapping, f"dns_servers: [{lan.ROUTER}]\n", "nat_mode: disabled\n"):
        lab.configure("third.yaml", text + change)
        lab.reload()
    lab.network("raw2").wait_state("active")
    os.unlink("/etc/jumpstarter/dut-network.d/third.yaml")
    lab.reload()
    lab.create("raw2", subnet="192.168.102.0/24", gateway_ip="192.168.102.1")
    lab.remove("raw2")
    scene.check("a network was reloaded, removed, created")


def test_restart_of_the_daemon(lab):
    scene = Scene(lab)
    scene.ask_dns()
    for _ in range(2):
        lab.restart_daemon()
        for network in (scene.a, scene.b):
            network.wait_state("active", deadline=10)
    scene.check("the daemon was restarted")


def test_kill_of_the_daemon(lab):
    scene = Scene(lab)
    scene.ask_dns()
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon is back", 10)
    for network in (scene.a, scene.b):
        network.wait_state("active", deadline=10)
    scene.check("the daemon was killed")


def test_kill_of_dnsmasq(lab):
    scene = Scene(lab)
    pid = scene.a.dnsmasq()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: pid not in host.servants() and len(host.servants()) == 2,
             "there is another dnsmasq", 10)
    scene.a.wait_state("active", deadline=10)
    scene.check("dnsmasq was killed")


def test_mixed_changes_of_many_clients(lab):
    scene = Scene(lab)
    seed = random.randrange(1 << 32)
    errors = []

    def client(number):
        chance = random.Random(f"{seed}-{number}")
        network = lab.network(A if number % 2 else B)
        network.bus = lab.client()
        subnet = f"192.168.10{0 if number % 2 else 1}"
        try:
            for index in range(12):
                ip = f"{subnet}.{20 + 10 * number + index % 5}"
                public = lan.FREE[2 + 8 * number + index % 5]
                options = {"public_ip": public} if number % 2 and chance.random() < 0.6 else {}
                network.add_address(ip, **options)
                network.add_dns(f"name{number}-{index}", ip)
                if chance.random() < 0.2:
                    network.update(dhcp_lease_time=f"{chance.randrange(5, 60)}m")
                if chance.random() < 0.6:
                    network.remove_address(ip)
                    network.remove_dns(f"name{number}-{index}")
        except Exception as error:  # told to the test, whatever it is
            errors.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, f"seed {seed}: {errors}"
    scene.check(f"seed {seed}")


def test_host_never_answers_for_a_board(lab):
    """A public address is the host's own only while it leads to the board: a LAN host that sends to it
    all the time gets the board's answers or none, never the host's own."""
    dut = lab.dut(A)
    network = lab.create(dut, nat_mode="1to1", addresses=[{"ip": "192.168.100.50",
                                                           "public_ip": A_PUBLIC}])
    dut.configure(f"{A_PRIVATE}/24", "192.168.100.1")
    public = lan.FREE[1]
    # Its packets reach the host whether it has the address or not.
    lab.lan.run("ip", "neighbour", "replace", public, "lladdr", lan.HOST_MAC, "dev", "lan0", "nud",
                "permanent")
    lab.undo.callback(lab.lan.run, "ip", "neighbour", "delete", public, "dev", "lan0")
    traffic = start_traffic(lab)
    traffic.serve(dut.namespace)
    flows = [traffic.flow("fresh", "lan", "lan", public, [lan.ROUTER], 0.0005),
             traffic.flow("probe", "lan", "lan", public, [lan.ROUTER], 0.005),
             traffic.flow("udp", "lan", "lan", public, [lan.ROUTER], 0.002)]
    for _ in range(12):
        network.add_address(A_PRIVATE, public_ip=public)
        traffic.wait_flowing()
        network.remove_address(A_PRIVATE)
    # Updates: the steps of the list, one after the other.
    for _ in range(6):
        network.update(addresses=[{"ip": A_PRIVATE, "public_ip": public}])
        traffic.wait_flowing()
        network.update(addresses=[{"ip": "192.168.100.50", "public_ip": A_PUBLIC}])
    accounts = traffic.settle(flows)
    resets = [reset for account in accounts for reset in account.resets
              if reset[1] in ("ECONNREFUSED", "ECONNRESET")]
    equal(len(resets), 0, f"the number of answers of the host's own, such as {resets[:3]}")
    equal([account.wrong for account in accounts], [[], [], []], "what came from a wrong source")


def tracked(ip, public):
    """The connections of that mapping, in either direction: source and destination, then those of the
    answers."""
    lines = host.read("/proc/net/nf_conntrack").splitlines()
    ends = [re.findall(r"(?:src|dst)=(\S+)", line) for line in lines]
    return [line for line in ends if (line[1], line[2]) == (public, ip)
            or (line[0], line[3]) == (ip, public)]


def ends_at_once(lab, change):
    """The connections over A's mapping end with the change; all others go on."""
    scene = Scene(lab)
    over_mapping = [flow for flow in scene.flows_a if " host " not in flow.name
                    or "public" in flow.name]
    others = [flow for flow in (*scene.flows_a, *scene.flows_b) if flow not in over_mapping]
    inward = [flow for flow in over_mapping if " in " in flow.name]
    assert tracked(A_PRIVATE, A_PUBLIC), "connection tracking knows nothing of the mapping"
    for flow in over_mapping:
        flow.allow(lan.HOST, lan.FREE[9])
    change(scene)
    time_is_up = time.monotonic() + 0.2
    wait_for(lambda: time.monotonic() > time_is_up, "the time they have")
    before = scene.traffic.counts()
    wait_for(lambda: scene.traffic.counts()[inward[0].number][0]
             > before[inward[0].number][0] + 50, "more packets are sent")
    for account, flow in zip(scene.traffic.settle(inward), inward, strict=True):
        equal(account.back, before[flow.number][1], f"{account.name}: what came back")
        assert account.sent > account.back, f"{account.name} has sent nothing more"
    equal(tracked(A_PRIVATE, A_PUBLIC), [], "the connections of the mapping")
    scene.traffic.check_clean(others, "the flows that have nothing to do with the mapping")


def test_connections_of_a_removed_mapping_end(lab):
    ends_at_once(lab, lambda scene: scene.a.remove_address(A_PRIVATE))


def test_connections_of_a_mapping_end_with_an_update(lab):
    ends_at_once(lab, lambda scene: scene.a.update(nat_mode="masquerade",
                                                   addresses=[{"ip": A_PRIVATE}]))


def test_connections_of_a_mapping_that_moves_end(lab):
    ends_at_once(lab, lambda scene: scene.a.add_address(A_PRIVATE, public_ip=lan.FREE[9]))


def test_connections_of_a_network_that_goes_end(lab):
    """Else a board that always sends from one port would go on with an address that has gone."""
    dut = lab.dut(A)
    entry = {"ip": A_PRIVATE, "mac": dut.mac}
    lab.create(dut, nat_mode="1to1", addresses=[{**entry, "public_ip": A_PUBLIC}])
    dut.dhcp()
    traffic = start_traffic(lab)
    flow = traffic.flow("udp", "out", dut.namespace, lan.ROUTER, [A_PUBLIC, lan.HOST], EVERY)
    traffic.wait_flowing()
    lab.remove(dut)
    lab.create(dut, addresses=[entry])
    traffic.wait_flowing(more=20)
    equal(tracked(A_PRIVATE, A_PUBLIC), [], "the connections of the mapping that has gone")
    equal(flow.account().wrong, [], "wrong sources")


def test_many_mappings_end_in_no_time(lab):
    """An Update that takes a thousand mappings away looks at the connections once, not for each."""
    lab.dut(A)
    many = [{"ip": f"192.168.{96 + index // 250}.{1 + index % 250}",
             "public_ip": f"10.88.{index // 250}.{1 + index % 250}"} for index in range(1, 1000)]
    network = lab.create(A, subnet="192.168.96.0/20", gateway_ip="192.168.96.1", nat_mode="1to1",
                         dhcp_enabled=False, addresses=many)
    before = time.monotonic()
    network.update(addresses=many[:1])
    assert time.monotonic() - before < 3, f"it took {time.monotonic() - before:.1f} s"
