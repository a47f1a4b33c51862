# SPDX-License-Identifier: GPL-2.0-or-later
"""Which processes have called a method: how a test knows that a program has come so far."""

import json
import subprocess

from labkit.bus import BusError
from labkit.process import wait_for

DEADLINE = 20


class Calls:
    """Every call of `member` on the system bus, from now until the test ends."""

    def __init__(self, lab, member):
        self.bus = lab.bus
        self.path = lab.write(f"/tmp/calls-of-{member}", "")
        with open(self.path, "w", encoding="utf-8") as out:
            self.child = lab.start("busctl", "--system", "--json=short", "monitor",
                                   f"--match=type='method_call',member='{member}'",
                                   stdout=out, stderr=subprocess.PIPE, text=True)
        # It says so when it has become a monitor.
        words = self.child.stderr.readline()
        assert "onitoring" in words, f"busctl monitor says {words!r}"

    def __contains__(self, pid):
        with open(self.path, encoding="utf-8") as lines:
            callers = {json.loads(line)["sender"] for line in lines if line.endswith("\n")}
        return any(self._pid_of(name) == pid for name in callers)

    def _pid_of(self, name):
        try:
            return self.bus.pid_of(name)
        except BusError:
            return None  # it has left the bus

    def wait(self, child):
        """Until the program has called, or ended."""
        wait_for(lambda: child.poll() is not None or child.pid in self,
                 "the program makes its call", DEADLINE)
