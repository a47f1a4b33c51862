# SPDX-License-Identifier: GPL-2.0-or-later
"""The bus interfaces: what introspection says, what properties and signals tell, and the calls that
the README prints."""

import os
import re
import shlex
import xml.etree.ElementTree as ElementTree

from labkit import bus, lan
from labkit.expect import contains, equal, refused
from labkit.process import run_full, wait_for

TOP = os.environ["LAB_TOP"]
EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"


def interfaces_of(xml):
    """Interface -> its members as comparable values, order aside."""
    result = {}
    for interface in ElementTree.fromstring(xml).iter("interface"):
        members = set()
        for member in interface:
            arguments = tuple((a.get("name"), a.get("type"),
                               a.get("direction") or ("in" if member.tag == "method" else "out"))
                              for a in member.findall("arg"))
            notes = tuple(sorted((note.get("name"), note.get("value"))
                                 for note in member.findall("annotation")))
            if member.tag == "property" and not notes:
                notes = ((EMITS, "true"),)
            members.add((member.tag, member.get("name"), member.get("type"), member.get("access"),
                         arguments, notes))
        result[interface.get("name")] = members
    return result


def introspect(lab, path):
    return lab.bus.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")


def written(interface):
    with open(f"{TOP}/introspection/{interface}.xml", encoding="utf-8") as file:
        return interfaces_of(file.read())[interface]


def same_interface(lab, path, interface):
    running = interfaces_of(introspect(lab, path))
    assert interface in running, f"{path} has only {sorted(running)}"
    file = written(interface)
    equal(sorted(map(str, running[interface] ^ file)), [],
          f"what differs between {path} and introspection/{interface}.xml")
    for standard in ("org.freedesktop.DBus.Properties", "org.freedesktop.DBus.Introspectable"):
        assert standard in running, f"{path} has no {standard}"


def test_manager_introspects_as_written(lab):
    same_interface(lab, bus.ROOT, bus.MANAGER)


def test_network_introspects_as_written(lab):
    lab.dut()
    network = lab.create("raw0")
    same_interface(lab, network.path, bus.NETWORK)


def test_networks_are_child_nodes(lab):
    lab.dut()
    lab.create("raw0")
    contains(introspect(lab, bus.ROOT), '<node name="raw0"/>')


def test_version_is_told(lab):
    assert re.fullmatch(r"\d+\.\d+\.\d+", lab.bus.get(bus.ROOT, bus.MANAGER, "Version"))


def test_unusual_interface_names_are_encoded_in_the_path(lab):
    lab.dut("raw-0.5")
    network = lab.create("raw-0.5")
    equal(network.path, "/org/jumpstarter/DutNetwork/raw_2d0_2e5", "the path")
    equal(network.get("Interface"), "raw-0.5", "Interface")


def test_properties_are_those_in_force(lab):
    lab.dut()
    network = lab.create("raw0", subnet="10.9.0.0/20", gateway_ip="10.9.0.9")
    properties = network.properties()
    equal({key: properties[key] for key in
           ("Interface", "State", "Error", "Subnet", "GatewayIp", "UpstreamInterface",
            "PublicInterface", "NatMode", "Origin", "DhcpEnabled", "Addresses", "Leases",
            "DnsEntries", "Forwards")},
          {"Interface": "raw0", "State": "active", "Error": "", "Subnet": "10.9.0.0/20",
           "GatewayIp": "10.9.0.9", "UpstreamInterface": "up0", "PublicInterface": "up0",
           "NatMode": "masquerade", "Origin": "bus", "DhcpEnabled": True, "Addresses": [],
           "Leases": [], "DnsEntries": [], "Forwards": []}, "the properties")


def test_properties_are_read_only(lab):
    lab.dut()
    network = lab.create("raw0")
    with refused("org.freedesktop.DBus.Error.PropertyReadOnly"):
        from gi.repository import GLib
        lab.bus.call(network.path, bus.PROPERTIES, "Set", "(ssv)", bus.NETWORK, "State",
                     GLib.Variant("s", "active"))


