# SPDX-License-Identifier: GPL-2.0-or-later
"""The process that makes traffic and keeps the accounts: one thread, one epoll, all namespaces. It is
a process of its own so that nothing a test does delays it. labkit.traffic starts it and speaks with
it over a socket, a line of JSON each way.

Every packet carries its flow's number and a number of its own. What has not come back after GRACE
seconds is lost, at the time it was sent; should it come back after all, it was late and not lost."""

import contextlib
import ctypes
import errno
import heapq
import json
import os
import select
import socket
import struct
import sys
import time

STAMP = struct.Struct("!II")
GRACE = 2.0
SWEEP = 0.25
AGAIN = 0.2           # pause before a connection that ended is made anew
BACKLOG = 0.05        # who is further behind than this goes on from now
BUFFER = 8 << 20
NOTES = 5000          # so many details are kept of each kind
CLONE_NEWNET = 0x40000000
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
READ = select.EPOLLIN
WRITE = select.EPOLLOUT
libc = ctypes.CDLL(None, use_errno=True)
clock = time.monotonic


class Place:
    """Where sockets are made: a network namespace, or, without a name, the host."""

    here = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __init__(self, name):
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC) if name else None

    @staticmethod
    def enter(fd):
        if libc.setns(fd, CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def socket(self, kind, family=socket.AF_INET, protocol=0):
        if self.fd is None:
            sock = socket.socket(family, kind, protocol)
        else:
            self.enter(self.fd)
            try:
                sock = socket.socket(family, kind, protocol)
            finally:
                self.enter(self.here)
        sock.setblocking(False)
        return sock


def widen(sock):
    """A receiver that the machine has no time for must not lose what has arrived."""
    for option in (SO_RCVBUFFORCE, SO_SNDBUFFORCE):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER)


def note(notes, *what):
    if len(notes) < NOTES:
        notes.append([round(clock(), 4), *what])


class Account:
    """What became of a flow's packets."""

    def __init__(self):
        self.sent = self.back = self.duplicates = self.late = 0
        self.under_way = {}   # number -> when it was sent, oldest first
        self.lost = {}
        self.wrong = []       # (time, source as the receiver saw it)
        self.resets = []      # (time, which error)
        self.worst = 0.0      # longest way there and back
        self.paused = False

    def send(self, now):
        number = self.sent
        self.sent += 1
        self.under_way[number] = now
        return number

    def come_back(self, number, now):
        since = self.under_way.pop(number, None)
        if since is not None:
            self.back += 1
            self.worst = max(self.worst, now - since)
        elif self.lost.pop(number, None) is not None:
            self.back += 1
            self.late += 1
        else:
            self.duplicates += 1

    def sweep(self, now):
        for number, since in list(self.under_way.items()):
            if now - since < GRACE:
                return
            del self.under_way[number]
            self.lost[number] = since

    def report(self):
        return {"sent": self.sent, "back": self.back, "duplicates": self.duplicates,
                "late": self.late, "under_way": len(self.under_way), "wrong": self.wrong,
                "lost": [round(since, 4) for since in self.lost.values()],
                "resets": self.resets, "worst": round(self.worst, 4)}


class Flow:
    """Sends to an echo server at fixed times. Subclasses say over which socket."""

    def __init__(self, engine, number, order):
        self.engine = engine
        self.number = number
        self.place = engine.place(order["place"])
        self.target = (order["address"], order["port"])
        self.sources = set(order["sources"])
        self.every = order["every"]
        self.account = Account()
        self.ended = False
        self.next = clock()
        self.tick()

    def tick(self):
        if self.ended:
            return
        now = clock()
        if not self.account.paused:
            self.send(now)
        self.next += self.every
        if self.next < now - BACKLOG:
            self.next = now
        self.engine.at(self.next, self.tick)

    def seen(self, source):
        """What the echo server saw it come from."""
        if source not in self.sources:
            note(self.account.wrong, source)

    def end(self):
        self.ended = True


