# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong values, over the bus and in YAML: refused with key and value named, and nothing changed."""

from gi.repository import GLib

from labkit import bus, host, lan
from labkit.expect import contains, equal, refused
from labkit.process import run

LONG_LABEL = "a" * 64
LONG_NAME = ".".join(["a" * 60] * 5)

BAD_HOST_NAMES = ("new\nline", "with space", "with,comma", "with#hash", "tab\there", "ctrl\x01",
                  "dash-", "-dash", "dot..dot", "ümlaut", "", LONG_LABEL, LONG_NAME, "quote\"",
                  "a/b", "under_score-$", ".", "semi;colon", "back\\slash")
BAD_INTERFACES = ("../etc", "a/b", "sixteen-letters1", "", ".", "..", "with space", "new\nline",
                  "a,b", "a#b", "ctrl\x02", "a:b", "quote\"", "lo")
BAD_ENTRY_ADDRESSES = ("192.168.101.5", "8.8.8.8", "192.168.100.0", "192.168.100.1",
                       "192.168.100.255", "192.168.100.010", "192.168.100", "nonsense", "::1",
                       "192.168.100.5 ", "", "224.0.0.5", "1921681005", "0xc0a86405")
BAD_MACS = ("01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "03:00:00:00:00:01", "02:00:00:00:00",
            "02-00-00-00-00-01", "020000000001", "nonsense", "02:00:00:00:00:0g", "",
            "02:00:00:00:00:01,extra", "00:00:00:00:00:00")
BAD_SETTINGS = (
    ("subnet", "192.168.100.0/33"), ("subnet", "192.168.100.0"), ("subnet", "192.168.100.7/24"),
    ("subnet", "0.0.0.0/0"), ("subnet", "127.0.0.0/8"), ("subnet", "224.0.0.0/24"),
    ("subnet", "fd00::/64"), ("subnet", "nonsense"), ("subnet", "192.168.100.0/32"),
    ("subnet", "192.168.100.0/24 "), ("subnet", "192.168.100.0/024"),
    ("gateway_ip", "10.0.0.1"), ("gateway_ip", "192.168.100.0"), ("gateway_ip", "192.168.100.255"),
    ("gateway_ip", "192.168.100.01"), ("gateway_ip", "gateway"),
    ("nat_mode", "Masquerade"), ("nat_mode", "2to1"), ("nat_mode", ""),
    ("dhcp_range_start", "10.0.0.5"), ("dhcp_range_end", "192.168.101.5"),
    ("dhcp_range_start", "192.168.100.0"), ("dhcp_range_end", "192.168.100.255"),
    ("dhcp_range_end", "nonsense"),
    ("dhcp_lease_time", "soon"), ("dhcp_lease_time", "-5m"), ("dhcp_lease_time", "12h\nport=0"),
    ("dhcp_lease_time", "1"), ("dhcp_lease_time", "99999999999h"),
    ("dns_servers", ["8.8.8.8", "dns.example.org"]), ("dns_servers", ["8.8.8.8\nconf-file=/x"]),
    ("dns_servers", ["300.1.1.1"]),
    ("upstream_interface", "a/b"), ("upstream_interface", "sixteen-letters1"),
    ("upstream_interface", "raw0"), ("public_interface", "../x"),
    ("state_dir", "relative"), ("state_dir", "/var/lib/jumpstarter/../../etc"),
    ("state_dir", "/var/lib/jumpstarter/new\nline"), ("state_dir", "/var/lib/jumpstarter/a b"),
)
WRONG_TYPES = (("subnet", 5), ("dhcp_enabled", "yes"), ("dns_servers", "8.8.8.8"),
               ("addresses", "192.168.100.5"), ("addresses", ["192.168.100.5"]),
               ("dns_entries", [{"hostname": "a.lab"}]), ("nat_mode", True), ("interface", 7),
               ("gateway_ip", ["192.168.100.1"]), ("dhcp_force", 1))


def shown(value):
    """A part of a value that survives any quoting in a message."""
    text = value[-1] if isinstance(value, list) and value else value
    if not isinstance(text, str):
        return ""
    for mark in ("\n", "\t", "\x01", "\x02", "\"", "\\", "ü"):
        text = text.split(mark)[0]
    return text.strip()[:15]


def every_refusal(cases):
    """Calls each of the (key, value, call); collects what was not refused as it must be."""
    wrong = []
    for key, value, call in cases:
        try:
            with refused(bus.INVALID_ARGS, key, shown(value)):
                call()
        except AssertionError as error:
            wrong.append(f"{key}: {value!r}: {error}")
    assert not wrong, "\n".join(wrong)


