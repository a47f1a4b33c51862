# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses by DHCP, from a real client, and what the service tells of them."""

import glob
import os
import signal
import socket
import time

from labkit import bus, host, lan
from labkit.dut import NoLease
from labkit.expect import contains, equal, refused
from labkit.process import run, stays, wait_for

MAC = "02:00:00:00:00:01"
GATEWAY = "192.168.100.1"


def no_lease(dut):
    try:
        lease = dut.dhcp(tries=1)
    except NoLease:
        return True
    raise AssertionError(f"there is a lease: {lease}")


def test_board_gets_address_router_and_name_server(lab):
    dut = lab.dut()
    lab.create(dut)
    lease = dut.dhcp()
    equal({key: lease[key] for key in ("ip", "mask", "router", "dns", "serverid", "lease")},
          {"ip": "192.168.100.100", "mask": "24", "router": GATEWAY, "dns": GATEWAY,
           "serverid": GATEWAY, "lease": "43200"}, "the lease")


def test_first_offer_takes_no_three_seconds(lab):
    dut = lab.dut()
    lab.create(dut)
    start = time.monotonic()
    dut.dhcp()
    seconds = time.monotonic() - start
    assert seconds < 1, f"it took {seconds:.2f} s"


def test_ping_check_pings_before_the_offer(lab):
    dut = lab.dut()
    lab.create(dut, dhcp_ping_check=True)
    start = time.monotonic()
    dut.dhcp(tries=6)
    seconds = time.monotonic() - start
    assert seconds > 1.5, f"it took only {seconds:.2f} s"


def test_entry_gives_its_mac_its_address(lab):
    dut = lab.dut()
    lab.create(dut, addresses=[{"ip": "192.168.100.42", "mac": dut.mac, "hostname": "board"}])
    lease = dut.dhcp()
    equal(lease["ip"], "192.168.100.42", "the address")


def test_mac_in_capitals_is_the_same_mac(lab):
    dut = lab.dut(mac="02:00:00:ab:cd:ef")
    network = lab.create(dut, addresses=[{"ip": "192.168.100.42", "mac": "02:00:00:AB:CD:EF"}])
    equal(dut.dhcp()["ip"], "192.168.100.42", "the address")
    equal(network.get("Addresses")[0]["mac"], "02:00:00:ab:cd:ef", "the MAC in Addresses")
    equal(network.call("GetDutIp", "(s)", "02:00:00:aB:cD:eF"), "192.168.100.42", "GetDutIp")


def test_entry_added_later_holds_without_a_restart_of_dnsmasq(lab):
    dut = lab.dut()
    network = lab.create(dut)
    pid = network.dnsmasq()
    network.add_address("192.168.100.43", mac=dut.mac)
    equal(dut.dhcp()["ip"], "192.168.100.43", "the address")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")


def test_removed_entry_is_served_no_more(lab):
    dut = lab.dut()
    network = lab.create(dut, addresses=[{"ip": "192.168.100.42", "mac": dut.mac}])
    network.remove_address("192.168.100.42")
    equal(dut.dhcp()["ip"], "192.168.100.100", "the address")
    equal(network.get("Addresses"), [], "Addresses")


def test_entry_of_another_board_keeps_its_address_out_of_the_range(lab):
    dut = lab.dut()
    lab.create(dut, addresses=[{"ip": "192.168.100.100"},
                               {"ip": "192.168.100.101", "mac": "02:00:00:00:99:99"}])
    equal(dut.dhcp()["ip"], "192.168.100.102", "the address")


def test_range_is_the_configured_one(lab):
    dut = lab.dut()
    lab.create(dut, subnet="10.5.0.0/16", gateway_ip="10.5.0.1", dhcp_range_start="10.5.7.7",
               dhcp_range_end="10.5.7.9", dhcp_lease_time="30m")
    lease = dut.dhcp()
    equal((lease["ip"], lease["mask"], lease["lease"]), ("10.5.7.7", "16", "1800"), "the lease")


