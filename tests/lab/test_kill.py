# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon is killed, stopped, restarted and replaced while boards work: they notice nothing."""

import contextlib
import os
import random
import shutil
import signal
import threading
import time

from gi.repository import GLib

from labkit import bus, host, lan
from labkit.bus import Bus, BusError
from labkit.expect import equal
from labkit.lab import Network
from labkit.process import run, wait_for
from labkit.stream import Stream

KILLS = 100
KILLS_SECONDS = 28
OTHER = {"subnet": "192.168.101.0/24", "gateway_ip": "192.168.101.1"}


class Client(threading.Thread):
    """Makes, changes and removes a network, and entries of another, at random; knows of each entry
    what the last reply has promised."""

    def __init__(self, seed):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.bus = Bus()
        self.entries = {}  # address -> whether it is there; missing: nobody knows
        self.replies = 0
        self.stopping = False
        self.unexpected = None

    def run(self):
        board = Network(self.bus, bus.path_of("raw0"))
        other = Network(self.bus, bus.path_of("raw1"))
        actions = (lambda: self._add(board), lambda: self._add(board), lambda: self._remove(board),
                   lambda: self._create(), lambda: self._remove_network(),
                   lambda: other.update(nat_mode=self.random.choice(("masquerade", "disabled"))),
                   lambda: other.call(self.random.choice(("Up", "Down"))))
        try:
            while not self.stopping:
                with contextlib.suppress(BusError, GLib.Error):
                    self.random.choice(actions)()
                    self.replies += 1
        except Exception as error:  # what ends the thread is the test's to tell
            self.unexpected = error

    def _add(self, board):
        ip = f"192.168.100.{self.random.randrange(10, 40)}"
        self.entries.pop(ip, None)
        board.add_address(ip, hostname=f"h{ip.rsplit('.', 1)[1]}")
        self.entries[ip] = True

    def _remove(self, board):
        if not self.entries:
            return
        ip = self.random.choice(list(self.entries))
        self.entries.pop(ip)
        board.remove_address(ip)
        self.entries[ip] = False

    def _create(self):
        self.bus.manager("CreateNetwork", "(a{sv})", bus.settings({"interface": "raw1", **OTHER}))

    def _remove_network(self):
        self.bus.manager("RemoveNetwork", "(s)", "raw1")


def kill_at_random(lab, seed):
    """Kills the daemon again and again, as it starts, works and rests."""
    chance = random.Random(seed)
    end = time.monotonic() + KILLS_SECONDS
    kills, pids = 0, []
    while kills < KILLS and time.monotonic() < end:
        pids = wait_for(lab.daemon_pids, "systemd starts it again")
        time.sleep(chance.uniform(0, chance.choice((0.05, 0.15, 0.4))))  # the instants are the test
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                kills += 1
    wait_for(lambda: not set(pids) & set(lab.daemon_pids()), "the last one killed has gone")
    return kills


def test_killed_at_random_instants_a_hundred_times(lab):
    seed = int.from_bytes(os.urandom(4), "little")
    print(f"        seed {seed}")
    dut = lab.dut("raw0")
    lab.dut("raw1")
    network = lab.create(dut)
    lease, pid = dut.dhcp(), network.dnsmasq()
    stream, client = Stream(dut), Client(seed)
    client.start()
    kills = kill_at_random(lab, seed)
    client.stopping = True
    wait_for(lab.bus.has_owner, "the service is back", 10)
    client.join(30)
    network.wait_state("active", deadline=10)
    print(f"        {kills} kills, {client.replies} replies, {stream.sent} packets")
    stream.stop(lan.HOST)
    assert client.unexpected is None, client.unexpected
    assert kills >= KILLS // 4, f"only {kills} kills"
    assert client.replies > kills // 4, f"only {client.replies} replies"
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal(dut.dhcp()["ip"], lease["ip"], "the address")
    there = {entry["ip"] for entry in network.get("Addresses")}
    for ip, known in client.entries.items():
        equal(ip in there, known, f"whether there is an entry of {ip}")
    for ip, known in client.entries.items():
        equal(dut.dig(f"h{ip.rsplit('.', 1)[1]}", "192.168.100.1"), [ip] if known else [],
              f"what dnsmasq answers for {ip}")
    for interface, (_, path) in lab.networks().items():
        Network(lab.bus, path).wait_state("active", "inactive", deadline=10)
        assert interface in ("raw0", "raw1"), interface
    count = sum("dnsmasq" in line for line in host.servants().values())
    up = sum(state == "active" for state, _ in lab.networks().values())
    equal(count, up, "the number of dnsmasq processes")


