# SPDX-License-Identifier: GPL-2.0-or-later
"""The service as a bus client sees it: calls, properties, signals, errors by name."""

import contextlib

from gi.repository import Gio, GLib

from labkit.process import pump, wait_for

NAME = "org.jumpstarter.DutNetwork"
ROOT = "/org/jumpstarter/DutNetwork"
MANAGER = "org.jumpstarter.DutNetwork.Manager"
NETWORK = "org.jumpstarter.DutNetwork"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
ERROR = "org.jumpstarter.DutNetwork.Error."
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
ACCESS_DENIED = "org.freedesktop.DBus.Error.AccessDenied"
AUTHORIZATION_REQUIRED = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

CALL_TIMEOUT_MS = 20000


class BusError(Exception):
    """An error reply."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def path_of(interface):
    """The object path of a network, encoded as sd_bus_path_encode() does."""
    encoded = ""
    for index, byte in enumerate(interface.encode()):
        char = chr(byte)
        plain = char.isascii() and (char.isalpha() or (char.isdigit() and index > 0))
        encoded += char if plain else f"_{byte:02x}"
    return f"{ROOT}/{encoded or '_'}"


def variant(value):
    """A Python value as the bus has it: lists of mappings are aa{sv}, lists of text as, others av."""
    if isinstance(value, GLib.Variant):
        return value
    if isinstance(value, bool):
        return GLib.Variant("b", value)
    if isinstance(value, str):
        return GLib.Variant("s", value)
    if isinstance(value, int):
        return GLib.Variant("x", value)
    if isinstance(value, dict):
        return GLib.Variant("a{sv}", settings(value))
    if value and isinstance(value[0], dict):
        return GLib.Variant("aa{sv}", [settings(item) for item in value])
    if all(isinstance(item, str) for item in value):
        return GLib.Variant("as", value)
    return GLib.Variant("av", [variant(item) for item in value])


def settings(mapping):
    """What an argument of the type a{sv} is made of."""
    result = {}
    for key, value in mapping.items():
        if value == [] and key in ("addresses", "dns_entries", "forwards"):
            result[key] = GLib.Variant("aa{sv}", [])
        else:
            result[key] = variant(value)
    return result


@contextlib.contextmanager
def remote_errors():
    """An error reply as a BusError."""
    try:
        yield
    except GLib.Error as error:
        remote = Gio.DBusError.get_remote_error(error)
        if remote is None:
            raise
        raise BusError(remote, error.message.removeprefix(f"GDBus.Error:{remote}: ")) from None


class Bus:
    """A connection to the system bus (or to the one at `address`)."""

    def __init__(self, address=None):
        address = address or Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM, None)
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.connection.set_exit_on_close(False)

    def close(self):
        self.connection.close_sync(None)

    def call(self, path, interface, method, signature="()", *arguments, name=NAME,
             timeout=CALL_TIMEOUT_MS, flags=Gio.DBusCallFlags.NONE):
        """The reply's values: none, the one, or a tuple."""
        parameters = GLib.Variant(signature, arguments) if signature != "()" else None
        with remote_errors():
            reply = self.connection.call_sync(name, path, interface, method, parameters, None,
                                              flags, timeout, None)
        values = reply.unpack()
        return values[0] if len(values) == 1 else (values or None)

    def call_for_fd(self, path, interface, method, signature, *arguments):
        """The file descriptor that is the reply."""
        with remote_errors():
            _, fds = self.connection.call_with_unix_fd_list_sync(
                NAME, path, interface, method, GLib.Variant(signature, arguments), None,
                Gio.DBusCallFlags.NONE, CALL_TIMEOUT_MS, None, None)
        return fds.steal_fds()[0]

    def manager(self, method, signature="()", *arguments, **options):
        return self.call(ROOT, MANAGER, method, signature, *arguments, **options)

    def get(self, path, interface, member, name=NAME):
        return self.call(path, PROPERTIES, "Get", "(ss)", interface, member, name=name)

    def has_owner(self, name=NAME):
        return self.call("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner", "(s)",
                         name, name="org.freedesktop.DBus")

    def pid_of(self, name=NAME):
        return self.call("/org/freedesktop/DBus", "org.freedesktop.DBus",
                         "GetConnectionUnixProcessID", "(s)", name, name="org.freedesktop.DBus")


class Signals:
    """Every signal of the service, from now until closed."""

    def __init__(self, bus):
        self.bus = bus
        self.seen = []
        self.subscription = bus.connection.signal_subscribe(
            NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, self._on_signal)
        # The subscription is in force once the bus has answered what was sent after it.
        bus.has_owner()

    def _on_signal(self, _connection, _sender, path, interface, member, parameters):
        self.seen.append((path, interface, member, parameters.unpack()))

    def close(self):
        self.bus.connection.signal_unsubscribe(self.subscription)

    def matching(self, member, path=None, test=None):
        pump()
        return [values for (at, _, name, values) in self.seen
                if name == member and path in (None, at) and (test is None or test(*values))]

    def wait(self, member, path=None, test=None, deadline=2.0):
        """The values of the first such signal, which is forgotten with that."""
        values = wait_for(lambda: self.matching(member, path, test),
                          f"the signal {member}; seen: {[seen[2] for seen in self.seen]}",
                          deadline)[0]
        self.seen = [seen for seen in self.seen if not (seen[2] == member and seen[3] == values)]
        return values

    def wait_property(self, path, key, value, deadline=3.0):
        """Until PropertiesChanged has told that `key` is `value`."""
        return self.wait("PropertiesChanged", path,
                         lambda _interface, changed, _gone: changed.get(key) == value, deadline)