def test_range_of_one_serves_one_board_whatever_its_mac(lab):
    dut = lab.dut()
    network = lab.create(dut, dhcp_range_start="192.168.100.50", dhcp_range_end="192.168.100.50")
    equal(dut.dhcp()["ip"], "192.168.100.50", "the address")
    dut.run("ip", "link", "set", "eth0", "address", "02:00:00:00:07:07")
    equal(dut.dhcp()["ip"], "192.168.100.50", "the address of the next board")
    wait_for(lambda: [lease["mac"] for lease in network.leases()] == ["02:00:00:00:07:07"],
             "the lease is the next board's alone", deadline=1.0)


def test_one_mac_is_one_board_whatever_its_client_identifier(lab):
    dut = lab.dut()
    network = lab.create(dut)
    equal(dut.dhcp(options=("-x", "0x3d:ff01020304"))["ip"], "192.168.100.100", "the boot loader's")
    equal(dut.dhcp(options=("-x", "0x3d:ff0a0b0c0d"))["ip"], "192.168.100.100", "the system's")
    equal([lease["mac"] for lease in network.leases()], [dut.mac], "the leases")


def test_range_changes_while_it_runs(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    network.update(dhcp_range_start="192.168.100.150")
    dut.run("ip", "link", "set", "eth0", "address", "02:00:00:00:08:08")
    equal(dut.dhcp()["ip"], "192.168.100.150", "the address from the new range")


def test_no_address_without_dhcp(lab):
    dut = lab.dut()
    network = lab.create(dut, dhcp_enabled=False)
    assert network.get("DhcpEnabled") is False
    no_lease(dut)


def test_dhcp_is_turned_off_and_on(lab):
    dut = lab.dut()
    network = lab.create(dut)
    network.update(dhcp_enabled=False)
    no_lease(dut)
    network.update(dhcp_enabled=True)
    dut.dhcp()


def test_lease_is_told_within_a_second(lab):
    dut = lab.dut()
    signals = lab.signals()
    network = lab.create(dut)
    now = time.time()
    dut.dhcp(hostname="wanted-name")
    lease, = signals.wait("LeaseAdded", network.path, deadline=1.0)
    equal((lease["mac"], lease["ip"], lease["hostname"]),
          (dut.mac, "192.168.100.100", "wanted-name"), "the lease of the signal")
    assert abs(lease["expiry"] - now - 43200) < 5, f"the expiry is {lease['expiry']}, now is {now}"
    equal(network.leases(), [lease], "GetLeases")
    equal(network.get("Leases"), [lease], "the property Leases")
    equal(network.status()["leases"], [lease], "leases in GetStatus")


def test_released_lease_goes_within_a_second(lab):
    dut = lab.dut()
    signals = lab.signals()
    network = lab.create(dut)
    client = dut.keep_dhcp()
    signals.wait("LeaseAdded", network.path)
    client.send_signal(signal.SIGUSR2)
    lease, = signals.wait("LeaseRemoved", network.path, deadline=1.0)
    equal((lease["mac"], lease["ip"]), (dut.mac, "192.168.100.100"), "the lease of the signal")
    equal(network.leases(), [], "GetLeases")


def test_changed_host_name_of_a_lease_is_told(lab):
    dut = lab.dut()
    signals = lab.signals()
    network = lab.create(dut)
    dut.dhcp(hostname="first")
    signals.wait("LeaseAdded", network.path)
    dut.dhcp(hostname="second")
    lease, = signals.wait("LeaseChanged", network.path, lambda told: told["hostname"] == "second")
    equal(lease["ip"], "192.168.100.100", "the address")


def test_address_of_a_board_is_its_lease_else_its_entry(lab):
    dut = lab.dut()
    network = lab.create(dut, addresses=[{"ip": "192.168.100.77", "mac": "02:00:00:00:00:77"}])
    with refused(bus.ERROR + "NoSuchLease", dut.mac):
        network.call("GetDutIp", "(s)", dut.mac)
    equal(network.call("GetDutIp", "(s)", "02:00:00:00:00:77"), "192.168.100.77", "by its entry")
    address = dut.dhcp()["ip"]
    equal(wait_for(lambda: leased(network, dut.mac), "the lease is known"), address, "by its lease")


def leased(network, mac):
    """The address, or nothing while there is none."""
    try:
        return network.call("GetDutIp", "(s)", mac)
    except bus.BusError:
        return None


def test_leases_survive_a_restart_of_the_daemon(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    wait_for(network.leases, "the lease is known")
    pid = network.dnsmasq()
    before = network.leases()
    lab.restart_daemon()
    equal(network.leases(), before, "GetLeases after the restart")
    equal(network.dnsmasq(), pid, "dnsmasq's pid after the restart")


def test_leases_survive_down_and_up(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    wait_for(network.leases, "the lease is known")
    network.call("Down")
    no_lease(dut)
    network.call("Up")
    equal([lease["mac"] for lease in network.leases()], [dut.mac], "the leases after Up")


def answer(dut, *question):
    """None where there is none: dnsmasq is being started again."""
    try:
        return dut.dig(*question)
    except AssertionError:
        return None


def test_leases_of_another_subnet_end_with_it(lab):
    """Else their names go on leading to addresses that nobody has."""
    dut = lab.dut()
    network = lab.create(dut)
    lease = dut.dhcp("board")
    wait_for(network.leases, "the lease is known")
    equal(dut.dig("board", "192.168.100.1"), [lease["ip"]], "its name")
    signals = lab.signals()
    network.update(subnet="192.168.44.0/24", gateway_ip="192.168.44.1")
    equal(network.leases(), [], "leases of the subnet before")
    signals.wait("LeaseRemoved", network.path)
    lab.restart_daemon()
    network.call("Down")
    network.call("Up")
    equal(network.leases(), [], "leases after all that")
    dut.configure("192.168.44.9/24", "192.168.44.1")
    wait_for(lambda: answer(dut, "board", "192.168.44.1") == [], "its name leads nowhere")


def test_two_networks_serve_at_once(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    lab.create(second, subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    equal(first.dhcp()["ip"], "192.168.100.100", "the first board's address")
    equal(second.dhcp()["ip"], "192.168.101.100", "the second board's address")
    equal(first.source_at(lan.ROUTER), lan.HOST, "the first board's source")
    equal(second.source_at(lan.ROUTER), lan.HOST, "the second board's source")


def test_loopback_is_left_to_others(lab):
    lab.dut()
    lab.create("raw0")
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.bind(("127.0.0.1", 53))


def test_resolver_of_the_hosts_own_runs_beside_it(lab):
    dut = lab.dut()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
        one.bind(("127.0.0.1", 53))
        two.bind(("127.0.0.53", 53))
        lab.create(dut, dns_entries=[{"hostname": "it.test", "ip": "1.2.3.4"}])
        dut.dhcp()
        equal(dut.dig("it.test", GATEWAY), ["1.2.3.4"], "the answer")


def test_one_dnsmasq_runs_for_one_network(lab):
    lab.dut()
    network = lab.create("raw0")
    network.add_address("192.168.100.20", mac="02:00:00:00:00:20")
    equal(len(host.servants()), 1, f"the number of programs: {host.servants()}")
    stays(lambda: len(host.servants()) == 1, "one dnsmasq", 0.1)


def test_files_of_the_state_directory_are_there(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    directory = network.get("StateDir").rstrip("/")
    equal(directory, "/var/lib/jumpstarter/dut-network-raw0", "StateDir")
    names = {os.path.basename(path) for path in glob.glob(f"{directory}/*")}
    missing = {"dnsmasq.conf", "dnsmasq.leases", "dnsmasq.pid", "dhcp-hosts", "hosts.local"} - names
    equal(missing, set(), "what is missing")


def test_dnsmasq_that_dies_is_started_again(lab):
    dut = lab.dut()
    network = lab.create(dut)
    old = network.dnsmasq()
    os.kill(old, 9)
    wait_for(lambda: [pid for pid in host.servants() if pid != old], "another dnsmasq runs", 2)
    network.wait_state("active")
    dut.dhcp()


def test_configuration_of_dnsmasq_holds_nothing_of_a_users_unescaped(lab):
    lab.dut()
    network = lab.create("raw0", addresses=[{"ip": "192.168.100.9", "hostname": "plain-name"}])
    conf = open(f"{network.get('StateDir').rstrip('/')}/dnsmasq.conf", encoding="utf-8").read()
    contains(conf, "except-interface=lo", "bind-dynamic", "dhcp-authoritative")
    assert "plain-name" not in conf, conf
    run("dnsmasq", "--test", f"--conf-file={network.get('StateDir').rstrip('/')}/dnsmasq.conf")
