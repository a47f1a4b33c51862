#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A caller as a process of its own: makes transient networks on the interfaces it is told, says
"asked" when the calls are sent, "made" for each reply, and stays until it is ended.

Usage: python3 -m labkit.caller [--no-reply] INTERFACE..."""

import sys
import threading

from gi.repository import Gio, GLib

from labkit import bus


def settings_of(index, interface):
    return bus.settings({"interface": interface, "transient": True,
                         "subnet": f"192.168.{110 + index}.0/24",
                         "gateway_ip": f"192.168.{110 + index}.1"})


def message_for(index, interface, no_reply):
    message = Gio.DBusMessage.new_method_call(bus.NAME, bus.ROOT, bus.MANAGER, "CreateNetwork")
    message.set_body(GLib.Variant("(a{sv})", (settings_of(index, interface),)))
    if no_reply:
        message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
    return message


def say(word):
    print(word, flush=True)


def main(arguments):
    no_reply = arguments[0] == "--no-reply"
    connection = bus.Bus().connection
    serials, sending = set(), threading.Lock()

    def is_ours(message):
        with sending:  # a quick reply is here before its call's serial is noted
            return message.get_reply_serial() in serials

    def on_message(_connection, message, incoming):
        if incoming and is_ours(message):
            failed = message.get_message_type() == Gio.DBusMessageType.ERROR
            word = f"failed {message.get_error_name()}" if failed else "made"
            GLib.idle_add(say, word)  # this is another thread
        return message

    connection.add_filter(on_message)
    for index, interface in enumerate(arguments[no_reply:]):
        with sending:
            _, serial = connection.send_message(message_for(index, interface, no_reply),
                                                Gio.DBusSendMessageFlags.NONE)
            serials.add(serial)
    connection.flush_sync(None)
    say("asked")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1:])
