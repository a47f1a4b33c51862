# SPDX-License-Identifier: GPL-2.0-or-later
"""A network with IPv6: boards get addresses, names and a way out, and stay apart, as by IPv4."""

import contextlib
import ipaddress
import socket

from labkit import ipv6, whoami
from labkit.bus import ERROR, INVALID_ARGS, settings
from labkit.damage import without_owner
from labkit.expect import contains, equal, lacks, refused
from labkit.guest import Guest, open_tap
from labkit.ipv6 import GATEWAY, LAN_HOST, LAN_ROUTER, PORT, SUBNET, create, pings
from labkit.lab import Network
from labkit.process import run, wait_for
from test_dhcp import answer

SECOND = {"subnet": "192.168.101.0/24", "ipv6_subnet": "fd00:e::/64"}


def test_board_makes_the_address_that_status_predicts(lab):
    dut = lab.dut()
    network = create(lab, dut)
    address = ipv6.predicted(network, dut)
    equal(address, "fd00:d::ff:fe00:1", "the prediction for 02:00:00:00:00:01")
    equal(ipv6.wait_address(dut), address, "the board's address")
    status = network.status()
    equal((status["ipv6_subnet"], status["ipv6_gateway"], status["ipv6_mode"]),
          (SUBNET, GATEWAY, "slaac"), "the status")
    contains(status["interface_status"]["addresses"], f"{GATEWAY}/64")
    equal((network.get("Ipv6Subnet"), network.get("Ipv6Gateway")), (SUBNET, GATEWAY), "properties")
    assert pings(dut.namespace, GATEWAY), "no ping of the gateway"


def test_advertisements_say_what_the_mode_means(lab):
    dut = lab.dut()
    network = create(lab, dut)
    for mode, managed, other, autonomous in (("slaac", False, False, True),
                                             ("stateless", False, True, True),
                                             ("stateful", True, True, False)):
        network.update(ipv6_mode=mode)

        def heard(expected=(managed, other, [(SUBNET, True, autonomous)])):
            told = ipv6.solicit(dut)
            return (told.managed, told.other, told.prefixes()) == expected and told
        advertisement = wait_for(heard, f"an advertisement of {mode}", 10)
        equal(advertisement.name_servers(), [GATEWAY], f"RDNSS with {mode}")
        assert advertisement.lifetime > 0, f"no router with {mode}"


def test_a_network_that_forwards_nothing_is_no_way_out(lab):
    dut = lab.dut()
    create(lab, dut, nat_mode="disabled")
    advertisement = ipv6.solicit(dut)
    equal(advertisement.lifetime, 0, "the router's lifetime")
    equal(advertisement.prefixes(), [(SUBNET, True, True)], "the prefix")
    equal(ipv6.knob("raw0", "forwarding"), "0", "forwarding")
    wait_for(lambda: "fd00:d::ff:fe00:1" in ipv6.addresses(dut), "the board's address", 10)
    equal(ipv6.default_routes(dut), [], "default routes")
    equal(dut.dig("board", GATEWAY), ["192.168.100.10"], "a name")


def test_an_update_of_nat_mode_says_whether_there_is_a_way_out(lab):
    dut = lab.dut()
    network = create(lab, dut)
    for mode, is_router in (("disabled", False), ("masquerade", True)):
        network.update(nat_mode=mode)
        wait_for(lambda: (ipv6.solicit(dut).lifetime > 0) == is_router,
                 f"the router's lifetime with {mode}", 10)
        wait_for(lambda: bool(ipv6.default_routes(dut)) == is_router, f"the way out with {mode}", 10)


def test_without_a_way_out_nobody_elses_host_reaches_it(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut, nat_mode="disabled")
    wait_for(lambda: ipv6.addresses(dut), "the board's address", 10)
    ipv6.add_lan_route(lab)
    assert pings(dut.namespace, GATEWAY), "its own board gets no answer"
    for address in (GATEWAY, "fd00:d::"):
        assert not pings(lab.lan.namespace, address), f"a LAN host reaches {address}"


def test_stateless_gives_the_name_server_by_dhcpv6(lab):
    dut = lab.dut()
    create(lab, dut, ipv6_mode="stateless")
    told = ipv6.dhclient(lab, dut, "-S")
    equal(told["new_dhcp6_name_servers"], GATEWAY, "the name server")


