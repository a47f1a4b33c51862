# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest as a program that speaks Ethernet frames: a network namespace whose eth0 is the other end
of the TAP that the service has opened."""

import fcntl
import os
import select
import struct
import threading

from labkit.dut import INSIDE, Dut
from labkit.netns import Namespace

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 70000


def open_tap(name):
    """A descriptor of that TAP, which may be new: as a VMM opens it by its name."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22s", name.encode(), IFF_TAP | IFF_NO_PI, b""))
    except OSError:
        os.close(fd)
        raise
    return fd


class Guest(Dut):
    """`answer` is AttachGuest's, `fd` the TAP's queue, which is taken."""

    def __init__(self, answer, fd):  # noqa: not Dut's, which makes a NIC
        self.name = answer["tap_name"]
        self.mac = answer["guest_mac"]
        self.namespace = Namespace(f"vm-{self.name}")
        self.lease_file = f"/tmp/lease-{self.name}"
        self.servers, self.children = [], []
        with self.namespace.entered():
            self.inner = open_tap(INSIDE)
        self.run("ip", "link", "set", INSIDE, "address", self.mac, "up")
        self.outer = fd
        self.stopped, self.stopping = os.pipe()
        self.relay = threading.Thread(target=self._relay, daemon=True)
        self.relay.start()

    def _relay(self):
        while True:
            readable, _, _ = select.select([self.inner, self.outer, self.stopped], [], [])
            if self.stopped in readable:
                return
            for source, sink in ((self.inner, self.outer), (self.outer, self.inner)):
                if source in readable:
                    try:
                        os.write(sink, os.read(source, FRAME))
                    except OSError:
                        return  # the TAP is gone

    def delete(self):
        os.write(self.stopping, b"x")
        self.relay.join()
        for server in self.servers:
            server.close()
        for fd in (self.inner, self.outer, self.stopped, self.stopping):
            os.close(fd)
        self.namespace.delete()
        if os.path.exists(self.lease_file):
            os.unlink(self.lease_file)