def test_status_has_the_keys_of_the_contract(lab):
    lab.dut()
    status = lab.create("raw0", dns_entries=[{"hostname": "a.lab", "ip": "1.2.3.4"}]).status()
    for key in ("interface_status", "interface", "upstream", "subnet", "nat_mode", "dhcp_enabled",
                "leases", "dns_entries", "forwards", "nat_rules", "twin", "twin_of", "state", "error"):
        assert key in status, f"GetStatus has no {key}: {sorted(status)}"
    equal(status["interface_status"], {"name": "raw0", "exists": True,
                                       "addresses": ["192.168.100.1/24"]}, "interface_status")
    equal(status["dns_entries"], [{"hostname": "a.lab", "ip": "1.2.3.4"}], "dns_entries")
    contains(status["nat_rules"], "table ip jumpstarter_raw0")


def test_state_changes_are_told(lab):
    lab.dut()
    signals = lab.signals()
    network = lab.create("raw0")
    signals.wait_property(network.path, "State", "active")
    network.call("Down")
    signals.wait_property(network.path, "State", "inactive")
    network.call("Up")
    signals.wait_property(network.path, "State", "active")


def test_changed_settings_are_told(lab):
    lab.dut()
    network = lab.create("raw0")
    signals = lab.signals()
    network.update(nat_mode="disabled")
    signals.wait_property(network.path, "NatMode", "disabled")
    network.update(dhcp_enabled=False)
    signals.wait_property(network.path, "DhcpEnabled", False)


def test_every_changed_property_is_told(lab):
    dut = lab.dut()
    network = lab.create(dut)
    signals = lab.signals()
    network.update(subnet="10.4.0.0/24", gateway_ip="10.4.0.1", dhcp_range_start="10.4.0.10",
                   dhcp_range_end="10.4.0.20", upstream_interface="nothere0")
    network.wait_state("degraded")
    for key, value in (("Subnet", "10.4.0.0/24"), ("GatewayIp", "10.4.0.1"),
                       ("UpstreamInterface", network.get("UpstreamInterface")),
                       ("Error", network.get("Error"))):
        wait_for(lambda key=key, value=value: [
            seen for seen in signals.matching("PropertiesChanged", network.path)
            if seen[1].get(key) == value], f"{key} is told")
    dut.dhcp()
    signals.wait("PropertiesChanged", network.path, lambda _i, _changed, gone: "Leases" in gone)


def test_long_lists_are_invalidated_not_sent(lab):
    lab.dut()
    network = lab.create("raw0")
    signals = lab.signals()
    network.add_address("192.168.100.20")
    changed = signals.wait("PropertiesChanged", network.path,
                           lambda _interface, _changed, gone: "Addresses" in gone)
    assert "Addresses" not in changed[1], changed
    network.add_dns("a.lab", "1.2.3.4")
    signals.wait("PropertiesChanged", network.path,
                 lambda _interface, _changed, gone: "DnsEntries" in gone)


def test_address_signals_carry_the_entry(lab):
    lab.dut()
    network = lab.create("raw0")
    signals = lab.signals()
    network.add_address("192.168.100.20", mac="02:00:00:00:00:20", hostname="shelf")
    entry = {"ip": "192.168.100.20", "mac": "02:00:00:00:00:20", "hostname": "shelf"}
    equal(signals.wait("AddressAdded", network.path), (entry,), "AddressAdded")
    network.add_address("192.168.100.20", hostname="other")
    equal(signals.wait("AddressChanged", network.path),
          ({"ip": "192.168.100.20", "hostname": "other"},), "AddressChanged")
    network.remove_address("192.168.100.20")
    equal(signals.wait("AddressRemoved", network.path)[0]["ip"], "192.168.100.20", "AddressRemoved")


def managed(lab):
    return lab.bus.call(bus.ROOT, bus.OBJECT_MANAGER, "GetManagedObjects")


def test_object_manager_tells_of_networks(lab):
    lab.dut()
    signals = lab.signals()
    network = lab.create("raw0")
    path, interfaces = signals.wait("InterfacesAdded")
    equal(path, network.path, "the path of InterfacesAdded")
    equal(interfaces[bus.NETWORK]["Interface"], "raw0", "Interface in InterfacesAdded")
    equal(managed(lab)[network.path][bus.NETWORK]["State"], "active", "State in GetManagedObjects")
    lab.remove("raw0")
    path, interfaces = signals.wait("InterfacesRemoved")
    equal(path, network.path, "the path of InterfacesRemoved")
    assert bus.NETWORK in interfaces, interfaces
    assert network.path not in managed(lab), managed(lab)


