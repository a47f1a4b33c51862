# SPDX-License-Identifier: GPL-2.0-or-later
"""The LAN: a namespace behind the host's upstream NIC, with a DHCP server, a DNS server that also
answers for 8.8.8.8, and a whoami server. NetworkManager holds the upstream, by its own DHCP client."""

import os
import subprocess

from labkit import host, whoami
from labkit.netns import Namespace, veth
from labkit.process import run, wait_for

UPSTREAM = "up0"
ROUTER = "10.77.0.1"
HOST = "10.77.0.2"
NEIGHBOUR = "10.77.0.3"
PREFIX = 24
FREE = tuple(f"10.77.0.{last}" for last in range(100, 140))
NAME, NAME_ADDRESS = "www.lan.test", "10.77.0.80"
HOST_MAC = "02:00:00:77:00:02"
SECOND_MAC = "02:00:00:00:09:09"

# All of these are the LAN's servers, whatever the address. 10-99-1-2.fresh.test is 10.99.1.2.
SERVERS = "10.99.0.0/16"
FRESH = "fresh.test"
SHOP, SHOP_ADDRESS = "shop.test", "10.99.200.1"
WWW, WWW_ADDRESS = "www.shop.test", "10.99.200.2"
ELSEWHERE, ELSEWHERE_ADDRESS = "cdn.elsewhere.test", "10.99.200.3"
ALIAS = "assets.shop.test"  # is ELSEWHERE
ROUTER_NAME = "router.office.test"


class Lan:
    def __init__(self):
        self.namespace = Namespace("lan")
        for knob in ("default/accept_dad", "all/accept_dad"):
            run("busybox", "sysctl", "-qw", f"net.ipv6.conf.{knob.replace('/', '.')}=0")
        veth(UPSTREAM, "lan0", self.namespace, outer_mac=HOST_MAC)
        for address in (ROUTER, NEIGHBOUR, NAME_ADDRESS):
            self.namespace.run("ip", "address", "add", f"{address}/{PREFIX}", "dev", "lan0")
        for address in ("8.8.8.8", "8.8.4.4"):
            self.namespace.run("ip", "address", "add", f"{address}/32", "dev", "lo")
        self.namespace.run("ip", "route", "add", "local", SERVERS, "dev", "lo")
        self.dnsmasq = self._start_dnsmasq()
        self.server = whoami.Server(self.namespace)
        wait_for(self.is_up, "NetworkManager has the upstream up, with address and default route", 15)

    def _start_dnsmasq(self):
        return self.namespace.start(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--user=root", "--pid-file=", "--bind-dynamic", "--log-facility=/tmp/lan-dnsmasq.log",
            "--log-queries", f"--dhcp-range={HOST},{HOST},1h", f"--dhcp-host={HOST_MAC},{HOST}",
            f"--dhcp-option=option:router,{ROUTER}", f"--dhcp-option=option:dns-server,{ROUTER}",
            "--dhcp-leasefile=/tmp/lan.leases", "--no-ping", "--dhcp-authoritative",
            f"--address=/{NAME}/{NAME_ADDRESS}", "--local=/test/", f"--synth-domain={FRESH},{SERVERS}",
            *(f"--host-record={name},{address}" for name, address in (
                (SHOP, SHOP_ADDRESS), (WWW, WWW_ADDRESS), (ELSEWHERE, ELSEWHERE_ADDRESS),
                (ROUTER_NAME, ROUTER))),
            f"--cname={ALIAS},{ELSEWHERE}",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @staticmethod
    def is_up():
        if not host.network_manager().get(UPSTREAM, ("",))[0] == "connected":
            return False
        return any(line.startswith(f"default via {ROUTER} dev {UPSTREAM}") for line in host.routes())

    def dump(self):
        """What a test may change of it, and has to give back. What the kernel makes by itself comes
        and goes with the carrier."""
        def kept(lines):
            return [line for line in lines if "fe80::" not in line and "ff00::/8" not in line]
        return {"addresses": {name: kept(lines) for name, lines in host.addresses(self.run).items()},
                "routes": kept(host.routes(self.run))}

    def run(self, *command, **options):
        return self.namespace.run(*command, **options)

    def add_second_host(self, address):
        """The namespace of another host on the LAN, which has a MAC of its own."""
        namespace = Namespace("second")
        self.namespace.run("ip", "link", "add", "name", "eth0", "link", "lan0", "netns", "second",
                           "address", SECOND_MAC, "type", "macvlan", "mode", "bridge")
        namespace.run("ip", "address", "add", f"{address}/{PREFIX}", "dev", "eth0")
        namespace.run("ip", "link", "set", "eth0", "up")
        return namespace

    def reaches(self, address, port=whoami.PORT):
        return whoami.reaches(self.namespace, address, port)

    def source_at(self, address, port=whoami.PORT):
        return whoami.tcp(self.namespace, address, port)

    def add_route(self, subnet):
        """A LAN host that knows a way to a private subnet: through the host."""
        self.namespace.run("ip", "route", "replace", subnet, "via", HOST)

    def remove_route(self, subnet):
        self.namespace.run("ip", "route", "delete", subnet, expect=(0, 2))

    def pings(self, address):
        return self.namespace.run_full("busybox", "ping", "-c", 1, "-W", 1, address).returncode == 0

    def dns_queries(self):
        """What the LAN's DNS server has been asked so far."""
        with open("/tmp/lan-dnsmasq.log", encoding="utf-8", errors="replace") as log:
            return [line for line in log if " query[" in line]


def write_default_resolver():
    """The host's own resolver, as a LAN's DHCP would give it; dnsmasq with an empty list asks it."""
    if os.path.islink("/etc/resolv.conf"):
        os.unlink("/etc/resolv.conf")
    with open("/etc/resolv.conf", "w", encoding="ascii") as file:
        file.write(f"nameserver {ROUTER}\n")
