# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the traffic engine's packets arrive: echo servers, and witnesses of what must not arrive."""

import contextlib
import ctypes
import socket
import struct

from labkit.traffic_sockets import READ, STAMP, note, widen

SO_ATTACH_FILTER = 26
ETH_P_ALL = 3
BPF_LOAD_HALF, BPF_LOAD_WORD, BPF_AND, BPF_EQUAL, BPF_RETURN = 0x28, 0x20, 0x54, 0x15, 0x06


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
    part = 3 * len(networks)

    def senders(offset, below):
        code = []
        for index, (address, bits) in enumerate(networks):
            left = 3 * (len(networks) - index - 1) + 2 + below
            code += [(BPF_LOAD_WORD, 0, 0, offset), (BPF_AND, 0, 0, bits),
                     (BPF_EQUAL, left, 0, address)]
        return [*code, (BPF_RETURN, 0, 0, 0)]

    return [(BPF_LOAD_HALF, 0, 0, 12), (BPF_EQUAL, 1, 0, 0x0800),
            (BPF_EQUAL, part + 1, 2 * (part + 1), 0x0806), *senders(26, part + 1),
            *senders(28, 0), (BPF_RETURN, 0, 0, 0), (BPF_RETURN, 0, 0, 96)]


class Witness:
    """What must never be seen on a wire: a sender of one of these networks. The kernel looks for it."""

    def __init__(self, engine, order):
        self.seen = []
        code = network_filter([tuple(network) for network in order["networks"]])
        blob = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
        self.sock = engine.place(order["place"]).socket(socket.SOCK_RAW, socket.AF_PACKET)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HL", len(code), ctypes.addressof(blob)))
        self.sock.bind((order["device"], ETH_P_ALL))
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