def test_stateful_gives_leases_and_entries_their_address(lab):
    dut, other = lab.dut(), lab.dut("raw1")
    run("ip", "link", "add", "br0", "type", "bridge")
    lab.undo.callback(run, "ip", "link", "delete", "br0")
    for nic in ("raw0", "raw1"):
        run("ip", "link", "set", nic, "master", "br0")
    run("ip", "link", "set", "br0", "up")
    wait_for(lambda: "fe80" in run("ip", "-6", "address", "show", "dev", "br0", "-tentative"),
             "the bridge's link-local address")
    lab.remember()
    network = lab.create("br0", ipv6_subnet="fd00:d::/112", ipv6_mode="stateful", addresses=[
        {"ip": "192.168.100.10", "mac": dut.mac, "hostname": "board", "ipv6": "fd00:d::10"},
        {"ip": "192.168.100.11", "ipv6": "fd00:d::1000"},
        {"ip": "192.168.100.12", "ipv6": "fd00:d::1001"}])
    signals = lab.signals()
    equal(ipv6.dhclient(lab, dut)["new_ip6_address"], "fd00:d::10", "the entry's address")
    dynamic = ipv6.dhclient(lab, other)["new_ip6_address"]
    number = int(ipaddress.ip_address(dynamic)) & 0xffffffff
    assert 0x1001 < number <= 0xffff, f"{dynamic} is not of the pool, or another entry's"

    def leases():
        return {lease["ip"]: lease["mac"] for lease in network.leases()}
    wait_for(lambda: leases() == {"fd00:d::10": dut.mac, dynamic: other.mac},
             f"both leases: {leases()}")
    equal(signals.wait("LeaseAdded", network.path)[0]["ip"], "fd00:d::10", "the signal")
    equal(network.call("GetDutIp", "(s)", dut.mac), "192.168.100.10", "GetDutIp")
    equal(network.status()["ra_addresses"], [], "predictions where none makes its address")
    equal(other.dig("board", "fd00:d::1", "AAAA"), ["fd00:d::10"], "the entry's name")


def test_lan_sees_the_hosts_address(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut)
    ipv6.wait_address(dut)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source of TCP")
    equal(whoami.udp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source of UDP")
    assert pings(dut.namespace, LAN_ROUTER), "no ping of the LAN"
    contains(lab.network("raw0").call("GetNatRules"), "table ip6 jumpstarter_raw0", "masquerade")


def test_networks_and_uninvited_hosts_stay_apart(lab):
    ipv6.bring_to_lan(lab)
    first, second = lab.dut(), lab.dut("raw1")
    create(lab, first)
    lab.create(second, **SECOND)
    ipv6.wait_address(first)
    inside = ipv6.wait_address(second, SECOND["ipv6_subnet"])
    ipv6.serve(second)
    wait_for(lambda: whoami.reaches(None, inside, PORT), "the host reaches it")
    ipv6.add_lan_route(lab, SECOND["ipv6_subnet"])
    for where, name in ((first.namespace, "another board"), (lab.lan.namespace, "a LAN host")):
        assert not whoami.reaches(where, inside, PORT), f"{name} reaches a board"
        for gateway in ("fd00:e::1", "fd00:e::"):
            assert not pings(where, gateway), f"{name} reaches {gateway} of another network"
        equal(dig_status(where, "fd00:e::1"), "", f"DNS for {name}")
    assert pings(second.namespace, "fd00:e::"), "the anycast address is nobody's"
    assert dig_status(second.namespace, "fd00:e::1"), "its own boards get no DNS"


def dig_status(namespace, server):
    done = namespace.run_full("dig", f"@{server}", "+tries=1", "+time=1", "board.lab")
    return "status" if "status:" in done.stdout else ""


def test_a_board_cannot_use_anothers_address(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut)
    ipv6.wait_address(dut)
    dut.run("ip", "-6", "address", "add", "fd00:bad::1/64", "dev", "eth0", "nodad")
    assert whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "its own address"
    run("ip", "-6", "route", "add", "fd00:bad::/64", "dev", "raw0")
    for target in (LAN_ROUTER, GATEWAY):
        assert not pings(dut.namespace, target, "-I", "fd00:bad::1"), f"{target} answers a forged source"
    run("ip", "-6", "route", "delete", "fd00:bad::/64", "dev", "raw0")


def hears(namespace, dut, source, destination):
    """Whether what the board sends from one address arrives at another; of None: the host's."""
    with namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) if namespace else \
            socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as heard, \
            dut.namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        heard.bind((destination, 7779))
        heard.settimeout(0.3)
        sender.bind((source, 0))
        sender.sendto(b"forged", (destination, 7779))
        try:
            return heard.recv(100) == b"forged"
        except TimeoutError:
            return False