def test_stop_start_and_restart_lose_no_packet(lab):
    dut = lab.dut()
    network = lab.create(dut, dns_entries=[{"hostname": "a.lab", "ip": "10.1.1.1"}])
    lease, pid = dut.dhcp(), network.dnsmasq()
    before = host.dump()
    stream = Stream(dut)
    lab.stop_daemon()
    equal(dut.dig("a.lab", "192.168.100.1"), ["10.1.1.1"], "the answer while there is no daemon")
    lab.start_daemon()
    network.wait_state("active")
    for _ in range(3):
        lab.restart_daemon()
        network.wait_state("active")
    stream.stop(lan.HOST)
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    lab.unchanged(before)
    lab.stop_daemon()
    equal(dut.dhcp()["ip"], lease["ip"], "the address while there is no daemon")
    lab.start_daemon()


def replace_program(path):
    """As a package manager does it: another file under the same name."""
    old = os.stat(path).st_ino
    shutil.copy2(path, f"{path}.dpkg-new")
    os.rename(f"{path}.dpkg-new", path)
    assert os.stat(path).st_ino != old, f"{path} is the same file"


def test_package_update_loses_no_packet(lab):
    dut = lab.dut()
    network = lab.create(dut)
    lease, pid = dut.dhcp(), network.dnsmasq()
    before = host.dump()
    stream = Stream(dut)
    program = os.readlink(f"/proc/{lab.daemon_pid()}/exe")
    replace_program(program)
    replace_program("/usr/sbin/dnsmasq")
    assert os.readlink(f"/proc/{pid}/exe").endswith(" (deleted)")
    run("systemctl", "daemon-reload")
    lab.restart_daemon()
    network.wait_state("active")
    network.add_dns("new.lab", "10.1.1.1")
    wait_for(lambda: dut.dig("new.lab", "192.168.100.1") == ["10.1.1.1"], "the new name is known")
    stream.stop(lan.HOST)
    equal(os.readlink(f"/proc/{lab.daemon_pid()}/exe"), program, "the daemon's program")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")
    equal(dut.dhcp()["ip"], lease["ip"], "the address")
    lab.remove(dut)
    lab.unchanged()
    assert before["processes"], "there was no dnsmasq to keep"


def test_guard_has_no_gap_while_networks_are_adopted(lab):
    """Networks without NAT share a table that keeps the LAN from them, and come up one by one."""
    modes = ("disabled", "masquerade", "disabled", "masquerade", "disabled")
    for number in range(len(modes)):
        lab.dut(f"raw{number}")
    for number, mode in enumerate(modes):
        lab.create(f"raw{number}", nat_mode=mode, subnet=f"192.168.{120 + number}.0/24",
                   gateway_ip=f"192.168.{120 + number}.1")
    seen, stopping = [], threading.Event()

    def watch():
        while not stopping.is_set():
            seen.append(run("nft", "--stateless", "list", "table", "inet", "jumpstarter_guard"))

    guarded = ("raw0", "raw2", "raw4")
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for _ in range(4):
            lab.restart_daemon()
            for interface in lab.networks():
                lab.network(interface).wait_state("active")
    finally:
        stopping.set()
        thread.join()
    assert len(seen) > 20, f"looked only {len(seen)} times"
    gaps = [rules for rules in seen if not all(f'"{interface}"' in rules for interface in guarded)]
    assert not gaps, f"{len(gaps)} of {len(seen)} times the guard was without one of them:\n{gaps[0]}"