class Udp(Flow):
    """All over one socket: one connection, as connection tracking has it."""

    def __init__(self, engine, number, order):
        self.sock = None
        super().__init__(engine, number, order)

    def open(self):
        sock = self.place.socket(socket.SOCK_DGRAM)
        widen(sock)
        try:
            sock.connect(self.target)
        except OSError:
            sock.close()
            raise
        self.engine.watch(sock, READ, self.read)
        self.sock = sock

    def send(self, now):
        number = self.account.send(now)
        try:
            if not self.sock:
                self.open()
            self.sock.send(STAMP.pack(self.number, number))
        except OSError as error:
            self.failed(error)

    def failed(self, error):
        """The host that answers for a board: that is a reset. No route: the packet is lost."""
        if error.errno == errno.ECONNREFUSED:
            note(self.account.resets, "ECONNREFUSED")
        elif error.errno == errno.EINVAL and self.sock:  # its own address has gone
            self.close()

    def read(self, _events):
        try:
            for _ in range(64):
                data = self.sock.recv(64)
                self.account.come_back(STAMP.unpack(data)[1], clock())
        except BlockingIOError:
            pass
        except OSError as error:
            self.failed(error)

    def close(self):
        if self.sock:
            self.engine.forget(self.sock)
            self.sock = None

    def end(self):
        super().end()
        self.close()


class Fresh(Flow):
    """Each packet from a port of its own: a new connection, which the rules see anew."""

    def send(self, now):
        number = self.account.send(now)
        sock = self.place.socket(socket.SOCK_DGRAM)
        try:
            sock.connect(self.target)
            sock.send(STAMP.pack(self.number, number))
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                note(self.account.resets, "ECONNREFUSED")
            sock.close()
            return
        engine = self.engine

        def read(_events):
            try:
                self.account.come_back(STAMP.unpack(sock.recv(64))[1], clock())
            except BlockingIOError:
                return
            except OSError as error:
                note(self.account.resets, errno.errorcode.get(error.errno, "?"))
            engine.forget(sock)

        engine.watch(sock, READ, read)
        engine.at(now + GRACE + 1, lambda: engine.forget(sock))


class Tcp(Flow):
    """One connection over which a stamp goes and comes; made anew when it ends, which it should not."""

    def __init__(self, engine, number, order):
        self.sock = None
        self.not_before = 0.0
        self.buffer = b""
        super().__init__(engine, number, order)

    def open(self):
        self.sock = self.place.socket(socket.SOCK_STREAM)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        with contextlib.suppress(BlockingIOError):
            self.sock.connect(self.target)
        self.engine.watch(self.sock, READ, self.read)

    def send(self, now):
        if now < self.not_before or self.account.under_way:
            return
        number = self.account.send(now)
        try:
            if not self.sock:
                self.open()
                self.engine.change(self.sock, WRITE, self.first(number))
            else:
                self.sock.send(STAMP.pack(self.number, number))
        except OSError as error:
            self.broken(error.errno)

    def first(self, number):
        def connected(_events):
            code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                self.broken(code)
                return
            self.engine.change(self.sock, READ, self.read)
            try:
                self.sock.send(STAMP.pack(self.number, number))
            except OSError as error:
                self.broken(error.errno)
        return connected

    def read(self, _events):
        try:
            data = self.sock.recv(64)
        except BlockingIOError:
            return
        except OSError as error:
            self.broken(error.errno)
            return
        if not data:
            self.broken(errno.EPIPE)
            return
        self.buffer += data
        while len(self.buffer) >= STAMP.size:
            self.account.come_back(STAMP.unpack(self.buffer[:STAMP.size])[1], clock())
            self.buffer = self.buffer[STAMP.size:]

    def broken(self, code):
        """No route right now is a packet lost; all else is the end of a connection."""
        if code in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL):
            self.account.lost.update(self.account.under_way)
        else:
            note(self.account.resets, errno.errorcode.get(code, str(code)))
        self.account.under_way.clear()
        if self.sock:
            self.engine.forget(self.sock)
            self.sock = None
        self.not_before = clock() + AGAIN

    def end(self):
        super().end()
        if self.sock:
            self.engine.forget(self.sock)