def test_gateways_own_address_is_no_boards(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut)
    own = ipv6.wait_address(dut)
    dut.run("ip", "-6", "address", "add", f"{GATEWAY}/128", "dev", "eth0", "nodad")
    for namespace, address in ((None, LAN_HOST), (lab.lan.namespace, LAN_ROUTER)):
        for source in (own, GATEWAY):
            equal(hears(namespace, dut, source, address), source == own,
                  f"whether {address} hears the board as {source}")
    router = dut.run("ip", "-6", "route", "show", "default").split()[2]
    network.update(nat_mode="disabled")
    dut.run("ip", "-6", "route", "replace", LAN_HOST, "via", router, "dev", "eth0")
    for source in (own, GATEWAY):
        equal(hears(None, dut, source, LAN_HOST), source == own,
              f"whether the host hears the board as {source} where nothing is forwarded")


def test_names_of_both_families(lab):
    dut = lab.dut()
    network = create(lab, dut, addresses=[
        {"ip": "192.168.100.10", "mac": dut.mac, "hostname": "board", "ipv6": "fd00:d::99"}])
    signals = lab.signals()
    network.add_dns("host.lab", "10.1.2.3")
    network.add_dns("host.lab", "2001:db8::5")
    equal(network.call("GetDnsEntries"), [("host.lab", "10.1.2.3"), ("host.lab", "2001:db8::5")],
          "the entries")
    wait_for(lambda: dut_dig(dut, "host.lab") == ["2001:db8::5"], "the AAAA record")
    equal(dut.dig("host.lab", GATEWAY), ["10.1.2.3"], "the A record")
    equal(dut_dig(dut, "board"), ["fd00:d::99"], "the entry's AAAA record")
    network.remove_dns("host.lab")
    equal([signals.wait("DnsEntryRemoved", network.path) for _ in range(2)],
          [("host.lab", "10.1.2.3"), ("host.lab", "2001:db8::5")], "the signals")
    equal(network.call("GetDnsEntries"), [], "the entries")


def test_one_familys_entry_is_none_of_the_others(lab):
    dut = lab.dut()
    network = create(lab, dut)
    signals = lab.signals()

    def told():
        network.get("DnsEntries")  # signals that went before have come with its answer
        heard = [(name[len("DnsEntry"):], ip) for name in ("DnsEntryRemoved", "DnsEntryAdded")
                 for _, ip in signals.matching(name, network.path)]
        signals.seen.clear()
        return heard
    network.add_dns("host.lab", "10.1.2.3")
    equal(told(), [("Added", "10.1.2.3")], "what is told of the first address")
    network.add_dns("host.lab", "2001:db8::5")
    equal(told(), [("Added", "2001:db8::5")], "what is told of the other family's")
    network.add_dns("host.lab", "10.1.2.4")
    equal(told(), [("Removed", "10.1.2.3"), ("Added", "10.1.2.4")], "what is told of a change")
    network.add_dns("host.lab", "2001:db8::6")
    equal(told(), [("Removed", "2001:db8::5"), ("Added", "2001:db8::6")], "and of the other's")
    equal(network.get("DnsEntries"), [("host.lab", "10.1.2.4"), ("host.lab", "2001:db8::6")],
          "the entries")
    wait_for(lambda: dut_dig(dut, "host.lab") == ["2001:db8::6"], "the AAAA record")
    equal(dut.dig("host.lab", GATEWAY), ["10.1.2.4"], "the A record")
    with refused(ERROR + "NoSuchEntry", "host.lab", "10.1.2.3"):
        network.remove_dns_address("host.lab", "10.1.2.3")
    network.remove_dns_address("host.lab", "10.1.2.4")
    equal(told(), [("Removed", "10.1.2.4")], "what is told of one that goes")
    wait_for(lambda: dut.dig("host.lab", GATEWAY) == [], "the A record has gone")
    equal(dut_dig(dut, "host.lab"), ["2001:db8::6"], "the AAAA record")
    lab.restart_daemon()
    equal(network.get("DnsEntries"), [("host.lab", "2001:db8::6")], "the entries after a restart")
    network.remove_dns_address("HOST.lab", "2001:0db8::6")
    equal((told(), network.get("DnsEntries")), ([("Removed", "2001:db8::6")], []), "the last one")
    with refused(ERROR + "NoSuchEntry", "host.lab"):
        network.remove_dns_address("host.lab", "2001:db8::6")


