# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces, veth pairs between them, and sockets inside them."""

import contextlib
import ctypes
import os
import socket
import subprocess

from labkit.process import run, run_full

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def set_namespace(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")


class Namespace:
    """A network namespace under /run/netns."""

    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        run("ip", "netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")

    def delete(self):
        run("ip", "netns", "delete", self.name)

    @contextlib.contextmanager
    def entered(self):
        """This thread's network is the namespace's; sockets made meanwhile stay in it."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            set_namespace(there)
            yield
        finally:
            set_namespace(here)
            os.close(here)
            os.close(there)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        with self.entered():
            return socket.socket(family, kind, protocol)

    def command(self, *command):
        return ("nsenter", f"--net={self.path}", *command)

    def run(self, *command, **options):
        return run(*self.command(*command), **options)

    def run_full(self, *command, **options):
        return run_full(*self.command(*command), **options)

    def start(self, *command, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([str(word) for word in self.command(*command)], **options)


def veth(outer, inner, namespace, mac=None, outer_mac=None):
    """A veth pair: `outer` here and up, `inner` in the namespace and up."""
    address = ("address", mac) if mac else ()
    outer_address = ("address", outer_mac) if outer_mac else ()
    run("ip", "link", "add", outer, *outer_address, "type", "veth", "peer", "name", inner, *address,
        "netns", namespace.name)
    namespace.run("ip", "link", "set", inner, "up")
    run("ip", "link", "set", outer, "up")
