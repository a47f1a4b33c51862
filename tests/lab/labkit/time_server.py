# SPDX-License-Identifier: GPL-2.0-or-later
"""A time server of the LAN's, told from a network's own by its stratum."""

import selectors
import socket
import threading

PORT = 123
STRATUM = 3
ANSWER = bytes([0x24, STRATUM]) + bytes(46)


class TimeServer:
    """Answers at `address`, which the LAN has, until the test ends."""

    def __init__(self, lab, address):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = lab.lan.namespace.socket(family, socket.SOCK_DGRAM)
        self.sock.bind((address, PORT))
        self.stop_reader, self.stop_writer = socket.socketpair()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        lab.undo.callback(self.close)

    def _serve(self):
        with selectors.DefaultSelector() as selector:
            for sock in (self.sock, self.stop_reader):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.stop_reader:
                        return
                    _, peer = self.sock.recvfrom(512)
                    self.sock.sendto(ANSWER, peer)

    def close(self):
        self.stop_writer.send(b"x")
        self.thread.join()
        for sock in (self.sock, self.stop_reader, self.stop_writer):
            sock.close()
