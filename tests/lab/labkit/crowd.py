# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients at once, each with a connection of its own: asynchronous calls, each of which gets
exactly one reply."""

import time

from gi.repository import Gio, GLib

from labkit import bus
from labkit.process import pump, wait_for


class Call:
    """One call under way. `result` is the name of the error, or None for success."""

    def __init__(self, client, path, interface, method, signature="()", *arguments):
        self.method = method
        self.replies = 0
        self.result = None
        self.start = time.monotonic()
        self.seconds = None
        parameters = GLib.Variant(signature, arguments) if signature != "()" else None
        client.connection.call(bus.NAME, path, interface, method, parameters, None,
                               Gio.DBusCallFlags.NONE, 60000, None, self._on_reply)

    def _on_reply(self, connection, result):
        self.replies += 1
        self.seconds = time.monotonic() - self.start
        try:
            connection.call_finish(result)
        except GLib.Error as error:
            self.result = Gio.DBusError.get_remote_error(error) or str(error)

    def done(self, deadline=20.0):
        """Waits for the reply; itself."""
        wait_for(lambda: self.replies, f"the reply to {self.method}", deadline)
        return self


class Crowd:
    def __init__(self, lab, number):
        self.clients = [lab.client() for _ in range(number)]
        self.calls = []

    def network(self, client, interface, method, *arguments):
        return self._call(client, bus.path_of(interface), bus.NETWORK, method, *arguments)

    def manager(self, client, method, *arguments):
        return self._call(client, bus.ROOT, bus.MANAGER, method, *arguments)

    def _call(self, client, *arguments):
        call = Call(self.clients[client % len(self.clients)], *arguments)
        self.calls.append(call)
        return call

    def wait(self, deadline=30.0):
        """Until each call has its reply; asserts that none has two."""
        wait_for(lambda: all(call.replies for call in self.calls),
                 f"all of the {len(self.calls)} replies", deadline)
        pump()
        twice = [call.method for call in self.calls if call.replies != 1]
        assert not twice, f"more than one reply to {twice}"


def flush(client):
    """What the client has sent is with the bus."""
    client.connection.flush_sync(None)
