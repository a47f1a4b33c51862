# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that are edited while the daemon is away are in force when it is back, as after Reload; what
the bus has changed outlives a restart where they are not."""

import glob
import os
import time

from labkit import bus, lan, whoami
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, wait_for
from labkit.whoami import PORT
from test_filter import udp

BOARD, GATEWAY = "192.168.100.10", "192.168.100.1"
START = f"interface: raw0\nforwards:\n  - {{port: 2222, ip: {BOARD}, to_port: {PORT}}}\n"
NO_UDP = "filter: {egress: {policy: accept, rules: [{action: drop, protocol: udp}]}}\n"


def of_file(lab, text=START):
    """A board, and the network that a file gives it."""
    dut = lab.dut()
    lab.configure("one.yaml", text)
    lab.reload()
    network = lab.network(dut)
    network.wait_state("active")
    dut.configure(f"{BOARD}/24", GATEWAY)
    dut.serve()
    return dut, network


def is_over(flow):
    try:
        flow.ask_again()
    except OSError:
        return True
    return False


def setting(network, key):
    return network.status()["settings"].get(key)


def wait_setting(network, key, value):
    wait_for(lambda: setting(network, key) == value, f"{key} is {value}")
    network.wait_state("active")


def now():
    """From here on the journal has what happens later alone."""
    run("journalctl", "--sync", expect=None)
    return time.time()


def journal_since(start):
    return run("journalctl", "--quiet", "--no-pager", "--output=cat", "--identifier=dut-networkd",
               f"--since=@{start:.6f}")


def restart(lab):
    lab.restart_daemon()


def stop_and_start(lab):
    lab.stop_daemon()
    lab.start_daemon()


def kill(lab):
    """A process that was just being started can hold the old one's connection for a moment."""
    pid = lab.daemon_pid()
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.daemon_pid() != pid, "the daemon is back")


def check_edited_before(lab, end):
    dut, network = of_file(lab)
    pid = network.dnsmasq()
    flow = whoami.Connection(dut.namespace, lan.ROUTER, PORT)
    assert udp(dut, lan.ROUTER), "no UDP passes"
    lab.configure("one.yaml", START + NO_UDP)
    end(lab)
    wait_for(lambda: "egress" in network.call("GetFilter"), "the file's filter is in force")
    network.wait_state("active")
    assert flow.ask_again(), "a connection that the filter has nothing against"
    assert lab.lan.reaches(lan.HOST, 2222), "the forward, which the file still has"
    wait_for(lambda: not udp(dut, lan.ROUTER), "UDP is dropped")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")


def test_filter_is_in_force_after_a_restart(lab):
    check_edited_before(lab, restart)


def test_filter_is_in_force_after_stop_and_start(lab):
    check_edited_before(lab, stop_and_start)


def test_filter_is_in_force_after_a_crash(lab):
    check_edited_before(lab, kill)


def test_what_else_a_file_can_change(lab):
    dut, network = of_file(lab)
    flow = whoami.Connection(lab.lan.namespace, lan.HOST, 2222)
    lab.configure("one.yaml", "interface: raw0\ndns_intercept: true\n"
                              "local_ntp: {unsynchronised: serve}\n")
    lab.restart_daemon()
    wait_setting(network, "dns_intercept", True)
    equal(network.get("Forwards"), [], "the forwards, which the file has no longer")
    wait_for(lambda: is_over(flow), "the forward's connection ends")
    assert not lab.lan.reaches(lan.HOST, 2222), "the removed forward leads on"
    wait_for(lambda: dut.ask_time(GATEWAY), "the time is served")


def test_update_outlives_every_restart_while_the_file_is_as_it_was(lab):
    _, network = of_file(lab, "interface: raw0\n")
    network.update(dhcp_lease_time="2h")
    for end in (restart, stop_and_start, kill):
        end(lab)
        network.wait_state("active")
        equal(setting(network, "dhcp_lease_time"), "2h", f"the lease time after {end.__name__}")


