# SPDX-License-Identifier: GPL-2.0-or-later
"""pcap as it comes by a pipe: its header, and one packet after the other."""

import os
import select
import struct
import time

NANO_MAGIC = 0xa1b23c4d
ETHERNET = 1
IPV4 = b"\x08\x00"


class Ended(Exception):
    """There are no more packets."""


class Packet:
    def __init__(self, time_ns, length, data):
        self.time_ns, self.length, self.data = time_ns, length, data
        self.source_mac = data[6:12].hex(":")
        is_ip = data[12:14] == IPV4 and len(data) >= 34
        self.protocol = data[23] if is_ip else None
        self.source = ".".join(map(str, data[26:30])) if is_ip else None
        self.target = ".".join(map(str, data[30:34])) if is_ip else None


class Reader:
    """Takes `fd`. The header has been read, and is as promised, when this returns."""

    def __init__(self, fd, patience=10.0):
        self.fd, self.patience = fd, patience
        magic, major, minor, _, _, self.snaplen, link = struct.unpack("=IHHiIII", self.take(24))
        assert (magic, major, minor, link) == (NANO_MAGIC, 2, 4, ETHERNET), \
            f"the header is {magic:x} {major}.{minor} {link}"

    def take(self, size):
        data, end = b"", time.monotonic() + self.patience
        while len(data) < size:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], \
                f"{len(data)} of {size} bytes have come in {self.patience} s"
            piece = os.read(self.fd, size - len(data))
            if not piece:
                raise Ended(len(data))
            data += piece
        return data

    def packet(self):
        seconds, nanoseconds, kept, length = struct.unpack("=IIII", self.take(16))
        assert nanoseconds < 10 ** 9, f"{nanoseconds} is no nanosecond"
        return Packet(seconds * 10 ** 9 + nanoseconds, length, self.take(kept))

    def rest(self):
        """The packets up to the end of the stream."""
        packets = []
        try:
            while True:
                packets.append(self.packet())
        except Ended as end:
            assert end.args == (0,), "the end is in the middle of a packet"
            return packets

    def has_ended(self):
        """Whether there is nothing but the end; waits for it."""
        return not self.rest()

    def is_silent(self, seconds=0.3):
        return not select.select([self.fd], [], [], seconds)[0]

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1