def refused_creations(lab, settings):
    """Over the bus: (key, value) -> refused, and the host is as it was."""
    lab.dut()
    every_refusal([(key, value, lambda key=key, value=value: lab.create(
        **{"interface": "raw0", key: value})) for key, value in settings])
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def busy_network(lab):
    """A network with entries, and a dump of all that a refused call must leave."""
    if not lab.duts:
        lab.dut()
    network = lab.create("raw0", nat_mode="1to1",
                         addresses=[{"ip": "192.168.100.10", "mac": "02:00:00:00:00:10",
                                     "hostname": "first", "public_ip": lan.FREE[0]}],
                         dns_entries=[{"hostname": "first.lab", "ip": "10.1.1.1"}])
    return network, everything(network)


def everything(network):
    directory = network.get("StateDir")
    return {"host": host.dump(), "properties": network.properties(),
            "entries": network.call("GetDnsEntries"),
            "files": {path: open(path, "rb").read() for path in host.files(directory)
                      if not path.endswith("/dnsmasq.leases")}}


def nothing_changed(network, before):
    now = everything(network)
    equal(host.differences(before["host"], now["host"]), [], "what differs on the host")
    for part in ("properties", "entries", "files"):
        equal(now[part], before[part], part)


def test_bad_settings_over_the_bus(lab):
    refused_creations(lab, BAD_SETTINGS)


def test_range_upside_down(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "dhcp_range", "192.168.100.99"):
        lab.create("raw0", dhcp_range_start="192.168.100.150", dhcp_range_end="192.168.100.99")
    network, before = busy_network(lab)
    with refused(bus.INVALID_ARGS, "dhcp_range", "192.168.100.150"):
        network.update(dhcp_range_start="192.168.100.150", dhcp_range_end="192.168.100.140")
    nothing_changed(network, before)