def dut_dig(dut, name):
    wait_for(lambda: ipv6.addresses(dut), "an address", 10)
    return dut.dig(name, GATEWAY, "AAAA")


def test_a_board_with_a_lease_has_its_name_by_ipv6_too(lab):
    dut = lab.dut()
    create(lab, dut, addresses=[])
    address = ipv6.wait_address(dut)
    dut.dhcp(hostname="crab")
    wait_for(lambda: dut_dig(dut, "crab") == [address], "ra-names has found it", 20)


def test_undone_like_all_else(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut)
    if ipv6.per_interface():
        equal([ipv6.knob(name, "force_forwarding") for name in ("raw0", "up0", "all")],
              ["1", "1", "0"], "forwarding")
        equal([ipv6.knob(name, "forwarding") for name in ("raw0", "up0", "all")], ["1", "0", "0"],
              "who is a router")
    ipv6.wait_address(dut)
    lab.remove(dut)
    lab.unchanged()


def test_an_interface_without_ipv6_has_it_for_the_networks_time(lab):
    dut = lab.dut()
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.raw0.disable_ipv6=1")
    lab.remember()
    create(lab, dut)
    ipv6.wait_address(dut)
    lab.remove(dut)
    lab.unchanged()
    equal(ipv6.knob("raw0", "disable_ipv6"), "1", "disable_ipv6")


def test_an_interface_that_is_too_narrow_is_refused(lab):
    dut = lab.dut()
    run("ip", "link", "set", "raw0", "mtu", "1279")
    lab.remember()
    with refused(INVALID_ARGS, "ipv6_subnet", SUBNET, "raw0", "1279", "1280"):
        create(lab, dut)
    lab.unchanged()
    network = lab.create(dut)
    with refused(INVALID_ARGS, "ipv6_subnet", "1279"):
        network.update(ipv6_subnet=SUBNET)
    equal(network.status()["ipv6_subnet"], "", "the subnet")
    run("ip", "link", "set", "raw0", "mtu", "1280")
    network.update(ipv6_subnet=SUBNET)
    ipv6.wait_address(dut)
    lab.before = None


def test_a_link_without_an_address_of_its_own_gets_one(lab):
    dut = lab.dut()
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.raw0.addr_gen_mode=1")
    run("ip", "-6", "address", "flush", "dev", "raw0")
    lab.remember()
    create(lab, dut)
    ipv6.wait_address(dut)
    lab.remove(dut)
    lab.unchanged()


def test_the_hosts_own_advertised_route_stays(lab):
    """A host whose kernel has its default route by an advertisement keeps it."""
    second = lab.dut("raw9")
    ipv6.advertise(lab, second)
    dut = lab.dut()
    network = create(lab, dut)
    equal(ipv6.knob("raw9", "accept_ra"), "2", "accept_ra")
    assert ipv6.advertised_routes("raw9"), "the default route went when the network came"
    network.update(ipv6_subnet="")
    equal(ipv6.knob("raw9", "accept_ra"), "1", "accept_ra afterwards")
    assert ipv6.advertised_routes("raw9"), "the default route went when IPv6 went"
    lab.remove(dut)
    lab.before = None
    second.children[0].terminate()
    second.children[0].wait()


def test_killed_and_adopted(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut)
    ipv6.wait_address(dut)
    held = whoami.Connection(dut.namespace, LAN_ROUTER, PORT)
    dnsmasq = network.dnsmasq()
    lab.kill_daemon()
    equal(held.ask_again(), LAN_HOST, "the source while it is dead")
    network.wait_state("active")
    equal(network.dnsmasq(), dnsmasq, "dnsmasq")
    equal(held.ask_again(), LAN_HOST, "the source afterwards")
    held.close()
    equal(network.get("Ipv6Subnet"), SUBNET, "the setting")
    lab.remove(dut)
    lab.unchanged()


