# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic with accounting: flows from here to there and back, of which each packet is accounted for,
and witnesses of what must not be on a wire. The packets are made by labkit.traffic_engine."""

import json
import os
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass, field

from labkit.process import stop, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PORT = 7800
NETLINK_NETFILTER = 12
CT_DELETE, REQUEST_ACK = 0x102, 0x5


@dataclass
class Account:
    """What became of a flow's packets; times are of time.monotonic()."""
    name: str
    sent: int
    back: int
    duplicates: int
    late: int
    under_way: int
    lost: list = field(default_factory=list)    # when each was sent
    wrong: list = field(default_factory=list)   # (time, source as the receiver saw it)
    resets: list = field(default_factory=list)  # (time, which error)
    worst: float = 0.0

    def faults(self):
        """A line for each kind of fault."""
        lines = []
        if self.lost:
            lines.append(f"{self.name}: {len(self.lost)} of {self.sent} lost, "
                         f"the first {self.lost[0]:.3f}, the last {self.lost[-1]:.3f}")
        if self.duplicates:
            lines.append(f"{self.name}: {self.duplicates} came twice")
        if self.wrong:
            sources = sorted({source for _, source in self.wrong})
            lines.append(f"{self.name}: {len(self.wrong)} from a wrong source: {sources}, "
                         f"the first {self.wrong[0][0]:.3f}")
        if self.resets:
            lines.append(f"{self.name}: {len(self.resets)} ended: {self.resets[:3]}")
        return lines


class Flow:
    """A flow's name, and its number in the engine."""

    def __init__(self, traffic, name, number):
        self.traffic = traffic
        self.name = name
        self.number = number

    def allow(self, *sources):
        """From now on it may be seen to come from these as well."""
        self.traffic.ask({"do": "sources", "number": self.number, "sources": sources})

    def end(self):
        """No packet more; what it has accounted for stays."""
        self.traffic.ask({"do": "end", "numbers": [self.number]})

    def account(self):
        return self.traffic.accounts([self], settle=False)[0]


class Traffic:
    def __init__(self):
        ours, theirs = socket.socketpair()
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "labkit.traffic_engine", str(theirs.fileno())], cwd=TOP,
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        self.control = ours
        self.answers = ours.makefile("rb")
        self.flows = []
        self.witnessed = []

    def close(self):
        self.answers.close()
        self.control.close()
        stop(self.child)

    def ask(self, order):
        self.control.sendall(json.dumps(order).encode() + b"\n")
        line = self.answers.readline()
        assert line, f"the traffic engine ended with {self.child.wait()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    @staticmethod
    def _place(namespace):
        return getattr(namespace, "name", namespace)

    def serve(self, namespace, address="0.0.0.0", port=PORT):
        """Sends back whatever comes to that address of that namespace (None: the host)."""
        self.ask({"do": "serve", "place": self._place(namespace), "address": address, "port": port})

    def watch(self, namespace, device, networks):
        """No sender in `networks` ((address, prefix) each) is to be seen on `device` there."""
        masks = [(int.from_bytes(socket.inet_aton(address), "big"),
                  (0xffffffff << (32 - prefix)) & 0xffffffff) for address, prefix in networks]
        self.ask({"do": "witness", "place": self._place(namespace), "device": device,
                  "networks": masks})

    def flow(self, kind, name, namespace, address, sources, every, port=PORT, **options):
        """Kinds: udp (one socket), fresh (a port for each packet), tcp (one connection), probe (a
        connection at a time), dns (asks for the name `query`). `sources` are what its receiver may
        see, `every` is in seconds."""
        answer = self.ask({"do": "flow", "kind": kind, "place": self._place(namespace),
                           "address": address, "port": port, "sources": list(sources),
                           "every": every, **options})
        flow = Flow(self, f"{name} {kind}", answer["number"])
        self.flows.append(flow)
        return flow

    def counts(self):
        """Flow number -> (sent, back)."""
        return {int(number): counts for number, counts in self.ask({"do": "counts"}).items()}

    def wait_flowing(self, flows=None, more=1, deadline=5.0):
        """Until each of them has had so many more packets back."""
        flows = self.flows if flows is None else flows
        before = self.counts()

        def silent():
            now = self.counts()
            return [flow.name for flow in flows
                    if now[flow.number][1] < before[flow.number][1] + more]

        wait_for(lambda: not silent(), f"all flows have packets back; silent: {silent()}", deadline)

    def accounts(self, flows=None, settle=True):
        """Of these flows, or of all. `settle`: once nothing is under way any more, which ends soon
        only while they pause."""
        flows = self.flows if flows is None else flows
        report = self.ask({"do": "report", "numbers": [flow.number for flow in flows],
                           "settle": settle})
        self.witnessed = report["witnessed"]
        return [Account(name=flow.name, **report["flows"][str(flow.number)]) for flow in flows]

    def pause(self, flows=None, paused=True):
        flows = self.flows if flows is None else flows
        self.ask({"do": "pause", "numbers": [flow.number for flow in flows], "paused": paused})

    def settle(self, flows=None):
        """Their accounts when nothing of them is under way; then they go on."""
        self.pause(flows)
        accounts = self.accounts(flows)
        self.pause(flows, False)
        return accounts

    def check_clean(self, flows=None, what="", least=1):
        """No packet lost, doubled or from a wrong source, no connection ended, nothing witnessed."""
        accounts = self.settle(flows)
        faults = [line for account in accounts for line in account.faults()]
        faults += [f"{account.name}: only {account.back} packets came back"
                   for account in accounts if account.back < least]
        faults += [f"on the LAN at {at:.3f}: {seen}" for at, seen in self.witnessed[:10]]
        assert not faults, "\n".join([what or "not clean", *faults])
        return accounts


def forget_connections():
    """Empties the host's connection tracking: what an earlier test's board had sent from a port would
    decide how this one's is translated."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
        sock.send(struct.pack("=LHHLLBBH", 20, CT_DELETE, REQUEST_ACK, 1, 0, 0, 0, 0))
        error = struct.unpack_from("=i", sock.recv(4096), 16)[0]
        assert error == 0, os.strerror(-error)