def test_settings_that_do_not_suit_each_other(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    for key, settings in (
            ("dhcp_range", {"gateway_ip": "192.168.100.120",
                            "dhcp_range_start": "192.168.100.100",
                            "dhcp_range_end": "192.168.100.200"}),
            ("dns_servers", {"dns_servers": ["192.168.100.1"]}),
            ("public_interface", {"public_interface": "raw0"}),
            ("hostname", {"dns_entries": [{"hostname": "a.lab", "ip": "1.2.3.4"},
                                          {"hostname": "A.lab", "ip": "1.2.3.5"}]}),
            ("public_ip", {"nat_mode": "1to1", "addresses": [{"ip": "192.168.100.10",
                                                              "public_ip": lan.ROUTER}]})):
        with refused(bus.INVALID_ARGS, key):
            lab.create("raw0", **settings)
    lab.unchanged()


def test_bad_interface_names_over_the_bus(lab):
    every_refusal([("interface", name, lambda name=name: lab.create(name))
                        for name in BAD_INTERFACES])
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def test_wrong_types_over_the_bus(lab):
    lab.dut()
    for key, value in WRONG_TYPES:
        with refused(bus.INVALID_ARGS, key.removeprefix("dns_entries") or "ip"):
            lab.create(**{"interface": "raw0", key: value})
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def test_unknown_key_over_the_bus_names_the_nearest(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "dhcp_rangestart", "dhcp_range_start"):
        lab.create("raw0", dhcp_rangestart="192.168.100.5")
    with refused(bus.INVALID_ARGS, "hostnam", "hostname"):
        lab.create("raw0", addresses=[{"ip": "192.168.100.5", "hostnam": "x"}])
    with refused(bus.INVALID_ARGS, "interface"):
        lab.bus.manager("CreateNetwork", "(a{sv})", {})
    lab.unchanged()


def test_key_given_twice_over_the_bus(lab):
    lab.dut()
    builder = GLib.VariantBuilder(GLib.VariantType("a{sv}"))
    for key, value in (("interface", "raw0"), ("subnet", "10.1.0.0/24"), ("subnet", "10.2.0.0/24")):
        builder.add_value(GLib.Variant.new_dict_entry(
            GLib.Variant("s", key), GLib.Variant.new_variant(GLib.Variant("s", value))))
    parameters = GLib.Variant.new_tuple(builder.end())
    try:
        lab.bus.connection.call_sync(bus.NAME, bus.ROOT, bus.MANAGER, "CreateNetwork", parameters,
                                     None, 0, 5000, None)
    except GLib.Error as error:
        contains(error.message, "InvalidArgs", "subnet")
        lab.unchanged()
        return
    raise AssertionError("a key given twice was taken")


def test_bad_host_names(lab):
    network, before = busy_network(lab)
    every_refusal([("hostname", name, lambda name=name: network.add_address(
        "192.168.100.20", hostname=name)) for name in BAD_HOST_NAMES if name]
        + [("hostname", name, lambda name=name: network.add_dns(name, "10.1.1.2"))
           for name in BAD_HOST_NAMES])
    nothing_changed(network, before)


def test_bad_addresses_of_entries(lab):
    network, before = busy_network(lab)
    every_refusal([("ip", address, lambda address=address: network.add_address(address))
                        for address in BAD_ENTRY_ADDRESSES])
    every_refusal([("ip", address, lambda address=address: network.add_dns("new.lab", address))
                        for address in ("nonsense", "1.2.3", "1.2.3.4.5", "01.2.3.4", "", ":::1",
                                        "1.2.3.4\n", "fe80::1", "fe80::1%raw0", "ff02::1",
                                        "239.1.2.3", "255.255.255.255")])
    nothing_changed(network, before)


def test_bad_macs(lab):
    network, before = busy_network(lab)
    every_refusal([("mac", mac, lambda mac=mac: network.add_address("192.168.100.20", mac=mac))
                        for mac in BAD_MACS])
    nothing_changed(network, before)


def test_bad_public_addresses(lab):
    network, before = busy_network(lab)
    every_refusal([("public_ip", address, lambda address=address: network.add_address(
        "192.168.100.20", public_ip=address)) for address in (
            lan.HOST, "192.168.100.77", "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0",
            "non sense", "10.77.0.300", "10.77.0.0100", "::1")])
    nothing_changed(network, before)


def test_address_mac_or_public_address_twice(lab):
    network, before = busy_network(lab)
    with refused(bus.INVALID_ARGS, "mac", "02:00:00:00:00:10"):
        network.add_address("192.168.100.20", mac="02:00:00:00:00:10")
    with refused(bus.INVALID_ARGS, "public_ip", lan.FREE[0]):
        network.add_address("192.168.100.20", public_ip=lan.FREE[0])
    nothing_changed(network, before)
    every_refusal([(key, shared, lambda entries=entries: network.update(addresses=entries))
                        for key, shared, entries in (
        ("ip", "192.168.100.20", [{"ip": "192.168.100.20", "public_ip": lan.FREE[1]},
                                  {"ip": "192.168.100.20"}]),
        ("mac", "02:00:00:00:00:20",
         [{"ip": "192.168.100.20", "mac": "02:00:00:00:00:20", "public_ip": lan.FREE[1]},
          {"ip": "192.168.100.21", "mac": "02:00:00:00:00:20"}]),
        ("public_ip", lan.FREE[1], [{"ip": "192.168.100.20", "public_ip": lan.FREE[1]},
                                    {"ip": "192.168.100.21", "public_ip": lan.FREE[1]}]))])
    nothing_changed(network, before)


def test_bad_update_changes_nothing(lab):
    network, before = busy_network(lab)
    every_refusal([(key, value, lambda key=key, value=value: network.update(
        **{"dhcp_lease_time": "1h", key: value}))
        for key, value in BAD_SETTINGS if key != "dhcp_lease_time"])
    with refused(bus.INVALID_ARGS, "interface"):
        network.update(interface="raw5")
    with refused(bus.INVALID_ARGS, "public_ip"):
        network.update(addresses=[])
    nothing_changed(network, before)


def test_public_address_is_the_primary_of_the_public_interface(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "public_ip", lan.HOST):
        lab.create("raw0", nat_mode="1to1",
                   addresses=[{"ip": "192.168.100.10", "public_ip": lan.HOST}])
    lab.unchanged()


def test_public_address_that_a_route_has_as_its_source(lab):
    lab.dut()
    run("ip", "address", "add", f"{lan.FREE[5]}/24", "dev", "up0")
    lab.undo.callback(run, "ip", "address", "delete", f"{lan.FREE[5]}/24", "dev", "up0")
    run("ip", "route", "add", "203.0.113.0/24", "via", lan.ROUTER, "src", lan.FREE[5])
    lab.undo.callback(run, "ip", "route", "delete", "203.0.113.0/24")
    lab.remember()
    with refused(bus.INVALID_ARGS, "public_ip", lan.FREE[5]):
        lab.create("raw0", nat_mode="1to1",
                   addresses=[{"ip": "192.168.100.10", "public_ip": lan.FREE[5]}])
    lab.unchanged()


def test_public_address_on_another_interface(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    run("ip", "address", "add", f"{lan.FREE[6]}/32", "dev", "raw1")
    lab.remember()
    with refused(bus.INVALID_ARGS, "public_ip", lan.FREE[6]):
        lab.create("raw0", nat_mode="1to1",
                   addresses=[{"ip": "192.168.100.10", "public_ip": lan.FREE[6]}])
    lab.unchanged()


def test_one_to_one_without_any_public_address(lab):
    lab.dut()
    with refused(bus.INVALID_ARGS, "public_ip"):
        lab.create("raw0", nat_mode="1to1", addresses=[{"ip": "192.168.100.10"}])
    lab.unchanged()


def test_interface_that_is_an_upstream(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.create("raw0", upstream_interface="raw1")
    with refused(bus.ERROR + "InterfaceInUse", "raw1"):
        lab.create("raw1", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    equal(sorted(lab.networks()), ["raw0"], "the networks")


def test_gateway_address_that_the_host_needs_elsewhere(lab):
    lab.dut()
    for address, words in ((lan.HOST, ("own address", "up0")), (lan.ROUTER, ("gateway", "up0"))):
        with refused(bus.ERROR + "AddressInUse", "gateway_ip", address, *words):
            lab.create("raw0", subnet="10.77.0.0/24", gateway_ip=address)
    lab.unchanged()


def yaml_refused(lab, text, *words):
    with refused(bus.INVALID_ARGS, *words):
        lab.bus.manager("LoadConfig", "(s)", text)


def test_bad_values_in_yaml(lab):
    lab.dut()
    wrong = []
    for key, value in BAD_SETTINGS:
        if isinstance(value, list):
            text = f"interface: raw0\n{key}: [\"{value[-1].encode('unicode_escape').decode()}\"]\n"
        else:
            text = f"interface: raw0\n{key}: \"{value.encode('unicode_escape').decode()}\"\n"
        try:
            yaml_refused(lab, text, key, shown(value), "2:" if "range" not in key else "")
        except AssertionError as error:
            wrong.append(f"{text!r}: {error}")
    assert not wrong, "\n".join(wrong)
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def test_bad_host_names_in_yaml(lab):
    lab.dut()
    for name in BAD_HOST_NAMES:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") \
            .replace("\t", "\\t").replace("\x01", "\\x01")
        yaml_refused(lab, f"interface: raw0\ndns_entries:\n  - hostname: \"{quoted}\"\n"
                          "    ip: 10.1.1.1\n", "hostname", "3:")
    yaml_refused(lab, "interface: raw0\ndns_entries:\n  - hostname: \"a\\0b\"\n    ip: 10.1.1.1\n",
                 "hostname")
    lab.unchanged()


def test_yaml_that_is_none(lab):
    lab.dut()
    for text in ("", "[]", "just text", "interface: [", "\tinterface: raw0",
                 "interface: raw0\n---\ninterface: raw1\n", "interface: raw0\ninterface: raw1\n", "networks: {}\n",
                 "interface: raw0\nsubnet: !!python/object x\n", "export: []\n"):
        with refused(bus.INVALID_ARGS):
            lab.bus.manager("LoadConfig", "(s)", text)
    equal(lab.networks(), {}, "the networks")


def test_four_mebibytes_of_yaml(lab):
    lab.dut()
    text = "interface: raw0\n" + "# a comment that goes on\n" * (4 * 1024 * 1024 // 25 + 1)
    for big in (text, "interface: " + "a" * (4 * 1024 * 1024)):
        try:
            lab.bus.manager("LoadConfig", "(s)", big)
        except bus.BusError as error:
            assert error.name in (bus.INVALID_ARGS, bus.ERROR + "LimitExceeded"), str(error)
        else:
            raise AssertionError("4 MiB of YAML were taken")
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()


def test_anchors_that_explode(lab):
    lab.dut()
    text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for name, of in zip("bcdefghi", "abcdefgh"):
        text += f"{name}: &{name} [" + ", ".join([f"*{of}"] * 9) + "]\n"
    with refused(bus.INVALID_ARGS):
        lab.bus.manager("LoadConfig", "(s)", text + "interface: raw0\n")
    memory = int(run("ps", "-o", "rss=", "-p", lab.daemon_pid()))
    assert memory < 64 * 1024, f"the daemon has {memory} KiB"
    lab.unchanged()


def test_deeply_nested_yaml(lab):
    with refused(bus.INVALID_ARGS):
        lab.bus.manager("LoadConfig", "(s)", "interface: raw0\naddresses: " + "[" * 50000)
    lab.unchanged()


def test_more_entries_than_the_limit(lab):
    network, before = busy_network(lab)
    entries = [{"hostname": f"h{index}.lab", "ip": "10.1.1.1"} for index in range(65537)]
    with refused(bus.ERROR + "LimitExceeded", "dns_entries"):
        network.update(dns_entries=entries)
    nothing_changed(network, before)