def test_leases_go_with_the_subnet(lab):
    dut = lab.dut()
    network = create(lab, dut, ipv6_mode="stateful", addresses=[
        {"ip": "192.168.100.10", "mac": dut.mac, "hostname": "board", "ipv6": "fd00:d::10"}])
    dut.dhcp()
    ipv6.dhclient(lab, dut)
    wait_for(lambda: {lease["ip"] for lease in network.leases()} == {"192.168.100.10", "fd00:d::10"},
             "both leases are known")
    network.update(ipv6_subnet="", addresses=[{"ip": "192.168.100.10", "mac": dut.mac, "hostname": "board"}])
    equal([lease["ip"] for lease in network.leases()], ["192.168.100.10"], "leases without IPv6")
    wait_for(lambda: answer(dut, "board", "192.168.100.1", "AAAA") == [], "its name leads nowhere")
    equal(dut.dig("board", "192.168.100.1"), ["192.168.100.10"], "its name by IPv4")


def test_update_brings_it_and_takes_it_away(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = lab.create(dut)
    plain = network.status()
    equal((plain["ipv6_subnet"], plain["ipv6_gateway"], plain["ra_addresses"]), ("", "", []), "none")
    network.update(ipv6_subnet=SUBNET)
    ipv6.wait_address(dut)
    assert whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "no way out"
    network.update(ipv6_subnet="fd00:e::/64", ipv6_gateway="fd00:e::5")
    ipv6.wait_address(dut, "fd00:e::/64")
    own = run("ip", "-6", "address", "show", "dev", "raw0", "scope", "global")
    contains(own, "fd00:e::5/64")
    assert GATEWAY not in own, "the old gateway address stays"
    network.update(ipv6_subnet="")
    equal(run("ip", "-6", "address", "show", "dev", "raw0", "scope", "global"), "", "addresses")
    equal(ipv6.knob("raw0", "forwarding"), "0", "forwarding")
    assert not whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "a way out"
    equal("ipv6_mode" in network.status()["settings"], False, "a mode without a subnet")


def test_what_others_take_away_is_put_back(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut)
    ipv6.wait_address(dut)

    def has_address():
        return GATEWAY in run("ip", "-6", "address", "show", "dev", "raw0")

    def reaches():
        return whoami.reaches(dut.namespace, LAN_ROUTER, PORT)
    run("ip", "-6", "address", "delete", f"{GATEWAY}/64", "dev", "raw0")
    wait_for(has_address, "the gateway address is back", 2)
    run("ip", "-6", "address", "flush", "dev", "raw0", "scope", "global")
    wait_for(has_address, "the gateway address is back", 2)
    run("ip", "link", "set", "raw0", "down")
    wait_for(lambda: has_address() and reaches(), "all is back after the link was down", 10)
    for key in ("forwarding", "force_forwarding") if ipv6.per_interface() else ("forwarding",):
        run("busybox", "sysctl", "-qw", f"net.ipv6.conf.raw0.{key}=0")
        wait_for(lambda key=key: ipv6.knob("raw0", key) == "1", f"{key} is back", 2)
    for value in ("1", "0"):
        run("busybox", "sysctl", "-qw", f"net.ipv6.conf.all.forwarding={value}")
    wait_for(lambda: ipv6.knob("raw0", "forwarding") == "1" and reaches(), "it forwards again", 3)
    lab.remove(dut)
    lab.unchanged()


def test_rules_that_are_flushed_come_back(lab):
    ipv6.bring_to_lan(lab)
    without_owner(lab)
    dut = lab.dut()
    create(lab, dut)
    ipv6.wait_address(dut)
    run("nft", "delete", "table", "ip6", "jumpstarter_raw0")
    wait_for(lambda: "masquerade" in run("nft", "list", "table", "ip6", "jumpstarter_raw0",
                                         expect=None), "the table is back", 2)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source")


@contextlib.contextmanager
def one_flow(dut):
    """What asks the LAN who the board is, always from the same port."""
    with dut.namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.3)
        sock.bind(("::", 5555))

        def asked():
            sock.sendto(b"?", (LAN_ROUTER, PORT))
            try:
                return sock.recv(100).decode().strip()
            except TimeoutError:
                return None
        yield asked


def test_what_began_when_it_was_routed_goes_on_translated(lab):
    ipv6.bring_to_lan(lab)
    ipv6.add_lan_route(lab)
    dut = lab.dut()
    network = create(lab, dut, ipv6_nat="routed")
    address = ipv6.wait_address(dut)
    with one_flow(dut) as asked:
        equal(asked(), address, "the source, routed")
        network.update(ipv6_nat="masquerade")
        wait_for(lambda: asked() == LAN_HOST, "the same flow is translated", 2)