def test_edited_file_takes_an_update_back(lab):
    """As Reload does; what the bus has made of the entries stays."""
    _, network = of_file(lab)
    network.update(dhcp_lease_time="2h")
    network.add_address("192.168.100.20")
    network.remove_forward(2222)
    lab.configure("one.yaml", START + "dns_intercept: true\n")
    start = now()
    lab.restart_daemon()
    wait_setting(network, "dns_intercept", True)
    equal(setting(network, "dhcp_lease_time"), "12h", "the lease time")
    equal(network.get("Addresses"), [{"ip": "192.168.100.20"}], "the addresses")
    equal(network.get("Forwards"), [], "the forwards")
    wait_for(lambda: "the file's again: dhcp_lease_time\n" in journal_since(start),
             "the journal says what was taken back")


def test_file_that_follows_an_update_is_applied(lab):
    """What runs is what it says already; the next Update is one on top of that."""
    _, network = of_file(lab, "interface: raw0\n")
    network.update(dhcp_lease_time="2h")
    lab.configure("one.yaml", "interface: raw0\ndhcp_lease_time: 2h\n")
    lab.reload()
    network.update(dhcp_lease_time="3h")
    lab.restart_daemon()
    network.wait_state("active")
    equal(setting(network, "dhcp_lease_time"), "3h", "the lease time")


def test_network_that_was_down_stays_down_and_is_what_the_file_says(lab):
    _, network = of_file(lab)
    network.call("Down")
    lab.configure("one.yaml", START + "nat_mode: masquerade\ndhcp_lease_time: 2h\n")
    lab.restart_daemon()
    wait_for(lambda: setting(network, "dhcp_lease_time") == "2h", "the file's lease time")
    equal(network.get("State"), "inactive", "State")
    network.call("Up")
    network.wait_state("active")


def test_mended_file_brings_a_failed_network_up(lab):
    dut = lab.dut()
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.77.0.0/24\ngateway_ip: 10.77.0.1\n")
    with refused(bus.ERROR + "AddressInUse", "10.77.0.1"):
        lab.reload()
    network = lab.network(dut)
    network.wait_state("failed")
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    start = now()
    lab.restart_daemon()
    network.wait_state("active")
    equal(network.get("Subnet"), "10.4.0.0/24", "Subnet")
    lacks(journal_since(start), "10.77.0.1")


def test_first_start_after_an_upgrade_goes_on_with_what_was_in_force(lab):
    """Nothing says yet what the file said: then an Update is not taken back unasked."""
    _, network = of_file(lab, "interface: raw0\n")
    network.update(dhcp_lease_time="2h")
    lab.stop_daemon()
    os.unlink("/run/jumpstarter/raw0.file")
    lab.start_daemon()
    network.wait_state("active")
    equal(setting(network, "dhcp_lease_time"), "2h", "the lease time")
    lab.configure("one.yaml", "interface: raw0\ndhcp_lease_time: 4h\n")
    lab.restart_daemon()
    wait_setting(network, "dhcp_lease_time", "4h")


def test_reload_says_what_it_takes_back(lab):
    _, network = of_file(lab, "interface: raw0\n")
    network.update(dhcp_lease_time="2h", dns_intercept=True)
    lab.configure("one.yaml", "interface: raw0\ndns_intercept: true\n")
    start = now()
    lab.reload()
    equal(setting(network, "dhcp_lease_time"), "12h", "the lease time")
    wait_for(lambda: "the file's again" in journal_since(start), "the journal says so")
    contains(journal_since(start), "raw0: changed over the bus, and the file's again: dhcp_lease_time\n")
    start = now()
    lab.reload()
    lacks(journal_since(start), "the file's again")


def entries_of(network):
    return ([item["port"] for item in network.get("Forwards")],
            [(item["ip"], item.get("mac")) for item in network.get("Addresses")])


