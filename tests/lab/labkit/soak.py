# SPDX-License-Identifier: GPL-2.0-or-later
"""The soak: networks with traffic in every direction, and whatever a workstation's owner does to them,
at random from a seed. Each event says who may lose packets by it; all others may not lose one. What
the events are stands in labkit.soak_events."""

import contextlib
import os
import random
import time
from dataclasses import dataclass

from labkit import host, lan
from labkit.bus import BusError
from labkit.dut import INSIDE
from labkit.netns import veth
from labkit.process import run, stop, wait_for
from labkit.soak_events import ALL, EVENTS, ITSELF, NOBODY, OTHER_ROUTER, OTHER_UPSTREAM, SPARE
from labkit.soak_verdict import Verdict
from labkit.traffic import Traffic, forget_connections

N_NETWORKS = 10
N_FILES = 5               # so many of them are networks of files
OTHER_HOST = "10.78.0.2/24"
PAUSE = (0.0, 0.3)        # between two events
SETTLES = 0.3             # what was under way when an event began or ended
DEADLINE = 30.0           # nothing takes so long
QUIET_PART = 0.5          # of the time: no restart of the daemon, so that growth would show
PRIVATE = (("192.168.0.0", 16),)

UDP, FRESH, TCP, PROBE = ("udp", 0.01), ("fresh", 0.04), ("tcp", 0.04), ("probe", 0.2)
DNS_EVERY = 0.04


class Board:
    """A network, its board, and its flows."""

    def __init__(self, soak, index):
        self.soak = soak
        self.index = index
        self.name = f"raw{index}"
        self.mac = f"02:00:00:00:00:{index + 1:02x}"
        self.ip = f"192.168.{100 + index}.10"
        self.gateway = f"192.168.{100 + index}.1"
        self.nat_mode = "disabled" if index == N_NETWORKS - 1 else ("1to1", "masquerade")[index % 2]
        self.public = lan.FREE[index] if self.nat_mode == "1to1" else None
        self.file = f"soak-{self.name}.yaml" if index < N_FILES else None
        self.extra = {}       # ip -> public address or None, made over the bus
        self.names = {}       # DNS entries made over the bus
        self.lease_time = "2m"
        self.dut = soak.lab.dut(self.name, self.mac)
        self.client = None
        self.network = None
        self.flows = []

    # The network

    def settings(self):
        entry = {"ip": self.ip, "mac": self.mac, "hostname": f"board{self.index}"}
        if self.public:
            entry["public_ip"] = self.public
        return {"subnet": f"192.168.{100 + self.index}.0/24", "gateway_ip": self.gateway,
                "nat_mode": self.nat_mode, "dhcp_lease_time": self.lease_time,
                "dns_servers": [lan.ROUTER], "addresses": [entry]}

    def text(self):
        """Its settings as a file has them: YAML reads JSON's strings and lists as well."""
        lines = [f"interface: {self.name}"]
        for key, value in self.settings().items():
            if key == "addresses":
                pairs = ", ".join(f'{k}: "{v}"' for k, v in value[0].items())
                lines += ["addresses:", f"  - {{{pairs}}}"]
            elif isinstance(value, list):
                lines.append(f"{key}: [{', '.join(value)}]")
            else:
                lines.append(f"{key}: {value}")
        return "\n".join(lines) + "\n"

    def create(self):
        if self.file:
            self.soak.lab.configure(self.file, self.text())
        else:
            self.soak.lab.create(self.name, **self.settings())

    def publics(self):
        """Private address -> public address of each mapping."""
        mapped = {ip: public for ip, public in self.extra.items() if public}
        return {self.ip: self.public, **mapped} if self.public else mapped

    # The board

    def start_client(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.dut.lease_file)
        self.client = self.dut.keep_dhcp(f"board{self.index}")

    def unplug(self):
        """What was on the wire is lost; the board keeps its sockets."""
        stop(self.client)
        self.dut.children.remove(self.client)
        self.outer_mac = host.read(f"/sys/class/net/{self.name}/address")
        run("ip", "link", "delete", self.name)

    def plug(self):
        veth(self.name, INSIDE, self.dut.namespace, self.mac, self.outer_mac)

    # Its traffic

    def start_flows(self):
        traffic = self.soak.traffic
        ways = [("from the host", None, self.ip, self.gateway, (UDP, TCP))]
        if self.nat_mode != "disabled":
            ways.append(("out", self.dut.namespace, lan.ROUTER, self.public or lan.HOST,
                         (UDP, FRESH, TCP, PROBE)))
        if self.public:
            ways.append(("in", "lan", self.public, lan.ROUTER, (UDP, FRESH, TCP, PROBE)))
        traffic.serve(self.dut.namespace)
        self.flows = [traffic.flow(kind, f"{self.name} {way}", place, address, [source], every)
                      for way, place, address, source, kinds in ways for kind, every in kinds]
        self.flows.append(traffic.flow("dns", self.name, self.dut.namespace, self.gateway, [],
                                       DNS_EVERY, port=53, query=f"board{self.index}"))