class Probe(Flow):
    """A TCP connection at a time, made, used and ended in order."""

    def send(self, now):
        number = self.account.send(now)
        engine = self.engine
        sock = self.place.socket(socket.SOCK_STREAM)

        def end(code):
            if code in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                self.account.lost[number] = self.account.under_way.pop(number, now)
            elif code:
                self.account.under_way.pop(number, None)
                note(self.account.resets, errno.errorcode.get(code, str(code)))
            engine.forget(sock)

        def read(_events):
            try:
                data = sock.recv(64)
            except OSError as error:
                end(error.errno)
                return
            if data:
                self.account.come_back(number, clock())
            end(0 if data else errno.EPIPE)

        def connected(_events):
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                end(code)
                return
            engine.change(sock, READ, read)
            try:
                sock.send(STAMP.pack(self.number, number))
            except OSError as error:
                end(error.errno)

        engine.watch(sock, WRITE, connected)
        engine.at(now + 3 * GRACE, lambda: engine.forget(sock))
        try:
            sock.connect(self.target)
        except BlockingIOError:
            pass
        except OSError as error:
            end(error.errno)


KINDS = {"udp": Udp, "fresh": Fresh, "tcp": Tcp, "probe": Probe}


class Echo:
    """Sends back what comes, and says of which flow it came from where."""

    def __init__(self, engine, order):
        self.engine = engine
        place, at = engine.place(order["place"]), (order["address"], order["port"])
        self.udp = place.socket(socket.SOCK_DGRAM)
        widen(self.udp)
        self.tcp = place.socket(socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind(at)
        self.tcp.bind(at)
        self.tcp.listen(1024)
        engine.watch(self.udp, READ, self.answer)
        engine.watch(self.tcp, READ, self.accept)

    def answer(self, _events):
        flows = self.engine.flows
        try:
            for _ in range(64):
                data, peer = self.udp.recvfrom(64)
                if len(data) == STAMP.size:
                    flow = flows.get(STAMP.unpack(data)[0])
                    if flow:
                        flow.seen(peer[0])
                    self.udp.sendto(data, peer)
        except OSError:
            pass  # nothing more, or an answer that cannot go: the sender misses it

    def accept(self, _events):
        try:
            sock, peer = self.tcp.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def read(_events):
            try:
                data = sock.recv(256)
                if data:
                    if len(data) >= STAMP.size:
                        flow = self.engine.flows.get(STAMP.unpack(data[:STAMP.size])[0])
                        if flow:
                            flow.seen(peer[0])
                    sock.send(data)
                    return
            except BlockingIOError:
                return
            except OSError:
                pass  # its end
            self.engine.forget(sock)

        self.engine.watch(sock, READ, read)


def network_filter(networks):
    """Passes IPv4 packets and ARP messages whose sender is in one of (address, mask)."""
    load_half, load_word, mask, equal, ret = 0x28, 0x20, 0x54, 0x15, 0x06
    part = 3 * len(networks)

    def senders(offset, below):
        code = []
        for index, (address, bits) in enumerate(networks):
            left = 3 * (len(networks) - index - 1) + 2 + below
            code += [(load_word, 0, 0, offset), (mask, 0, 0, bits), (equal, left, 0, address)]
        return [*code, (ret, 0, 0, 0)]

    return [(load_half, 0, 0, 12), (equal, 1, 0, 0x0800), (equal, part + 1, part + 1 + part + 1, 0x0806),
            *senders(26, part + 1), *senders(28, 0), (ret, 0, 0, 0), (ret, 0, 0, 96)]


class Witness:
    """What must never be seen on a wire: a sender of one of these networks. The kernel looks for it."""

    def __init__(self, engine, order):
        self.seen = []
        code = network_filter([tuple(network) for network in order["networks"]])
        blob = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
        self.sock = engine.place(order["place"]).socket(socket.SOCK_RAW, socket.AF_PACKET)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HL", len(code), ctypes.addressof(blob)))
        self.sock.bind((order["device"], 3))  # ETH_P_ALL
        engine.watch(self.sock, READ, self.read)

    def read(self, _events):
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self.sock.recv(128)
                if packet[12:14] == b"\x08\x06":
                    note(self.seen, f"arp from {socket.inet_ntoa(packet[28:32])}")
                else:
                    note(self.seen, f"{socket.inet_ntoa(packet[26:30])} to "
                                    f"{socket.inet_ntoa(packet[30:34])} protocol {packet[23]}")


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
