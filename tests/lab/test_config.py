# SPDX-License-Identifier: GPL-2.0-or-later
"""Files: the directories and their order, Reload, errors with their place, exporter files, and what
is kept."""

import os
import signal

from labkit import bus, host
from labkit.expect import contains, equal, refused
from labkit.process import run, wait_for

ETC, RUN, USR = host.CONFIG_DIRS


def journal_of_daemon():
    return run("journalctl", "--quiet", "--no-pager", "--output=cat", "--identifier=dut-networkd",
               "--lines=50")


def test_file_makes_a_network(lab):
    dut = lab.dut()
    path = lab.configure("one.yaml", "interface: raw0\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    lab.reload()
    network = lab.network(dut)
    network.wait_state("active")
    equal((network.get("Subnet"), network.get("Origin")), ("10.4.0.0/24", path), "subnet, origin")
    contains(dut.dhcp()["ip"], "10.4.0.")


def test_removed_file_takes_its_network_down(lab):
    lab.dut()
    path = lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    lab.network("raw0").wait_state("active")
    os.unlink(path)
    lab.reload()
    wait_for(lambda: lab.networks() == {}, "the network has gone")
    lab.unchanged()


def test_etc_goes_over_run_over_usr(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.1.0.0/24\ngateway_ip: 10.1.0.1\n", USR)
    lab.reload()
    equal(lab.network("raw0").get("Subnet"), "10.1.0.0/24", "the subnet with /usr/lib alone")
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.2.0.0/24\ngateway_ip: 10.2.0.1\n", RUN)
    lab.reload()
    equal(lab.network("raw0").get("Subnet"), "10.2.0.0/24", "the subnet with /run over it")
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.3.0.0/24\ngateway_ip: 10.3.0.1\n", ETC)
    lab.reload()
    equal(lab.network("raw0").get("Subnet"), "10.3.0.0/24", "the subnet with /etc over both")
    os.unlink(f"{ETC}/one.yaml")
    lab.reload()
    equal(lab.network("raw0").get("Subnet"), "10.2.0.0/24", "the subnet without the one in /etc")


def test_reload_touches_only_what_changed(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.configure("one.yaml", "interface: raw0\n")
    lab.configure("two.yaml", "interface: raw1\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    lab.reload()
    for name in ("raw0", "raw1"):
        lab.network(name).wait_state("active")
    pid = lab.network("raw0").dnsmasq()
    signals = lab.signals()
    lab.configure("two.yaml", "interface: raw1\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n"
                              "nat_mode: disabled\n")
    lab.reload()
    signals.wait_property(lab.network("raw1").path, "NatMode", "disabled")
    equal(lab.network("raw0").dnsmasq(), pid, "dnsmasq's pid of the unchanged one")
    path = lab.network("raw0").path
    equal([seen for seen in signals.seen if seen[0] == path], [], "the unchanged one's signals")


def test_hangup_signal_reloads(lab):
    lab.dut()
    lab.networks()
    lab.configure("one.yaml", "interface: raw0\n")
    os.kill(lab.daemon_pid(), signal.SIGHUP)
    wait_for(lambda: "raw0" in lab.networks(), "the file's network is there")
    lab.network("raw0").wait_state("active")


def test_error_in_a_file_names_file_line_column_and_nearest_key(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    bad = lab.configure("bad.yaml", "interface: raw0\nsubnett: 10.4.0.0/24\n")
    lab.configure("good.yaml", "interface: raw1\n")
    with refused(bus.INVALID_ARGS, f"{bad}:2:1: ", '"subnett"', '"subnet"'):
        lab.reload()
    lab.network("raw1").wait_state("active")
    equal(sorted(lab.networks()), ["raw1"], "the networks")


def test_error_in_a_file_is_logged_where_nobody_waits_for_it(lab):
    lab.dut()
    bad = lab.configure("bad.yaml", "interface: raw0\nsubnet: 10.4.0.0/33\n")
    lab.stop_daemon()
    lab.start_daemon()
    wait_for(lambda: f"{bad}:2:9: " in journal_of_daemon(), "the error is in the journal")


def test_broken_file_leaves_its_network_as_it_was(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    pid = network.dnsmasq()
    bad = lab.configure("one.yaml", "interface: raw0\nsubnet: nonsense\n")
    with refused(bus.INVALID_ARGS, f"{bad}:2:9: ", "subnet", "nonsense"):
        lab.reload()
    equal((network.get("State"), network.get("Subnet"), network.dnsmasq()),
          ("active", "192.168.100.0/24", pid), "state, subnet and dnsmasq's pid")


def test_exporter_file_serves_as_it_is(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.configure("exporter.yaml", """\
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: default
  name: bench
endpoint: grpc.example.org:443
token: not-ours
export:
  power:
    type: jumpstarter_driver_power.driver.MockPower
    config: {port: 1, anything: [1, 2]}
  network:
    type: jumpstarter_driver_dut_network.driver.DutNetwork
    config:
      interface: raw0
      subnet: 10.6.0.0/24
      gateway_ip: 10.6.0.1
  other:
    type: some.where.DutNetwork
    config: {interface: raw1, nat_mode: disabled}
""")
    lab.reload()
    equal(sorted(lab.networks()), ["raw0", "raw1"], "the networks")
    equal(lab.network("raw0").get("Subnet"), "10.6.0.0/24", "the subnet")
    equal(lab.network("raw1").get("NatMode"), "disabled", "the mode of the other")


def test_list_of_networks_in_one_file(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.configure("all.yaml", """\
networks:
  - interface: raw0
  - interface: raw1
    subnet: 10.6.0.0/24
    gateway_ip: 10.6.0.1
""")
    lab.reload()
    equal(sorted(lab.networks()), ["raw0", "raw1"], "the networks")


def test_interface_belongs_to_one_file_or_to_the_bus(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.configure("one.yaml", "interface: raw0\n")
    two = lab.configure("two.yaml", "interface: raw0\nnat_mode: disabled\n")
    with refused(bus.INVALID_ARGS, two, "raw0", "one.yaml"):
        lab.reload()
    equal(lab.network("raw0").get("NatMode"), "masquerade", "the mode of the first file")
    os.unlink(two)
    lab.create("raw1", subnet="10.6.0.0/24", gateway_ip="10.6.0.1")
    three = lab.configure("three.yaml", "interface: raw1\nnat_mode: disabled\n")
    with refused(bus.ERROR + "NetworkExists", three, "raw1"):
        lab.reload()
    equal((lab.network("raw1").get("Origin"), lab.network("raw1").get("NatMode")),
          ("bus", "masquerade"), "the network made over the bus")


def test_load_config_makes_all_or_nothing(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    with refused(bus.INVALID_ARGS, "subnet"):
        lab.bus.manager("LoadConfig", "(s)", "networks:\n  - interface: raw0\n"
                                             "  - {interface: raw1, subnet: 10.0.0.0/33}\n")
    equal(lab.networks(), {}, "the networks after a bad value")
    with refused(bus.ERROR + "InterfaceInUse", "up0"):
        lab.bus.manager("LoadConfig", "(s)", "networks:\n  - interface: raw0\n"
                                             "  - {interface: up0, subnet: 10.6.0.0/24, "
                                             "gateway_ip: 10.6.0.1}\n")
    equal(lab.networks(), {}, "the networks after a refused interface")
    lab.unchanged()
    paths = lab.bus.manager("LoadConfig", "(s)", "networks:\n  - interface: raw0\n"
                                                 "  - {interface: raw1, subnet: 10.6.0.0/24, "
                                                 "gateway_ip: 10.6.0.1}\n")
    equal(paths, [bus.path_of("raw0"), bus.path_of("raw1")], "the paths")


def test_load_config_changes_what_is_there(lab):
    dut = lab.dut()
    network = lab.create(dut)
    pid = network.dnsmasq()
    lab.bus.manager("LoadConfig", "(s)", "interface: raw0\nnat_mode: disabled\n")
    equal((network.get("NatMode"), network.dnsmasq()), ("disabled", pid), "mode and dnsmasq's pid")


def test_load_config_changes_back_what_it_changed(lab):
    lab.dut()
    network = lab.create("raw0", dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    before = network.properties()
    with refused(bus.ERROR + "InterfaceInUse", "up0"):
        lab.bus.manager("LoadConfig", "(s)", "networks:\n"
                        "  - {interface: raw0, nat_mode: disabled, dhcp_enabled: false}\n"
                        "  - {interface: up0, subnet: 10.6.0.0/24, gateway_ip: 10.6.0.1}\n")
    equal(network.properties(), before, "the properties")


def test_entries_over_the_bus_survive_the_daemon(lab):
    dut = lab.dut()
    network = lab.create(dut)
    network.add_address("192.168.100.20", mac=dut.mac, hostname="shelf")
    network.add_dns("kept.lab", "10.1.2.3")
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the daemon is back")
    check_kept(lab, dut)
    lab.restart_daemon()
    check_kept(lab, dut)
    lab.stop_daemon()
    lab.start_daemon()
    check_kept(lab, dut)


def check_kept(lab, dut):
    network = lab.network(dut)
    equal(network.get("Addresses"),
          [{"ip": "192.168.100.20", "mac": dut.mac, "hostname": "shelf"}], "Addresses")
    equal(network.call("GetDnsEntries"), [("kept.lab", "10.1.2.3")], "GetDnsEntries")
    network.wait_state("active")
    equal(dut.dhcp()["ip"], "192.168.100.20", "the board's address")


def test_entries_over_the_bus_of_a_network_from_a_file_survive(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\naddresses:\n  - ip: 192.168.100.30\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    network.add_address("192.168.100.20")
    network.remove_address("192.168.100.30")
    lab.restart_daemon()
    equal(network.get("Addresses"), [{"ip": "192.168.100.20"}], "Addresses after a restart")
    lab.reload()
    equal(network.get("Addresses"), [{"ip": "192.168.100.20"}], "Addresses after Reload")


def test_a_file_has_its_say_of_the_family_that_the_bus_has_not_changed(lab):
    lab.dut()

    def configure(ip):
        lab.configure("one.yaml", f"interface: raw0\ndns_entries: [{{hostname: a.lab, ip: {ip}}}]\n")
    configure("10.1.1.1")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    network.add_dns("a.lab", "2001:db8::5")
    configure("10.1.1.2")
    lab.reload()
    expected = [("a.lab", "10.1.1.2"), ("a.lab", "2001:db8::5")]
    equal(network.get("DnsEntries"), expected, "the entries after Reload")
    lab.restart_daemon()
    equal(network.get("DnsEntries"), expected, "the entries after a restart")


def test_entries_go_with_the_network(lab):
    lab.dut()
    lab.create("raw0").add_dns("kept.lab", "10.1.2.3")
    lab.remove("raw0")
    equal(lab.create("raw0").call("GetDnsEntries"), [], "the entries of the next network")


def test_network_from_a_file_removed_over_the_bus_comes_back_with_reload(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    lab.network("raw0").wait_state("active")
    lab.remove("raw0")
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()
    lab.reload()
    lab.network("raw0").wait_state("active")


def test_network_from_a_file_removed_over_the_bus_stays_away_until_reload(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    lab.network("raw0").wait_state("active")
    lab.remove("raw0")
    lab.restart_daemon()
    equal(lab.networks(), {}, "the networks after a restart")
    lab.unchanged()


def test_update_of_a_network_from_a_file_lasts_until_reload(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    network.update(nat_mode="disabled")
    lab.restart_daemon()
    network.wait_state("active")
    equal(network.get("NatMode"), "disabled", "NatMode after a restart")
    lab.reload()
    equal(network.get("NatMode"), "masquerade", "NatMode after Reload")


def test_network_over_the_bus_comes_back_with_the_daemon(lab):
    dut = lab.dut()
    lab.create(dut, subnet="10.7.0.0/24", gateway_ip="10.7.0.1")
    lab.stop_daemon()
    lab.start_daemon()
    network = lab.network(dut)
    network.wait_state("active")
    equal((network.get("Subnet"), network.get("Origin")), ("10.7.0.0/24", "bus"), "subnet, origin")


def test_network_that_was_down_stays_down_over_a_restart(lab):
    lab.dut()
    network = lab.create("raw0")
    network.call("Down")
    lab.restart_daemon()
    equal(network.get("State"), "inactive", "State")


def test_state_dir_of_roots_choice_is_used(lab):
    lab.dut()
    network = lab.create("raw0", state_dir="/var/lib/jumpstarter/elsewhere-{interface}/")
    equal(network.get("StateDir").rstrip("/"), "/var/lib/jumpstarter/elsewhere-raw0", "StateDir")
    assert os.path.exists("/var/lib/jumpstarter/elsewhere-raw0/dnsmasq.conf")


def test_foreign_files_in_a_state_dir_are_left(lab):
    lab.dut()
    network = lab.create("raw0")
    note = os.path.join(network.get("StateDir"), "note-of-an-admin")
    lab.write(note, "mine\n")
    lab.remove("raw0")
    assert os.path.exists(note), "a file that is not the service's was removed"
    run("rm", "-r", os.path.dirname(note))


def test_sample_is_valid(lab):
    found = [os.path.join(base, name)
             for base, _, names in os.walk("/usr/share") if "dut-network" in base
             for name in names if name.endswith(".yaml")]
    assert found, "no sample is installed"
    for path in found:
        run("dutnetctl", "check", path)


def test_mended_file_brings_its_network_up(lab):
    lab.dut()
    path = lab.configure("one.yaml", "interface: raw0\nsubnet: 10.77.0.0/24\ngateway_ip: 10.77.0.1\n")
    with refused("org.jumpstarter.DutNetwork.Error.AddressInUse", "10.77.0.1"):
        lab.reload()
    equal(lab.network("raw0").get("State"), "failed", "State with the LAN's own gateway")
    lab.configure("one.yaml", "interface: raw0\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    lab.reload()
    lab.network("raw0").wait_state("active")
    equal(lab.network("raw0").get("Origin"), path, "Origin")


def test_file_that_names_the_uplink_leaves_the_others_alone(lab):
    dut = lab.dut()
    network = lab.create(dut)
    lab.configure("bad.yaml", "interface: up0\nsubnet: 10.4.0.0/24\ngateway_ip: 10.4.0.1\n")
    with refused("org.jumpstarter.DutNetwork.Error.InterfaceInUse", "up0"):
        lab.reload()
    network.update(dns_servers=["10.77.0.1"], upstream_interface="")
    equal((network.get("State"), network.get("UpstreamInterface")), ("active", "up0"),
          "state and upstream of the network beside it")


def test_renamed_file_is_the_network_s_origin(lab):
    lab.dut()
    old = lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    pid = network.dnsmasq()
    os.unlink(old)
    new = lab.configure("two.yaml", "interface: raw0\n")
    lab.reload()
    equal((network.get("Origin"), network.dnsmasq()), (new, pid), "origin and dnsmasq's pid")
    lab.configure("two.yaml", "interface: raw0\nsubnett: x\n")
    with refused("org.freedesktop.DBus.Error.InvalidArgs", "subnett"):
        lab.reload()
    equal(network.get("State"), "active", "State with its file broken")


def test_file_that_breaks_while_the_daemon_is_away_costs_nothing(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    network.add_address("192.168.100.60", mac="02:00:00:00:00:60")
    pid = network.dnsmasq()
    lab.stop_daemon()
    lab.configure("one.yaml", "interface: raw0\nsubnett: x\n")
    lab.start_daemon()
    network.wait_state("active")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal([entry["ip"] for entry in network.get("Addresses")], ["192.168.100.60"], "the addresses")


def test_entries_of_the_bus_outlive_updates_and_reloads(lab):
    lab.dut()
    lab.configure("one.yaml", "interface: raw0\naddresses: [{ip: 192.168.100.10}]\n")
    lab.reload()
    network = lab.network("raw0")
    network.wait_state("active")
    network.add_address("192.168.100.60")
    network.update(dns_entries=[{"hostname": "a.lab", "ip": "10.0.0.1"}])
    lab.reload()
    equal(sorted(entry["ip"] for entry in network.get("Addresses")),
          ["192.168.100.10", "192.168.100.60"], "the addresses")
    equal(network.get("DnsEntries"), [("a.lab", "10.0.0.1")], "the DNS entries")


def test_network_of_a_file_that_failed_is_tried_again(lab):
    """Nobody is there to say Up once what was in the way has gone."""
    dut = lab.dut()
    lab.configure("again.yaml", "interface: raw0\n")
    os.rename("/usr/sbin/dnsmasq", "/usr/sbin/dnsmasq.away")
    try:
        with refused(bus.ERROR + "Failed", "dnsmasq"):
            lab.reload()
        equal(lab.network("raw0").get("Origin").endswith("again.yaml"), True, "its origin is the file")
    finally:
        os.rename("/usr/sbin/dnsmasq.away", "/usr/sbin/dnsmasq")
    lab.network("raw0").wait_state("active", deadline=10)
    equal(dut.dhcp()["ip"], "192.168.100.100", "the address")