@dataclass(frozen=True)
class Sample:
    """The daemon, after an event. A leak is in its anonymous memory; PSS is also what other programs
    leave to it of what they share."""
    at: float
    pid: int
    pss: int                  # KB
    anonymous: int            # KB
    descriptors: int


class Happened:
    """One event: what, to whom, from when to when (of time.monotonic()), and how long the repair took."""

    def __init__(self, event, board):
        self.event = event
        self.board = board
        self.begin = time.monotonic()
        self.end = None
        self.repair = None

    def may_lose(self, board, at, is_dns, more=0.0):
        loses = self.event.loses
        if is_dns and loses == NOBODY:
            loses = self.event.restarts_dnsmasq
        if loses == NOBODY or (loses == ITSELF and board is not self.board):
            return False
        return self.begin - SETTLES <= at <= self.end + SETTLES + more


class Soak:
    def __init__(self, lab, seconds, seed, repair_limit):
        self.lab = lab
        self.seconds = seconds
        self.chance = random.Random(seed)
        self.repair_limit = repair_limit
        self.happened = []
        self.samples = []     # Sample
        self.last = {}        # event -> when it happened last
        self.add_other_upstream()
        lab.dut(SPARE)
        self.boards = [Board(self, index) for index in range(N_NETWORKS)]

    # Starting

    def add_other_upstream(self):
        """Another way to the LAN, where the default route may move to."""
        veth(OTHER_UPSTREAM, "lan1", self.lab.lan.namespace)
        self.lab.undo.callback(run, "ip", "link", "delete", OTHER_UPSTREAM)
        self.lab.lan.run("ip", "address", "add", f"{OTHER_ROUTER}/24", "dev", "lan1")
        run("ip", "address", "add", OTHER_HOST, "dev", OTHER_UPSTREAM)
        wait_for(lambda: any("fe80::" in item for item in host.addresses()[OTHER_UPSTREAM]),
                 f"{OTHER_UPSTREAM} has its link-local address")

    def prepare(self):
        for board in self.boards:
            board.create()
        self.lab.reload()
        for board in self.boards:
            board.network = self.lab.network(board.name)
            board.start_client()
        for board in self.boards:
            wait_for(lambda board=board: board.dut.lease()["ip"] == board.ip, f"{board.name}'s lease")
        forget_connections()
        self.traffic = Traffic()
        self.lab.undo.callback(self.traffic.close)
        self.traffic.serve("lan", lan.ROUTER)
        for device in ("lan0", "lan1"):
            self.traffic.watch("lan", device, PRIVATE)
        for board in self.boards:
            board.start_flows()
        self.traffic.wait_flowing(deadline=DEADLINE)

    # What is in force

    def lacks(self):
        """What is not as it should be, the first thing of it; an empty text when all is."""
        if not self.lab.bus.has_owner():
            return "there is no daemon"
        try:
            states = self.lab.networks()
        except BusError as error:
            return str(error)
        addresses = host.addresses()
        on_upstream = {item.split("/")[0] for item in addresses.get(lan.UPSTREAM, ())}
        maps = run("nft", "list", "maps", expect=None)
        for board in self.boards:
            if states.get(board.name, ("missing",))[0] != "active":
                return f"{board.name} is {states.get(board.name)}"
            if not any(item.startswith(f"{board.gateway}/24 ") for item in addresses[board.name]):
                return f"{board.name} has not got its gateway's address"
            for ip, public in board.publics().items():
                if public not in on_upstream or f"{public} : {ip}" not in maps:
                    return f"{board.name}: {ip} has not got its public address {public}"
            if board.nat_mode != "disabled" and not self.forwards(board):
                return f"{board.name} does not forward"
        return self.lacks_servers()

    @staticmethod
    def forwards(board):
        return all(host.read(f"/proc/sys/net/ipv4/conf/{name}/forwarding") == "1"
                   for name in (board.name, lan.UPSTREAM))

    def lacks_servers(self):
        running = " ".join(host.servants().values())
        for board in self.boards:
            if f"dut-network-{board.name}/" not in running:
                return f"{board.name} has no dnsmasq"
        return ""

    def wait_in_force(self, what):
        reason = "?"

        def holds():
            nonlocal reason
            reason = self.lacks()
            return not reason

        try:
            wait_for(holds, what, DEADLINE)
        except AssertionError:
            raise AssertionError(f"not within {DEADLINE:g} s after {what}: {reason}") from None

    # Running

    def choose(self, elapsed):
        now = time.monotonic()
        quiet = elapsed > self.seconds * QUIET_PART
        events = [event for event in EVENTS if not (quiet and event.ends_daemon)
                  and now - self.last.get(event.name, -1e9) >= event.at_most_every]
        event = self.chance.choices(events, [event.weight for event in events])[0]
        boards = [board for board in self.boards if event.suits(board)]
        return event, self.chance.choice(boards)

    def run_one(self, event, board):
        happened = Happened(event, board)
        self.last[event.name] = happened.begin
        since = event.run(self, board) or happened.begin
        self.wait_in_force(f"{event.name} of {board.name}")
        happened.repair = time.monotonic() - since
        if event.loses == ITSELF:
            self.traffic.wait_flowing([flow for flow in board.flows if not flow.name.endswith("tcp")],
                                      deadline=DEADLINE)
        elif event.loses == ALL:
            self.traffic.wait_flowing([flow for each in self.boards for flow in each.flows
                                       if not flow.name.endswith("tcp")], deadline=DEADLINE)
        happened.end = time.monotonic()
        self.happened.append(happened)
        self.sample()

    def sample(self):
        with contextlib.suppress(BusError, FileNotFoundError, ProcessLookupError):
            pid = self.lab.daemon_pid()
            words = host.read(f"/proc/{pid}/smaps_rollup").split()
            pss, anonymous = (int(words[words.index(key) + 1]) for key in ("Pss:", "Pss_Anon:"))
            self.samples.append(Sample(time.monotonic(), pid, pss, anonymous,
                                       len(os.listdir(f"/proc/{pid}/fd"))))

    def run(self):
        self.prepare()
        self.wait_in_force("the start")
        self.sample()
        begin = time.monotonic()
        while time.monotonic() - begin < self.seconds:
            event, board = self.choose(time.monotonic() - begin)
            try:
                self.run_one(event, board)
            except Exception as error:
                raise AssertionError(f"event {len(self.happened) + 1}, {event.name} of {board.name}: "
                                     f"{type(error).__name__}: {error}") from error
            time.sleep(self.chance.uniform(*PAUSE))
        self.traffic.wait_flowing(deadline=DEADLINE)
        self.took = time.monotonic() - begin
        verdict = Verdict(self)
        for board in self.boards:
            assert board.client.poll() is None and board.dut.lease()["ip"] == board.ip, \
                f"{board.name} has lost its lease"
        self.finish()
        return verdict

    def finish(self):
        """A NIC comes down when it is plugged in, and is given back so; the lab had it up before."""
        for board in self.boards:
            self.lab.remove(board.name)
        for board in self.boards:
            run("ip", "link", "set", board.name, "up")


def run_soak(lab, seconds, seed, repair_limit):
    """Verdict; raises where the lab's networks did not come back after an event."""
    return Soak(lab, seconds, seed, repair_limit).run()
