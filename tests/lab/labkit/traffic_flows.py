# SPDX-License-Identifier: GPL-2.0-or-later
"""The kinds of flows, and the account that each keeps."""

import contextlib
import errno
import socket
import struct

from labkit.traffic_sockets import READ, STAMP, WRITE, clock, note, widen

GRACE = 2.0           # what is not back by then is lost
AGAIN = 0.2           # pause before a connection that ended is made anew
BACKLOG = 0.05        # who is further behind than this goes on from now


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
            self.sock.send(self.pack(number))
        except OSError as error:
            self.failed(error)

    def pack(self, number):
        return STAMP.pack(self.number, number)

    def take(self, data):
        self.account.come_back(STAMP.unpack(data)[1], clock())

    def failed(self, error):
        """The host that answers for a board: that is a reset. No route: the packet is lost."""
        if error.errno == errno.ECONNREFUSED:
            note(self.account.resets, "ECONNREFUSED")
        elif error.errno == errno.EINVAL and self.sock:  # its own address has gone
            self.close()

    def read(self, _events):
        try:
            for _ in range(64):
                self.take(self.sock.recv(512))
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


class Dns(Udp):
    """Asks a DNS server for a name's address. An answer without one is from a wrong source."""

    HEADER = struct.Struct("!HHHHHH")
    MODULUS = 1 << 16     # a query's number has so many values

    def __init__(self, engine, number, order):
        labels = b"".join(bytes([len(label)]) + label for label in order["query"].encode().split(b"."))
        self.question = labels + struct.pack("!xHH", 1, 1)
        super().__init__(engine, number, order)

    def pack(self, number):
        return self.HEADER.pack(number % self.MODULUS, 0x0100, 1, 0, 0, 0) + self.question

    def take(self, data):
        low, flags, _, n_answers, _, _ = self.HEADER.unpack(data[:self.HEADER.size])
        if flags & 0xf or not n_answers:
            note(self.account.wrong, f"code {flags & 0xf}, {n_answers} answers")
        last = self.account.sent - 1
        self.account.come_back(last - (last - low) % self.MODULUS, clock())


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


KINDS = {"udp": Udp, "dns": Dns, "fresh": Fresh, "tcp": Tcp, "probe": Probe}