def test_networks_are_listed_and_found(lab):
    lab.dut()
    network = lab.create("raw0")
    equal(lab.bus.manager("ListNetworks"), [("raw0", "active", network.path)], "ListNetworks")
    equal(lab.bus.manager("GetNetwork", "(s)", "raw0"), network.path, "GetNetwork")
    with refused(bus.ERROR + "NoSuchNetwork", "raw9"):
        lab.bus.manager("GetNetwork", "(s)", "raw9")
    with refused(bus.ERROR + "NoSuchNetwork", "raw9"):
        lab.remove("raw9")


def test_second_network_on_an_interface_is_refused(lab):
    lab.dut()
    lab.create("raw0")
    with refused(bus.ERROR + "NetworkExists", "raw0"):
        lab.create("raw0", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    equal(lab.network("raw0").get("Subnet"), "192.168.100.0/24", "Subnet")


def test_network_of_a_missing_interface_waits(lab):
    network = lab.create("raw0")
    equal(network.get("State"), "waiting", "State")
    equal(network.status()["interface_status"]["exists"], False, "exists")


def test_transient_network_goes_with_its_caller(lab):
    lab.dut()
    client = lab.client()
    signals = lab.signals()
    client.manager("CreateNetwork", "(a{sv})", bus.settings({"interface": "raw0",
                                                             "transient": True}))
    equal(lab.network("raw0").get("Origin"), "transient", "Origin")
    client.close()
    signals.wait("InterfacesRemoved", deadline=5)
    lab.unchanged()


def test_caller_that_leaves_meanwhile_hurts_nobody(lab):
    lab.dut()
    client = lab.client()
    from gi.repository import GLib
    client.connection.call(bus.NAME, bus.ROOT, bus.MANAGER, "CreateNetwork",
                           GLib.Variant("(a{sv})", (bus.settings({"interface": "raw0"}),)), None,
                           0, 5000, None, None)
    client.connection.flush_sync(None)
    client.close()
    lab.bus.manager("ListNetworks")
    assert set(lab.networks()) <= {"raw0"}, lab.networks()


def test_update_touches_only_what_is_given(lab):
    lab.dut()
    network = lab.create("raw0", dns_servers=[lan.ROUTER], dhcp_lease_time="45m",
                         addresses=[{"ip": "192.168.100.7"}])
    pid = network.dnsmasq()
    network.update(nat_mode="none")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal(network.get("Addresses"), [{"ip": "192.168.100.7"}], "Addresses")
    settings = network.status()["settings"]
    equal(settings["dhcp_lease_time"], "45m", "dhcp_lease_time")


def readme_calls():
    """Command lines of the README that call the service by busctl or gdbus, in their order."""
    with open(f"{TOP}/README.md", encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    calls = []
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S):
        for line in block.splitlines():
            line = re.sub(r"^[$#] ", "", line.strip())
            line = line.removeprefix("sudo ")
            if line.startswith(("busctl ", "gdbus ")):
                calls.append(line)
    return calls


def test_calls_of_the_readme_work_as_printed(lab):
    calls = readme_calls()
    assert [call for call in calls if call.startswith("busctl ")], "the README has no busctl call"
    assert [call for call in calls if call.startswith("gdbus ")], "the README has no gdbus call"
    text = "\n".join(calls)
    nics = set(re.findall(r"""interface['"]?:? (?:s |<)['"]?([\w.-]+)""", text))
    nics |= set(re.findall(r"/org/jumpstarter/DutNetwork/(\w+)", text))
    for nic in sorted(nics):
        lab.dut(nic)
    lab.bus.manager("ListNetworks")
    for call in calls:
        if "monitor" in shlex.split(call)[1:3]:
            continue
        done = run_full(*shlex.split(call))
        assert done.returncode == 0, f"{call}\nended with {done.returncode}: {done.stderr}"
