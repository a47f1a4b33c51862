# SPDX-License-Identifier: GPL-2.0-or-later
"""IPv6 in the lab: on the LAN, on boards, and router advertisements as a board hears them."""

import json
import os
import socket
import struct
import subprocess

from labkit import whoami
from labkit.process import run, wait_for

SUBNET = "fd00:d::/64"
GATEWAY = "fd00:d::1"
LAN_ROUTER = "fd00:77::1"
LAN_HOST = "fd00:77::2"
PORT = 7778

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
PREFIX_INFORMATION, MTU, RDNSS = 3, 5, 25


def put_on(interface, address, *options):
    """An address of the host's; it is listed a moment before its route is."""
    run("ip", "-6", "address", "add", address, "dev", interface, *options)
    local = f"local {address.split('/')[0]} "
    wait_for(lambda: local in run("ip", "-6", "route", "show", "table", "local", "dev", interface),
             f"the route to {address}")


def create(lab, dut, **settings):
    """A network with IPv6 whose board is known."""
    return lab.create(dut, **{"ipv6_subnet": SUBNET, "addresses": [
        {"ip": "192.168.100.10", "mac": dut.mac, "hostname": "board"}], **settings})


def pings(namespace, address, *options):
    return namespace.run_full("busybox", "ping6", "-c", 1, "-W", 1, *options, address).returncode == 0


def bring_to_lan(lab):
    """IPv6 between the LAN's server and the host, and a whoami server there; of now on it is how the
    host is."""
    lab.lan.run("ip", "-6", "address", "replace", f"{LAN_ROUTER}/64", "dev", "lan0", "nodad")
    lab.undo.callback(lab.lan.run, "ip", "-6", "address", "flush", "dev", "lan0", "scope", "global")
    put_on("up0", f"{LAN_HOST}/64", "nodad")
    lab.undo.callback(run, "ip", "-6", "address", "delete", f"{LAN_HOST}/64", "dev", "up0")
    server = whoami.Server(lab.lan.namespace, PORT, socket.AF_INET6)
    lab.undo.callback(server.close)
    lab.remember()


def add_lan_route(lab, subnet=SUBNET):
    """A LAN host that knows the way to a board's subnet: through the host."""
    lab.lan.run("ip", "-6", "route", "replace", subnet, "via", LAN_HOST)
    lab.undo.callback(lab.lan.namespace.run_full, "ip", "-6", "route", "delete", subnet)


def add_default_route(dut):
    """By hand, for a board that has its address by hand."""
    dut.run("ip", "-6", "route", "replace", "default", "via", GATEWAY)


def serve(dut):
    dut.servers.append(whoami.Server(dut.namespace, PORT, socket.AF_INET6))


def addresses(dut, scope="global"):
    """Those that the board can use by now."""
    links = json.loads(dut.run("ip", "-j", "-6", "address", "show", "dev", "eth0"))
    return [item["local"] for link in links if link for item in link["addr_info"]
            if item["scope"] == scope and not item.get("tentative")]


def default_routes(dut):
    return [" ".join(line.split()) for line in
            dut.run("ip", "-6", "route", "show", "default").splitlines()]


def advertised_routes(interface):
    """The host's default routes by advertisements that it has heard there."""
    return [line for line in run("ip", "-6", "route", "show", "default").splitlines()
            if f" dev {interface} " in f"{line} " and "proto ra" in line]


def advertise(lab, dut):
    """Makes the board a router that advertises itself, whom the host believes."""
    run("busybox", "sysctl", "-qw", f"net.ipv6.conf.{dut.name}.accept_ra=1")
    dut.run("ip", "-6", "address", "add", "fd00:99::1/64", "dev", "eth0", "nodad")
    lab.undo.callback(dut.children.clear)
    dut.children.append(dut.namespace.start(
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=",
        "--port=0", "--enable-ra", "--dhcp-range=fd00:99::,ra-only", "--dhcp-leasefile=/tmp/ra.leases"))
    wait_for(lambda: advertised_routes(dut.name), "the host's default route by an advertisement", 20)