def test_entries_of_the_bus_come_back_with_a_file_that_they_fit(lab):
    """A forward in the way of a file's, an address whose MAC the file has."""
    dut, network = of_file(lab, "interface: raw0\n")
    network.add_forward(2225, BOARD, to_port=PORT)
    network.add_address("192.168.100.20", mac="02:00:00:00:00:20", hostname="shelf")
    network.add_address("192.168.100.21")
    mine = ([2225], [("192.168.100.20", "02:00:00:00:00:20"), ("192.168.100.21", None)])
    equal(entries_of(network), mine, "the entries")
    lab.configure("one.yaml", "interface: raw0\n"
                              f"forwards: [{{port: 2220-2230, ip: {BOARD}}}]\n"
                              'addresses: [{ip: 192.168.100.30, mac: "02:00:00:00:00:20"}]\n')
    start = now()
    lab.reload()
    files = (["2220-2230"], [("192.168.100.30", "02:00:00:00:00:20"), ("192.168.100.21", None)])
    equal(entries_of(network), files, "the entries with the file's in the way")
    wait_for(lambda: "waits for one that it fits: address 192.168.100.20, forward tcp 2225\n"
             in journal_since(start), "the journal names both")
    lab.restart_daemon()
    network.wait_state("active")
    equal(entries_of(network), files, "the entries after a restart")
    network.update(dhcp_lease_time="2h")
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    equal((entries_of(network)[0], sorted(entries_of(network)[1])), mine,
          "the entries with the file as it was")
    assert lab.lan.reaches(lan.HOST, 2225), "the forward that is back leads nowhere"


def test_entries_of_the_bus_outlive_a_network_that_has_no_use_for_them(lab):
    _, network = of_file(lab, "interface: raw0\n")
    network.add_forward(2225, BOARD, to_port=PORT)
    network.add_address("192.168.100.20")
    lab.configure("one.yaml", "interface: raw0\nnat_mode: disabled\n"
                              "subnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    lab.restart_daemon()
    wait_setting(network, "nat_mode", "disabled")
    equal(entries_of(network), ([], []), "the entries where they do not fit")
    kill(lab)
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    network.wait_state("active")
    equal(entries_of(network), ([2225], [("192.168.100.20", None)]), "the entries")


def test_entries_that_waited_come_back_with_a_boot(lab):
    _, network = of_file(lab, "interface: raw0\n")
    network.add_forward(2225, BOARD, to_port=PORT)
    lab.configure("one.yaml", f"interface: raw0\nforwards: [{{port: 2220-2230, ip: {BOARD}}}]\n")
    lab.reload()
    equal(entries_of(network)[0], ["2220-2230"], "the ports with the file's in the way")
    network.call("Down")
    lab.stop_daemon()
    for path in glob.glob("/run/jumpstarter/raw0.*"):  # as a boot leaves it
        os.unlink(path)
    lab.configure("one.yaml", "interface: raw0\n")
    lab.start_daemon()
    wait_for(lambda: "raw0" in lab.networks(), "the file's network is there")
    network.wait_state("active")
    equal(entries_of(network)[0], [2225], "the ports")


def test_list_that_is_set_as_a_whole_is_all_there_is(lab):
    _, network = of_file(lab, "interface: raw0\n")
    network.add_forward(2225, BOARD, to_port=PORT)
    lab.configure("one.yaml", f"interface: raw0\nforwards: [{{port: 2220-2230, ip: {BOARD}}}]\n")
    lab.reload()
    network.update(forwards=[])
    lab.restart_daemon()
    network.wait_state("active")
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    equal(entries_of(network)[0], [], "the ports")


def test_what_the_bus_says_last_of_an_entry_counts(lab):
    _, network = of_file(lab, "interface: raw0\n")
    for ip in ("192.168.100.20", "192.168.100.21"):
        network.add_address(ip, mac=f"02:00:00:00:00:{ip[-2:]}")
    lab.configure("one.yaml", "interface: raw0\naddresses:\n"
                              '  - {ip: 192.168.100.30, mac: "02:00:00:00:00:20"}\n'
                              '  - {ip: 192.168.100.31, mac: "02:00:00:00:00:21"}\n')
    lab.reload()
    network.add_address("192.168.100.20", mac="02:00:00:00:00:99")
    network.add_address("192.168.100.21")
    network.remove_address("192.168.100.21")
    lab.configure("one.yaml", "interface: raw0\n")
    lab.restart_daemon()
    wait_for(lambda: entries_of(network)[1] == [("192.168.100.20", "02:00:00:00:00:99")],
             "the entry that was made last")
