# SPDX-License-Identifier: GPL-2.0-or-later
"""What the traffic engine's flows and servers share: sockets in any namespace, and notes with a time."""

import ctypes
import os
import select
import socket
import struct
import time

STAMP = struct.Struct("!II")  # a flow's number, a packet's number
BUFFER = 8 << 20
NOTES = 5000          # so many details are kept of each kind
CLONE_NEWNET = 0x40000000
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
