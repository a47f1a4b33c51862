# SPDX-License-Identifier: GPL-2.0-or-later
"""What a filter lets pass by IPv6, beside IPv4."""

from labkit import ipv6, lan, whoami
from labkit.bus import INVALID_ARGS
from labkit.expect import equal, refused
from labkit.ipv6 import GATEWAY, LAN_ROUTER, PORT, create, pings
from labkit.process import wait_for


def test_routed_keeps_the_boards_address_and_lets_in_what_ingress_says(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, ipv6_nat="routed")
    address = ipv6.wait_address(dut)
    ipv6.add_lan_route(lab)
    ipv6.serve(dut)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), address, "the source")
    assert not whoami.reaches(lab.lan.namespace, address, PORT), "an uninvited LAN host gets in"
    network.update(filter={"ingress": {"policy": "drop", "rules": [
        {"action": "accept", "source": f"{LAN_ROUTER}", "protocol": "tcp", "port": PORT}]}})
    equal(whoami.tcp(lab.lan.namespace, address, PORT), LAN_ROUTER, "the source that it sees")
    held = whoami.Connection(lab.lan.namespace, address, PORT)
    network.update(filter={"ingress": {"policy": "drop", "rules": [
        {"action": "accept", "destination": f"{address}", "protocol": "tcp", "port": 22}]}})
    assert not whoami.reaches(lab.lan.namespace, address, PORT), "what ingress no longer allows"
    refuses(held)
    equal(whoami.tcp(dut.namespace, LAN_ROUTER, PORT), address, "the source, ingress or not")


def refuses(connection):
    """What a held connection is asked is not answered any more."""
    try:
        connection.ask_again()
    except OSError:
        return
    finally:
        connection.close()
    raise AssertionError("a connection that is forbidden goes on")


def test_filter_judges_both_families(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut)
    ipv6.wait_address(dut)
    dut.dhcp()

    def reached():
        return (dut.reaches(lan.ROUTER), whoami.reaches(dut.namespace, LAN_ROUTER, PORT))

    def egress(*rules):
        network.update(filter={"egress": {"policy": "drop", "rules": list(rules)}})
    equal(reached(), (True, True), "without a filter")
    held = whoami.Connection(dut.namespace, LAN_ROUTER, PORT)
    egress({"action": "accept", "destination": "10.77.0.0/24"})
    equal(reached(), (True, False), "an IPv4 destination")
    refuses(held)
    egress({"action": "accept", "destination": "fd00:77::/64", "protocol": "tcp", "port": PORT})
    equal(reached(), (False, True), "an IPv6 destination")
    egress({"action": "accept", "protocol": "tcp"})
    equal(reached(), (True, True), "no address at all")
    egress({"action": "accept", "source": "fd00:d::5"})
    equal(reached(), (False, False), "another source")
    egress({"action": "accept", "protocol": "icmp"})
    assert pings(dut.namespace, LAN_ROUTER), "icmp is not of both"
    counted = network.call("GetFilter")["egress"]["rules"][0]
    assert counted["packets"] > 0, "a hit by IPv6 is not counted"
    with refused(INVALID_ARGS, "ipv6_subnet"):
        network.update(ipv6_subnet="", filter={"egress": {"policy": "drop", "rules": [
            {"action": "accept", "destination": "fd00:77::/64"}]}})


def test_a_name_in_the_filter_opens_nothing_by_ipv6(lab):
    ipv6.bring_to_lan(lab)
    dut = lab.dut()
    network = create(lab, dut, dns_servers=[lan.ROUTER], dns_entries=[
        {"hostname": "both.lab.test", "ip": lan.ROUTER}, {"hostname": "both.lab.test", "ip": LAN_ROUTER}])
    ipv6.wait_address(dut)
    dut.dhcp()
    equal((dut.dig("both.lab.test", GATEWAY), dut.dig("both.lab.test", GATEWAY, "AAAA")),
          ([lan.ROUTER], [LAN_ROUTER]), "both families")
    rule = {"action": "accept", "destination": "lab.test"}
    network.update(filter={"egress": {"policy": "drop", "rules": [rule]}})
    wait_for(lambda: dut.dig("both.lab.test", GATEWAY) == [lan.ROUTER], "the name, with the filter")
    assert dut.reaches(lan.ROUTER), "by IPv4 the name opens nothing"
    assert not whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "by IPv6 it opens something"
    network.update(filter={"egress": {"policy": "accept", "rules": [{**rule, "action": "drop"}]}})
    assert not whoami.reaches(dut.namespace, LAN_ROUTER, PORT), "what drops by name lets IPv6 pass"