def wait_address(dut, subnet=SUBNET):
    """The board's own address in that subnet, once it has one, and the way out."""
    prefix = subnet.split("::")[0]

    def usable():
        return default_routes(dut) and [a for a in addresses(dut) if a.startswith(prefix)]
    return wait_for(usable, f"{dut.name}: an address in {subnet}", 20)[0]


def predicted(network, dut):
    """The address that `status` says that the board makes itself."""
    return {item["mac"]: item["ip"] for item in network.status()["ra_addresses"]}[dut.mac]


def knob(name, key):
    with open(f"/proc/sys/net/ipv6/conf/{name}/{key}", encoding="ascii") as file:
        return file.read().strip()


def per_interface():
    """Whether this kernel forwards by interface (6.17)."""
    return os.path.exists("/proc/sys/net/ipv6/conf/lo/force_forwarding")


def forward_for_the_whole_host(lab):
    """From its next start the daemon finds a kernel as those before 6.17."""
    lab.drop_in("[Service]\nInaccessiblePaths=-/proc/sys/net/ipv6/conf/default/force_forwarding\n")


class Advertisement:
    """One as it came: its flags, and its options by their type."""

    def __init__(self, data):
        self.kind, _, _, self.hop_limit, self.flags, self.lifetime = struct.unpack("!BBHBBH", data[:8])
        self.managed, self.other = bool(self.flags & 0x80), bool(self.flags & 0x40)
        self.options = {}
        rest = data[16:]
        while len(rest) >= 8:
            kind, length = rest[0], rest[1] * 8
            self.options.setdefault(kind, []).append(rest[:length])
            rest = rest[length:]

    def prefixes(self):
        """(prefix, on-link, autonomous) of each."""
        return [(f"{socket.inet_ntop(socket.AF_INET6, option[16:32])}/{option[2]}",
                 bool(option[3] & 0x80), bool(option[3] & 0x40))
                for option in self.options.get(PREFIX_INFORMATION, [])]

    def name_servers(self):
        return [socket.inet_ntop(socket.AF_INET6, option[at:at + 16])
                for option in self.options.get(RDNSS, []) for at in range(8, len(option), 16)]


def solicit(dut, deadline=10):
    """What a board that asks for routers hears."""
    wait_for(lambda: addresses(dut, "link"), f"{dut.name} has its link-local address", 10)
    with dut.namespace.entered():
        index = socket.if_nametoindex("eth0")
    with dut.namespace.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.settimeout(0.5)

        def answer():
            sock.sendto(struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0), ("ff02::2", 0, 0, index))
            try:
                while True:
                    data = sock.recv(1500)
                    if data[0] == ROUTER_ADVERTISEMENT:
                        return Advertisement(data)
            except TimeoutError:
                return None
        return wait_for(answer, f"{dut.name} hears an advertisement", deadline)


def dhclient(lab, dut, *options):
    """Runs a DHCPv6 client to its first answer; what its script was told."""
    out, leases = f"/tmp/dhclient6-{dut.name}", f"/tmp/dhclient6-{dut.name}.leases"
    script = lab.write(f"{out}.sh", "#!/bin/sh\n"
                       f"case $reason in BOUND6|RENEW6|REBIND6) env >{out} ;; esac\n"
                       "[ -z \"$new_ip6_address\" ] || ip -6 address replace "
                       "\"$new_ip6_address/$new_ip6_prefixlen\" dev \"$interface\" nodad\n"
                       "exit 0\n")
    os.chmod(script, 0o755)
    lab.write(leases, "")
    lab.write(out, "")
    wait_for(lambda: addresses(dut, "link"), f"{dut.name} has its link-local address", 10)
    client = dut.namespace.start("dhclient", "-6", "-1", "-d", "-sf", script, "-lf", leases, "-pf",
                                 f"{out}.pid", *options, "eth0", stderr=subprocess.DEVNULL)
    dut.children.append(client)

    def told():
        with open(out, encoding="utf-8") as lines:
            return dict(line.rstrip("\n").split("=", 1) for line in lines if "=" in line)
    return wait_for(told, f"{dut.name}: an answer by DHCPv6", 20)
