# SPDX-License-Identifier: GPL-2.0-or-later
"""What a board does all day: a TCP connection that is asked again and again, and a stream of UDP
datagrams of which each is answered. None may be lost, and none may arrive from another source."""

import select
import threading
import time

from labkit import lan, whoami

INTERVAL = 0.01
LAST_ANSWERS = 3.0


class Stream:
    """From `dut` to the whoami server of the LAN, until stop()."""

    def __init__(self, dut, address=lan.ROUTER, port=whoami.PORT):
        self.connection = whoami.Connection(dut.namespace, address, port, timeout=5)
        self.udp = dut.namespace.socket(kind=whoami.socket.SOCK_DGRAM)
        self.udp.connect((address, port))
        self.sent, self.sources = 0, []
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.wait(INTERVAL):
                self.udp.send(b"?")
                self.sent += 1
                self._take(0)
                if self.sent % 10 == 0:
                    self.sources.append(self.connection.ask_again())
                    self.sent += 1
        except OSError as error:
            self.error = error

    def _take(self, seconds):
        while select.select([self.udp], [], [], seconds)[0]:
            self.sources.append(self.udp.recv(100).decode().strip())
            seconds = 0

    def stop(self, source):
        """Asserts that everything was answered, and that the server saw `source` alone."""
        self.stopping.set()
        self.thread.join()
        end = time.monotonic() + LAST_ANSWERS
        while self.error is None and len(self.sources) < self.sent and time.monotonic() < end:
            self._take(0.1)
        self.connection.close()
        self.udp.close()
        assert self.error is None, f"after {self.sent} packets: {self.error}"
        assert len(self.sources) == self.sent, \
            f"{self.sent - len(self.sources)} of {self.sent} packets were not answered"
        assert set(self.sources) == {source}, f"the server saw {set(self.sources)}, not {source}"
