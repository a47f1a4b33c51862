# SPDX-License-Identifier: GPL-2.0-or-later
"""Boards that all have the same address, each behind a network of its own, and a server on each that
says which board it is: how a test learns where a packet really went."""

import selectors
import socket
import struct
import threading

from labkit import lan
from labkit.process import run

SUBNET = "192.168.100.0/24"
GATEWAY = "192.168.100.1"
ADDRESS = "192.168.100.10"
PORT = 7778
TIMEOUT = 5.0
SO_BINDTODEVICE = 25


class Names:
    """One thread that serves all boards."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.stop_reader, self.stop_writer = socket.socketpair()
        self.selector.register(self.stop_reader, selectors.EVENT_READ)
        self.open = [self.stop_reader, self.stop_writer]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def add(self, dut):
        sock = dut.namespace.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", PORT))
        sock.listen(128)
        self.selector.register(sock, selectors.EVENT_READ, (dut.name, True))
        self.open.append(sock)

    def _serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.stop_reader:
                    return
                self._answer(key.fileobj, *key.data)

    def _answer(self, sock, name, listens):
        if listens:
            client, _ = sock.accept()
            self.selector.register(client, selectors.EVENT_READ, (name, False))
            self.open.append(client)
            return
        try:
            if sock.recv(2048):
                sock.sendall(f"{name} {sock.getpeername()[0]}\n".encode())
                return
        except OSError:
            pass  # reset: as good as its end
        self.selector.unregister(sock)

    def close(self):
        self.stop_writer.send(b"x")
        self.thread.join()
        for sock in self.open:
            sock.close()


class Flow:
    """A TCP connection to a board, or from one to the LAN's server, that is held."""

    def __init__(self, namespace, address, port, source=None, device=None):
        self.sock = namespace.socket() if namespace else socket.socket()
        self.sock.settimeout(TIMEOUT)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if device:
            self.sock.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode())
        if source:
            self.sock.bind(source)
        self.sock.connect((address, port))

    def ask(self):
        """The words of the other end."""
        self.sock.sendall(b"?")
        return self.sock.recv(200).decode().split()

    def hear(self):
        return self.sock.recv(200).decode().split()

    def close(self):
        """At once: the next connection from the same port is a new one."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Boards:
    """`n` boards with the same address, on networks of the same subnet: every second one with a
    public address of its own, the others masqueraded."""

    def __init__(self, lab, n):
        self.lab = lab
        self.duts = [lab.dut(f"raw{k}", f"02:00:00:00:01:{k:02x}") for k in range(n)]
        self.names = Names()
        for dut in self.duts:
            self.names.add(dut)
        self.names.thread.start()
        lab.undo.callback(self.names.close)
        self.flows = []
        lab.undo.callback(self.close_flows)

    def close_flows(self):
        for flow in self.flows:
            flow.close()
        self.flows = []

    def public(self, k):
        return f"10.77.0.{100 + k}" if k % 2 else None

    def source(self, k):
        """The address that the LAN sees of the board."""
        return self.public(k) or lan.HOST

    def settings(self, k):
        entry = {"ip": ADDRESS, "mac": self.duts[k].mac}
        if self.public(k):
            entry["public_ip"] = self.public(k)
        return {"subnet": SUBNET, "gateway_ip": GATEWAY, "addresses": [entry],
                "nat_mode": "1to1" if self.public(k) else "masquerade",
                "dns_entries": [{"hostname": "board.test", "ip": f"10.1.1.{k + 1}"}]}

    def create(self, k):
        return self.lab.create(self.duts[k], **self.settings(k))

    def create_all(self):
        return [self.create(k) for k in range(len(self.duts))]

    def configure(self):
        """Addresses by hand, where DHCP is not what is tested."""
        for dut in self.duts:
            dut.configure(f"{ADDRESS}/24", GATEWAY)

    def keep(self, flow):
        self.flows.append(flow)
        return flow

    def out(self, k, port=5555):
        """A connection to the LAN's server, from the same port as every other board's."""
        return self.keep(Flow(self.duts[k].namespace, lan.ROUTER, 7777, (ADDRESS, port)))

    def from_lan(self, k, port=6666):
        """From the same address and port to each."""
        return self.keep(Flow(self.lab.lan.namespace, self.public(k), PORT, (lan.NEIGHBOUR, port)))

    def from_host(self, k):
        return self.keep(Flow(None, self.public(k), PORT))

    def bound(self, k):
        """From a socket of the host that is bound to the board's NIC, all from the same port."""
        return self.keep(Flow(None, ADDRESS, PORT, ("0.0.0.0", 7000), self.duts[k].name))


def strict_rp_filter(lab):
    """As many distributions have it."""
    before = run("busybox", "sysctl", "-n", "net.ipv4.conf.all.rp_filter").strip()
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    lab.undo.callback(run, "busybox", "sysctl", "-qw", f"net.ipv4.conf.all.rp_filter={before}")
