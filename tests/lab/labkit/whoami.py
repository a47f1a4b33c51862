# SPDX-License-Identifier: GPL-2.0-or-later
"""A server that tells each client the address it came from, over TCP and UDP, and its clients. It is
how a test learns what the other side really sees."""

import contextlib
import selectors
import socket
import threading

PORT = 7777
TIMEOUT = 0.6


class Server:
    """Serves in a namespace until closed. TCP connections stay open and answer every byte sent, so a
    test can hold one over a change."""

    def __init__(self, namespace, port=PORT, family=socket.AF_INET):
        any_address = "::" if family == socket.AF_INET6 else "0.0.0.0"
        self.tcp = namespace.socket(family, socket.SOCK_STREAM)
        self.udp = namespace.socket(family, socket.SOCK_DGRAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((any_address, port))
        self.udp.bind((any_address, port))
        self.tcp.listen(64)
        self.stop_reader, self.stop_writer = socket.socketpair()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        with selectors.DefaultSelector() as selector:
            for sock in (self.tcp, self.udp, self.stop_reader):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.stop_reader:
                        return
                    self._answer(selector, key.fileobj)

    def _answer(self, selector, sock):
        if sock is self.tcp:
            client, peer = sock.accept()
            client.sendall(f"{peer[0]}\n".encode())
            selector.register(client, selectors.EVENT_READ)
        elif sock is self.udp:
            with contextlib.suppress(OSError):  # no way back to such an address
                _, peer = sock.recvfrom(2048)
                sock.sendto(f"{peer[0]}\n".encode(), peer)
        else:
            self._answer_again(selector, sock)

    @staticmethod
    def _answer_again(selector, client):
        try:
            if client.recv(2048):
                client.sendall(f"{client.getpeername()[0]}\n".encode())
                return
        except OSError:
            pass  # reset by a client that went: as good as its end
        selector.unregister(client)
        client.close()

    def close(self):
        self.stop_writer.send(b"x")
        self.thread.join()
        for sock in (self.tcp, self.udp, self.stop_reader, self.stop_writer):
            sock.close()


class Connection:
    """A TCP connection to a Server; source is what the server saw."""

    def __init__(self, namespace, address, port=PORT, timeout=TIMEOUT, bind=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = namespace.socket(family) if namespace else socket.socket(family)
        self.sock.settimeout(timeout)
        try:
            if bind:
                self.sock.bind((bind, 0))
            self.sock.connect((address, port))
            self.source = self._read()
        except OSError:
            self.sock.close()
            raise

    def _read(self):
        answer = self.sock.recv(100)
        if not answer:
            raise ConnectionResetError("the server ended the connection")
        return answer.decode().strip()

    def ask_again(self):
        """What the server sees now, over the same connection."""
        self.sock.send(b"?")
        return self._read()

    def close(self):
        self.sock.close()


class Pair:
    """Both ends of a TCP connection that the first namespace begins; either may speak first."""

    def __init__(self, begins, other, address, port=6001):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.begins = begins.socket(family)
        self.begins.settimeout(TIMEOUT)
        with other.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
            listener.listen(1)
            self.begins.connect((address, port))
            self.other = listener.accept()[0]
        self.other.settimeout(TIMEOUT)

    def goes_on(self):
        """Whether either end hears what the other says, who was asked first."""
        return self._hears(self.other, self.begins), self._hears(self.begins, self.other)

    @staticmethod
    def _hears(speaker, hearer):
        try:
            speaker.send(b"x")
            return hearer.recv(10) != b""
        except OSError:
            return False

    def close(self):
        self.begins.close()
        self.other.close()


def tcp(namespace, address, port=PORT, timeout=TIMEOUT, bind=None):
    """The source address that the server at `address` sees."""
    connection = Connection(namespace, address, port, timeout, bind)
    connection.close()
    return connection.source


def udp(namespace, address, port=PORT, timeout=TIMEOUT):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = namespace.socket(family, socket.SOCK_DGRAM) if namespace else \
        socket.socket(family, socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(timeout)
        sock.sendto(b"?", (address, port))
        return sock.recv(100).decode().strip()


def reaches(namespace, address, port=PORT, timeout=TIMEOUT):
    """Whether a TCP connection comes about."""
    try:
        tcp(namespace, address, port, timeout)
        return True
    except (TimeoutError, ConnectionError, OSError):
        return False
