# SPDX-License-Identifier: GPL-2.0-or-later
"""A board: a network namespace behind a NIC of the host."""

import contextlib
import os
import re
import socket
import subprocess

from labkit import whoami
from labkit.netns import Namespace, veth
from labkit.process import run, stop, wait_for

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DHCP_SCRIPT = os.path.join(TOP, "udhcpc-script")
INSIDE = "eth0"
NTP_EPOCH = 2208988800  # of 1900, in seconds before 1970


class NoLease(AssertionError):
    """The DHCP client got no answer."""


class Dut:
    """`name` is the NIC on the host; inside it is eth0."""

    def __init__(self, name, mac):
        self.name = name
        self.mac = mac
        self.namespace = Namespace(f"dut-{name}")
        self.lease_file = f"/tmp/lease-{name}"
        self.servers = []
        self.children = []
        veth(name, INSIDE, self.namespace, mac)

    def delete(self):
        for server in self.servers:
            server.close()
        for child in self.children:
            stop(child)
        if os.path.exists(f"/sys/class/net/{self.name}"):
            run("ip", "link", "delete", self.name)
        self.namespace.delete()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.lease_file)

    def run(self, *command, **options):
        return self.namespace.run(*command, **options)

    def configure(self, address, gateway=None):
        """An address by hand, for a board without DHCP."""
        self.run("ip", "address", "replace", address, "dev", INSIDE)
        if gateway:
            self.run("ip", "route", "replace", "default", "via", gateway)

    def dhcp(self, hostname=None, tries=3, options=()):
        """Runs a DHCP client to its end; the lease as a mapping of udhcpc's words."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.lease_file)
        done = self.namespace.run_full(*self._client(hostname), "-n", "-q", "-t", tries, "-T", 1,
                                       *options, env=self._client_environment())
        if done.returncode != 0:
            raise NoLease(f"{self.name}: no lease: {done.stderr}")
        return self.lease()

    def keep_dhcp(self, hostname=None):
        """A client that goes on running and renews; SIGUSR2 makes it release."""
        child = self.namespace.start(*self._client(hostname), "-f", "-t", 10, "-T", 1,
                                     env=self._client_environment(), stderr=subprocess.DEVNULL)
        self.children.append(child)
        wait_for(lambda: os.path.exists(self.lease_file), f"{self.name}: a lease")
        return child

    def _client(self, hostname):
        name = ("-x", f"hostname:{hostname}") if hostname else ()
        return ("busybox", "udhcpc", "-i", INSIDE, "-s", DHCP_SCRIPT, *name)

    def _client_environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LEASE_FILE": self.lease_file}

    def lease(self):
        with open(self.lease_file, encoding="utf-8") as lines:
            return dict(line.rstrip("\n").split("=", 1) for line in lines)

    def dig(self, name, server, kind="A", tcp=False):
        """The answers, sorted; an AssertionError when there is no reply at all."""
        done = self.namespace.run_full("dig", f"@{server}", "+tries=1", "+time=1", "+noall",
                                       "+answer", "+comments", *(["+tcp"] if tcp else []), kind, name)
        assert done.returncode == 0, f"no DNS reply for {name} from {server}: {done.stdout}"
        return sorted(line.split(None, 4)[4] for line in done.stdout.splitlines()
                      if line and not line.startswith(";"))

    def dig_status(self, name, server):
        """NOERROR, NXDOMAIN, …; an empty text where nothing answers."""
        done = self.namespace.run_full("dig", f"@{server}", "+tries=1", "+time=1", name)
        found = re.search(r"status: (\w+)", done.stdout)
        return found.group(1) if found else ""

    def ask_time(self, server, source_port=0, seconds=1.0):
        """An NTP client's question to that address, as a mapping; None where nothing answers. An
        answer of anybody else is not heard."""
        family, any_address = (socket.AF_INET6, "::") if ":" in server else (socket.AF_INET, "0.0.0.0")
        with self.namespace.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(seconds)
            sock.bind((any_address, source_port))
            sock.connect((server, 123))
            sock.send(bytes([0x23]) + bytes(47))
            try:
                answer = sock.recv(512)
            except OSError:
                return None
        return {"leap": answer[0] >> 6, "mode": answer[0] & 7, "stratum": answer[1],
                "time": int.from_bytes(answer[40:44], "big") - NTP_EPOCH}

    def pings(self, address, seconds=1):
        return self.namespace.run_full("busybox", "ping", "-c", 1, "-W", seconds,
                                       address).returncode == 0

    def arping(self, address):
        """Whether anybody answers an ARP request for that address on the board's wire."""
        done = self.namespace.run_full("busybox", "arping", "-c", 1, "-w", 1, "-I", INSIDE, address)
        return done.returncode == 0

    def serve(self, port=whoami.PORT):
        """Runs a whoami server on the board."""
        server = whoami.Server(self.namespace, port)
        self.servers.append(server)
        return server

    def source_at(self, address, port=whoami.PORT):
        """The source address that a server at `address` sees of this board."""
        return whoami.tcp(self.namespace, address, port)

    def reaches(self, address, port=whoami.PORT):
        return whoami.reaches(self.namespace, address, port)