def test_what_began_without_the_rules_begins_anew(lab):
    """A flow that goes on from one port would go out untranslated, or be dropped, for ever."""
    ipv6.bring_to_lan(lab)
    without_owner(lab)
    dut = lab.dut()
    create(lab, dut)
    ipv6.wait_address(dut)
    run("nft", "add", "table", "ip6", "gap")
    lab.undo.callback(run, "nft", "delete", "table", "ip6", "gap", expect=(0, 1))
    with one_flow(dut) as asked:
        lab.stop_daemon()
        run("nft", "delete", "table", "ip6", "jumpstarter_raw0")
        assert asked() is None, "the LAN knows a way back to a private address"
        lab.start_daemon()
        wait_for(lambda: asked() == LAN_HOST, "the same flow is translated", 8)
    run("nft", "delete", "table", "ip6", "gap")


def test_past_a_firewall_that_drops_what_is_forwarded(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    run("ip6tables-nft", "-P", "FORWARD", "DROP")
    lab.undo.callback(run, "nft", "delete", "table", "ip6", "filter", expect=(0, 1))
    lab.remember()
    network = create(lab, dut)
    ipv6.wait_address(dut)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source")
    run("ip6tables-nft", "-F", "FORWARD")
    wait_for(lambda: whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "the accepts are back", 3)
    network.update(ipv6_subnet="")
    lacks(run("ip6tables-nft", "-S", "FORWARD"), "raw0")
    network.update(ipv6_subnet=SUBNET)
    contains(run("ip6tables-nft", "-S", "FORWARD"), "-i raw0 -o up0", "-i up0 -o raw0")


def test_taken_over_from_networkmanager(lab):
    """It makes link-local addresses itself, and takes its own away when it lets go."""
    dut = lab.dut("board0")
    create(lab, dut)
    equal(ipv6.wait_address(dut), "fd00:d::ff:fe00:1", "the board's address")
    lab.remove(dut)
    lab.before = None


def test_kernels_that_forward_for_the_whole_host(lab):
    """Before 6.17 there is one switch for it; that has the kernel drop its own default routes."""
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    ipv6.forward_for_the_whole_host(lab)
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.up0.accept_ra=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", "net.ipv6.conf.up0.accept_ra=0")
    lab.remember()
    create(lab, dut)
    equal((ipv6.knob("all", "forwarding"), ipv6.knob("up0", "accept_ra")), ("1", "2"),
          "forwarding and accept_ra")
    ipv6.wait_address(dut)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source")
    run("busybox", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
    wait_for(lambda: ipv6.knob("all", "forwarding") == "1", "forwarding is back", 2)
    lab.remove(dut)
    lab.unchanged()


def test_a_guest_that_opens_a_tap_hears_of_it_at_once(lab):
    ipv6.bring_to_lan(lab)
    answer = lab.bus.manager("CreateNetwork", "(a{sv})", settings({
        "create": "tap", "owner": "root", "ipv6_subnet": SUBNET, "addresses": [
            {"ip": "192.168.100.10", "mac": "02:00:00:00:09:01"}]}))
    network = Network(lab.bus, answer)
    name = network.get("Interface")
    guest = Guest({"tap_name": name, "guest_mac": "02:00:00:00:09:01"}, open_tap(name))
    lab.undo.callback(guest.delete)
    expected = ipv6.predicted(network, guest)
    wait_for(lambda: expected in ipv6.addresses(guest), "the address that is predicted", 5)
    equal(whoami.tcp(guest.namespace, LAN_ROUTER, PORT), LAN_HOST, "the source")
    lab.remove(name)
    lab.unchanged()


def test_twins_each_have_ipv6_of_their_own(lab):
    ipv6.bring_to_lan(lab)
    first, second = lab.dut(), lab.dut("raw1")
    create(lab, first)
    lab.create(second, ipv6_subnet="fd00:e::/64", dns_entries=[
        {"hostname": "twin.lab", "ip": "2001:db8::7"}])
    ipv6.wait_address(first)
    ipv6.wait_address(second, "fd00:e::/64")
    for dut in (first, second):
        equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), LAN_HOST, f"{dut.name}: the source")
    equal(second.dig("twin.lab", "fd00:e::1", "AAAA"), ["2001:db8::7"], "the twin's DNS")
    equal(ipv6.solicit(second).name_servers(), ["fd00:e::1"], "the twin's RDNSS")


