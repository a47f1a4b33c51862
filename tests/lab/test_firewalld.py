# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with the real firewalld, whose default zone lets neither DHCP nor DNS nor forwarding
through."""

from labkit import lan
from labkit.expect import equal
from labkit.process import run, wait_for


def with_firewalld(lab):
    run("systemctl", "start", "firewalld.service")
    lab.undo.callback(run, "systemctl", "stop", "firewalld.service")
    wait_for(lambda: run("firewall-cmd", "--state", expect=None).strip() == "running",
             "firewalld runs", 10)
    # NetworkManager tells it about its devices.
    wait_for(lambda: "up0" in run("firewall-cmd", "--get-active-zones", expect=None),
             "firewalld knows the upstream", 10)
    # Chains that firewalld makes for a zone stay until its next reload, whoever used the zone.
    run("firewall-cmd", "--zone=dut-network", "--add-interface=primed0")
    run("firewall-cmd", "--zone=dut-network", "--remove-interface=primed0")
    lab.remember()


def zones():
    return run("firewall-cmd", "--get-active-zones")


def test_dhcp_dns_and_forwarding_work_and_all_goes_again(lab):
    dut = lab.dut()
    with_firewalld(lab)
    before = zones()
    lab.create(dut, dns_entries=[{"hostname": "it.lab", "ip": "10.1.2.3"}])
    dut.dhcp()
    equal(dut.dig("it.lab", "192.168.100.1"), ["10.1.2.3"], "the answer of the network's DNS")
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    assert "raw0" in zones(), "firewalld does not know the interface"
    lab.remove(dut)
    equal(zones(), before, "the active zones")
    lab.unchanged()


def test_lan_reaches_a_mapped_board_past_it(lab):
    dut = lab.dut()
    with_firewalld(lab)
    lab.create(dut, nat_mode="1to1", addresses=[{"ip": "192.168.100.10", "mac": dut.mac,
                                                 "public_ip": lan.FREE[0]}])
    dut.dhcp()
    dut.serve()
    equal(dut.source_at(lan.ROUTER), lan.FREE[0], "the source")
    assert lab.lan.reaches(lan.FREE[0]), "the public address does not lead to the board"
    lab.remove(dut)
    lab.unchanged()
