# SPDX-License-Identifier: GPL-2.0-or-later
"""The process that makes traffic and keeps the accounts: one thread, one epoll, all namespaces. It is
a process of its own so that nothing a test does delays it. labkit.traffic starts it and speaks with
it over a socket, a line of JSON each way.

Every packet carries its flow's number and a number of its own. What has not come back after GRACE
seconds is lost, at the time it was sent; should it come back after all, it was late and not lost."""

import heapq
import json
import select
import socket
import sys

from labkit.traffic_ends import Echo, Witness
from labkit.traffic_flows import GRACE, KINDS
from labkit.traffic_sockets import READ, Place, clock

SWEEP = 0.25          # seconds between two looks for what is lost


class Engine:
    def __init__(self, control):
        self.control = control
        self.lines = b""
        self.places = {}
        self.flows = {}
        self.servers = []
        self.witnesses = []
        self.timers = []
        self.n_timers = 0
        self.epoll = select.epoll()
        self.callbacks = {}
        self.watch(control, READ, self.command)
        self.at(clock() + SWEEP, self.sweep)

    def place(self, name):
        if name not in self.places:
            self.places[name] = Place(name)
        return self.places[name]

    def watch(self, sock, events, callback):
        self.callbacks[sock.fileno()] = (sock, callback)
        self.epoll.register(sock.fileno(), events)

    def change(self, sock, events, callback):
        self.callbacks[sock.fileno()] = (sock, callback)
        self.epoll.modify(sock.fileno(), events)

    def forget(self, sock):
        fd = sock.fileno()
        if fd < 0:
            return
        self.epoll.unregister(fd)
        del self.callbacks[fd]
        sock.close()

    def at(self, when, callback):
        self.n_timers += 1
        heapq.heappush(self.timers, (when, self.n_timers, callback))

    def sweep(self):
        now = clock()
        for flow in self.flows.values():
            flow.account.sweep(now)
        self.at(now + SWEEP, self.sweep)

    def run(self):
        while True:
            due = self.timers[0][0] - clock()
            for fd, events in self.epoll.poll(max(due, 0.0), 256):
                found = self.callbacks.get(fd)
                if found:
                    found[1](events)
            now = clock()
            while self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()

    def command(self, _events):
        data = self.control.recv(65536)
        if not data:
            sys.exit(0)
        *lines, self.lines = (self.lines + data).split(b"\n")
        for line in lines:
            self.obey(json.loads(line))

    def obey(self, order):
        try:
            answer = getattr(self, "do_" + order["do"])(order)
        except OSError as error:
            answer = {"error": f"{order}: {error}"}
        if answer is not None:
            self.reply(answer)

    def reply(self, answer):
        self.control.setblocking(True)
        self.control.sendall(json.dumps(answer).encode() + b"\n")
        self.control.setblocking(False)

    def do_serve(self, order):
        self.servers.append(Echo(self, order))
        return {}

    def do_witness(self, order):
        self.witnesses.append(Witness(self, order))
        return {}

    def do_flow(self, order):
        number = len(self.flows) + 1
        self.flows[number] = KINDS[order["kind"]](self, number, order)
        return {"number": number}

    def do_sources(self, order):
        self.flows[order["number"]].sources.update(order["sources"])
        return {}

    def do_pause(self, order):
        for number in order["numbers"]:
            self.flows[number].account.paused = order["paused"]
        return {}

    def do_end(self, order):
        for number in order["numbers"]:
            self.flows[number].end()
        return {}

    def do_counts(self, _order):
        return {number: [flow.account.sent, flow.account.back]
                for number, flow in self.flows.items()}

    def do_report(self, order):
        """Once all that is under way of those flows is back, or lost."""
        flows = [self.flows[number] for number in order["numbers"]]
        if order["settle"] and any(flow.account.under_way for flow in flows):
            now = clock()
            order.setdefault("until", now + GRACE + SWEEP)
            if now < order["until"]:
                self.at(now + 0.01, lambda: self.obey(order))
                return None
            for flow in flows:
                flow.account.sweep(now)
        return {"flows": {flow.number: flow.account.report() for flow in flows},
                "witnessed": [seen for witness in self.witnesses for seen in witness.seen]}


if __name__ == "__main__":
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.setblocking(False)
    Engine(channel).run()
