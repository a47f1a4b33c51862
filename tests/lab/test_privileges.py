# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon is allowed, and what it runs."""

import os
import re
import signal
import subprocess
import time

from labkit import host, lan
from labkit.expect import equal
from labkit.process import run, stays, wait_for

THREE = (1 << 12) | (1 << 13) | (1 << 10)  # NET_ADMIN, NET_RAW, NET_BIND_SERVICE


def status_of(pid):
    lines = host.read(f"/proc/{pid}/status").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def unprivileged(pid):
    status = status_of(pid)
    uids = set(status["Uid"].split())
    assert "0" not in uids and len(uids) == 1, f"the user ids are {uids}"
    for kind in ("CapEff", "CapPrm", "CapBnd"):
        equal(int(status[kind], 16) & ~THREE, 0, f"{kind} beyond the three")
    return status


def test_daemon_has_three_capabilities_and_is_not_root(lab):
    lab.dut()
    lab.create("raw0")
    status = unprivileged(lab.daemon_pid())
    equal(int(status["CapEff"], 16), THREE, "CapEff")
    equal(int(status["NoNewPrivs"]), 1, "NoNewPrivs")
    name = run("id", "-nu", status["Uid"].split()[0]).strip()
    equal(name, "dut-network", "the user")


def test_dnsmasq_is_not_root_either(lab):
    lab.dut()
    unprivileged(lab.create("raw0").dnsmasq())


def test_dnsmasq_inherits_no_descriptors(lab):
    lab.dut()
    pid = lab.create("raw0").dnsmasq()
    targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    daemon = {os.readlink(f"/proc/{lab.daemon_pid()}/fd/{fd}")
              for fd in os.listdir(f"/proc/{lab.daemon_pid()}/fd")}
    shared = [target for target in targets
              if target in daemon and target.startswith("socket:")]
    equal(shared, [], "sockets of the daemon's that dnsmasq has")


def executed(lab, work):
    """The programs that the daemon or its children execute during work(), as strace sees them."""
    out = "/tmp/strace.out"
    tracer = lab.start("strace", "-f", "-e", "trace=execve,execveat", "-o", out, "-p",
                       lab.daemon_pid(), stderr=subprocess.DEVNULL)
    wait_for(lambda: status_of(lab.daemon_pid())["TracerPid"] != "0", "strace is attached")
    work()
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    return re.findall(r'execve(?:at)?\([^"]*"([^"]*)"', host.read(out))


def test_only_dnsmasq_is_executed(lab):
    dut = lab.dut("usb0")

    def work():
        network = lab.create(dut, nat_mode="1to1",
                             addresses=[{"ip": "192.168.100.10", "public_ip": lan.FREE[0]}])
        dut.dhcp()
        network.add_address("192.168.100.20", mac="02:00:00:00:00:20", public_ip=lan.FREE[1])
        network.remove_address("192.168.100.20")
        network.status()
        network.update(nat_mode="masquerade", addresses=[])
        network.update(dhcp_lease_time="5m")
        lab.remove(dut)

    lab.bus.manager("ListNetworks")
    programs = {os.path.basename(path) for path in executed(lab, work)}
    equal(programs, {"dnsmasq"}, "the programs")


def test_entries_start_no_process(lab):
    lab.dut()
    network = lab.create("raw0")

    def work():
        for index in range(10):
            network.add_address(f"192.168.100.{20 + index}", mac=f"02:00:00:00:01:{index:02x}")
            network.add_dns(f"h{index}.lab", "10.1.1.1")
        network.remove_address("192.168.100.20")
        network.remove_dns("h0.lab")

    equal(executed(lab, work), [], "the programs")


def test_secrets_of_the_runtime_directory(lab):
    """What is written for the daemon alone can be changed by nobody else."""
    lab.dut()
    network = lab.create("raw0")
    for top in ("/run/jumpstarter", network.get("StateDir")):
        for path in [top, *host.files(top)]:
            mode = os.lstat(path).st_mode
            assert not mode & 0o002, f"{path} can be written by everybody"


def test_environment_of_a_caller_does_not_matter(lab):
    """A resolver configuration or a PATH of a user's is no way in: the daemon's PATH is its own."""
    lab.dut()
    lab.create("raw0")
    environment = host.read(f"/proc/{lab.daemon_pid()}/environ").replace("\0", "\n")
    path = [line for line in environment.splitlines() if line.startswith("PATH=")]
    for directory in (path[0][5:] if path else "/usr/bin").split(":"):
        status = os.stat(directory) if os.path.isdir(directory) else None
        assert status is None or (status.st_uid == 0 and not status.st_mode & 0o022), directory


def test_watchdog_is_fed(lab):
    lab.dut()
    lab.drop_in("[Service]\nWatchdogSec=1\n")
    lab.create("raw0")
    pid = lab.daemon_pid()
    stays(lambda: os.path.exists(f"/proc/{pid}"), "the service, with a watchdog of 1 s", 2.5)


def test_log_lines_carry_the_interface(lab):
    lab.dut()
    start = time.time()
    lab.create("raw0")
    run("journalctl", "--sync", expect=None)
    words = wait_for(lambda: run("journalctl", "--quiet", "--no-pager", f"--since=@{start:.6f}",
                                 "INTERFACE=raw0", "--output=cat", expect=None), "a line with it")
    assert "active" in words, words