def test_dns_is_intercepted_by_ipv6_too(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    create(lab, dut, dns_intercept=True, dns_entries=[{"hostname": "here.lab", "ip": "2001:db8::8"}])
    ipv6.wait_address(dut)
    for tcp in (False, True):
        equal(dut.dig("here.lab", LAN_ROUTER, "AAAA", tcp), ["2001:db8::8"], "what the LAN is asked")


def test_bad_input(lab):
    lab.dut()
    for settings, said in (
            ({"ipv6_subnet": "fd00::1/64"}, ("ipv6_subnet", "fd00::1/64", "fd00::/64")),
            ({"ipv6_subnet": "fd00::"}, ("ipv6_subnet", "/PREFIX")),
            ({"ipv6_subnet": "10.0.0.0/24"}, ("ipv6_subnet", "10.0.0.0/24")),
            ({"ipv6_subnet": "fd00::/63"}, ("ipv6_subnet", "64 to 120")),
            ({"ipv6_subnet": "fd00::/121"}, ("ipv6_subnet", "64 to 120")),
            ({"ipv6_subnet": "fe80::/64"}, ("ipv6_subnet", "fe80::/64")),
            ({"ipv6_subnet": "ff02::/64"}, ("ipv6_subnet", "ff02::/64")),
            ({"ipv6_subnet": "::/64"}, ("ipv6_subnet",)),
            ({"ipv6_subnet": "fd00::/80"}, ("ipv6_subnet", "stateful")),
            ({"ipv6_mode": "stateful"}, ("ipv6_mode", "ipv6_subnet")),
            ({"ipv6_subnet": SUBNET, "ipv6_mode": "dhcp"}, ("ipv6_mode", "dhcp", "slaac")),
            ({"ipv6_subnet": SUBNET, "ipv6_nat": "1to1"}, ("ipv6_nat", "1to1", "routed")),
            ({"ipv6_subnet": SUBNET, "ipv6_nat": "routed", "nat_mode": "disabled"},
             ("ipv6_nat", "nat_mode")),
            ({"ipv6_subnet": SUBNET, "ipv6_gateway": "fd00:e::1"}, ("ipv6_gateway", "fd00:e::1")),
            ({"ipv6_subnet": SUBNET, "ipv6_gateway": "fd00:d::"}, ("ipv6_gateway", "anycast")),
            ({"ipv6_subnet": SUBNET, "ipv6_mode": "stateful", "ipv6_gateway": "fd00:d::2000"},
             ("ipv6_gateway", "fd00:d::2000", "DHCPv6")),
            ({"ipv6_subnet": SUBNET, "addresses": [{"ip": "192.168.100.5", "ipv6": "fd00:e::5"}]},
             ("addresses", "ipv6", "fd00:e::5")),
            ({"addresses": [{"ip": "192.168.100.5", "ipv6": "fd00:d::5"}]}, ("ipv6", "ipv6_subnet")),
            ({"ipv6_subnet": SUBNET, "addresses": [{"ip": "192.168.100.5", "ipv6": "fd00:d::5"},
                                                   {"ip": "192.168.100.6", "ipv6": "fd00:d::5"}]},
             ("ipv6", "fd00:d::5", "192.168.100.5")),
            ({"create": "bridge", "interface": "br7", "mtu": 1000, "ipv6_subnet": SUBNET},
             ("mtu", "1280"))):
        with refused(INVALID_ARGS, *said):
            lab.create(settings.pop("interface", "raw0"), **settings)


def test_a_subnet_that_is_taken_is_refused(lab):
    ipv6.bring_to_lan(lab)
    first = lab.dut()
    lab.dut("raw1")
    create(lab, first)
    ipv6.wait_address(first)
    held = whoami.Connection(first.namespace, LAN_ROUTER, PORT)
    lab.undo.callback(held.close)
    for subnet, whose in ((SUBNET, "raw0"), ("fd00:77::/64", "up0")):
        with refused(ERROR + "AddressInUse", "ipv6_subnet", subnet, whose):
            lab.create("raw1", subnet="192.168.101.0/24", ipv6_subnet=subnet)
    equal(list(lab.networks()), ["raw0"], "the networks")
    equal(held.ask_again(), LAN_HOST, "what the LAN sees of a connection of the first one")
