# SPDX-License-Identifier: GPL-2.0-or-later
"""When the daemon runs: called, configured, idle, stopped; under systemd and without it."""

import os

from labkit import host, lan, whoami
from labkit.expect import contains, equal, lacks
from labkit.process import run, run_full, stays, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))


def active(unit="dut-networkd.service"):
    return run("systemctl", "is-active", unit, expect=None).strip()


def with_idle_timeout(lab, seconds):
    command = run("systemctl", "show", "--property=ExecStart", "dut-networkd.service")
    program = command.split("path=")[1].split(" ;")[0].strip()
    lab.drop_in(f"[Service]\nExecStart=\nExecStart={program} --idle-timeout={seconds}\n")


def test_call_starts_the_service_by_its_unit(lab):
    lab.stop_daemon()
    assert not lab.bus.has_owner()
    equal(lab.networks(), {}, "the networks")
    equal(active(), "active", "the unit")
    pid = int(run("systemctl", "show", "--property=MainPID", "--value", "dut-networkd.service"))
    equal(lab.daemon_pid(), pid, "the name's owner")


def test_idle_service_leaves(lab):
    with_idle_timeout(lab, 1)
    lab.networks()
    wait_for(lambda: active() == "inactive", "the unit has left", 6)
    equal(run("systemctl", "show", "--property=Result", "--value", "dut-networkd.service").strip(),
          "success", "the unit's result")


def test_service_stays_while_there_is_a_network(lab):
    lab.dut()
    with_idle_timeout(lab, 1)
    lab.create("raw0")
    pid = lab.daemon_pid()
    stays(lambda: lab.bus.has_owner(), "the service has its name", 3)
    equal(lab.daemon_pid(), pid, "the pid")


def test_no_call_is_lost_while_it_leaves(lab):
    with_idle_timeout(lab, 1)
    pids = set()
    for _ in range(400):
        lab.networks()
        pids.add(lab.daemon_pid())
        wait_for(lambda: True, "a turn of the loop")
    lab.networks()
    wait_for(lambda: active() == "inactive", "the unit has left", 6)
    lab.networks()
    assert lab.daemon_pid() not in pids, "it never left"


def test_restart_leaves_networks_and_dnsmasq_alone(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    before, pid = host.dump(), network.dnsmasq()
    lab.restart_daemon()
    network.wait_state("active")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    lab.unchanged(before)


def test_stopped_service_leaves_networks_up(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    dut.dhcp()
    before, pid = host.dump(), network.dnsmasq()
    lab.stop_daemon()
    lab.unchanged(before)
    assert os.path.exists(f"/proc/{pid}"), "dnsmasq is gone"
    equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
    equal(dut.dig("a.lab", "192.168.100.1"), ["10.1.1.1"], "the answer")
    dut.dhcp()
    lab.start_daemon()


def test_killed_service_comes_back_and_the_board_notices_nothing(lab):
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    connection = whoami.Connection(dut.namespace, lan.ROUTER)
    pid = network.dnsmasq()
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the service is back", 5)
    network.wait_state("active")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal(connection.ask_again(), lan.HOST, "the source over the open connection")
    connection.close()


def test_configured_networks_come_up_at_boot(lab):
    lab.dut()
    lab.stop_daemon()
    lab.configure("one.yaml", "interface: raw0\n")
    run("systemctl", "start", "dut-networkd-boot.service")
    wait_for(lambda: active() == "active", "the service runs")
    lab.network("raw0").wait_state("active")


def test_nothing_runs_at_boot_where_nothing_is_configured(lab):
    lab.stop_daemon()
    for directory in host.CONFIG_DIRS:
        assert not os.path.isdir(directory) or not os.listdir(directory), directory
    run("systemctl", "start", "dut-networkd-boot.service")
    equal(run("systemctl", "show", "--property=ConditionResult", "--value",
              "dut-networkd-boot.service").strip(), "no", "the condition")
    equal(active(), "inactive", "the service")


def test_boot_unit_is_wanted_by_the_usual_target(lab):
    run("systemctl", "enable", "dut-networkd.service")
    lab.undo.callback(run, "systemctl", "disable", "dut-networkd.service")
    assert os.path.islink("/etc/systemd/system/multi-user.target.wants/dut-networkd-boot.service")


def test_units_are_valid(lab):
    lab.networks()
    for unit in ("dut-networkd.service", "dut-networkd-boot.service"):
        done = run_full("systemd-analyze", "verify", "--man=no", unit)
        ours = [line for line in done.stderr.splitlines() if "dut-networkd" in line]
        equal(ours, [], "what systemd-analyze says")


def test_readiness_is_told_when_the_name_is_there(lab):
    lab.stop_daemon()
    lab.start_daemon()
    assert lab.bus.has_owner(), "systemctl start returned before the name was there"


def test_sandbox_is_tight(lab):
    words = run("systemd-analyze", "security", "--no-pager", "dut-networkd.service", expect=None)
    exposure = float(words.strip().splitlines()[-1].split(":")[1].split()[0])
    assert exposure < 3.0, words.splitlines()[-1]


def without_systemd(script):
    """Runs a shell script where the system bus knows no systemd. NIC: nic0."""
    return run("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
               f"{HERE}/without-systemd", "/bin/sh", "-ec", script, timeout=40)


CALL = ("busctl --system --json=short call org.jumpstarter.DutNetwork /org/jumpstarter/DutNetwork "
        "org.jumpstarter.DutNetwork.Manager ")


def test_launch_helper_starts_it_where_there_is_no_systemd(lab):
    out = without_systemd(f"{CALL} ListNetworks; pid=$(pidof dut-networkd); cat /proc/$pid/status")
    contains(out, '{"type":"a(sso)","data":[[]]}')
    uid = run("id", "-u", "dut-network").strip()
    contains(out, f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}", "CapEff:\t0000000000003400")


def test_launched_service_keeps_nothing_of_roots(lab):
    status = without_systemd(f"{CALL} ListNetworks; cat /proc/$(pidof dut-networkd)/status")
    groups = set(run("id", "-G", "dut-network").split())
    words = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    equal(set(words["Groups"].split()) - groups, set(), "the groups that are not its user's")
    equal((words["CapBnd"], words["CapPrm"], words["CapInh"]), ("0000000000003400",) * 3,
          "bounding, permitted and inheritable capabilities")
    equal(words["NoNewPrivs"], "1", "NoNewPrivs")


def test_network_works_where_there_is_no_systemd(lab):
    before = host.dump()
    out = without_systemd(
        f"{CALL} CreateNetwork 'a{{sv}}' 1 interface s nic0; ip -4 -brief address show nic0;"
        "nft list tables; pidof dnsmasq;"
        f"{CALL} RemoveNetwork s nic0; echo removed; nft list tables;"
        "ip -4 -brief address show nic0; pidof dnsmasq || echo no dnsmasq")
    up, gone = out.split("removed\n")
    contains(up, "192.168.100.1/24", "table ip jumpstarter_nic0")
    lacks(gone, "192.168.100.1", "jumpstarter_nic0")
    contains(gone, "no dnsmasq")
    equal(host.differences(before, host.dump()), [], "what differs outside")
