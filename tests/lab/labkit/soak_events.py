# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens in a soak. An event is a function that takes the soak and a board and makes it happen;
what it returns, if anything, is the time from which the repair counts. It needs a row in EVENTS."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from labkit import lan
from labkit.bus import BusError
from labkit.process import run, wait_for
from labkit.traffic import TOP

NOBODY, ITSELF, ALL = "nobody", "itself", "all"
SPARE = "raw99"           # a NIC for networks that come and go
OTHER_UPSTREAM, OTHER_ROUTER = "raw98", "10.78.0.1"
MAX_EXTRA = 6
# The pool of public addresses behind the boards' own.
FIRST_FREE = 10


@dataclass(frozen=True)
class Event:
    name: str
    run: Callable
    weight: int = 1
    loses: str = NOBODY           # whose packets may be lost by it
    restarts_dnsmasq: str = NOBODY  # whose DNS may pause, though no other packet is lost
    ends_daemon: bool = False
    at_most_every: float = 0.0    # seconds
    suits: Callable = lambda board: True


def free_public(soak):
    used = {public for board in soak.boards for public in board.publics().values()}
    return soak.chance.choice([ip for ip in lan.FREE[FIRST_FREE:] if ip not in used])


def free_ip(soak, board):
    numbers = [n for n in range(20, 60) if board.ip.replace(".10", f".{n}") not in board.extra]
    return f"192.168.{100 + board.index}.{soak.chance.choice(numbers)}"


# Entries

def add_address(soak, board):
    if len(board.extra) >= MAX_EXTRA:
        remove_address(soak, board)
        return
    ip = free_ip(soak, board)
    public = free_public(soak) if board.public and soak.chance.random() < 0.7 else None
    board.network.add_address(ip, **({"public_ip": public} if public else {}))
    board.extra[ip] = public


def remove_address(soak, board):
    if not board.extra:
        add_address(soak, board)
        return
    ip = soak.chance.choice(sorted(board.extra))
    board.network.remove_address(ip)
    del board.extra[ip]


def move_address(soak, board):
    """Another public address for an entry that has one."""
    mapped = [ip for ip, public in board.extra.items() if public]
    if not mapped:
        add_address(soak, board)
        return
    ip, public = soak.chance.choice(mapped), free_public(soak)
    board.network.add_address(ip, public_ip=public)
    board.extra[ip] = public


def answers(board, name, expected):
    wait_for(lambda: board.dut.dig(name, board.gateway) == expected,
             f"{board.name}'s DNS has {expected} for {name}")


def add_dns(soak, board):
    if len(board.names) >= MAX_EXTRA:
        remove_dns(soak, board)
        return
    name, ip = f"n{soak.chance.randrange(10000)}", f"10.1.2.{soak.chance.randrange(1, 255)}"
    board.network.add_dns(name, ip)
    board.names[name] = ip
    answers(board, name, [ip])


def remove_dns(soak, board):
    if not board.names:
        add_dns(soak, board)
        return
    name = soak.chance.choice(sorted(board.names))
    board.network.remove_dns(name)
    del board.names[name]


def clients(soak, _board):
    """Four at once, each with a connection of its own."""
    errors = []

    def client(number, boards):
        try:
            bus = soak.lab.client()
            for board in boards:
                network = soak.lab.network(board.name)
                network.bus = bus
                ip = f"192.168.{100 + board.index}.{70 + number}"
                network.add_address(ip)
                network.add_dns(f"client{number}", ip)
                network.status()
                network.remove_dns(f"client{number}")
                network.remove_address(ip)
            bus.close()
        except Exception as error:  # told to the soak, whatever it is
            errors.append(error)

    threads = [threading.Thread(target=client, args=(number, soak.chance.sample(soak.boards, 3)))
               for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


# Settings

def update(soak, board):
    """What dnsmasq has to start again for, and what nothing has."""
    subnet = f"192.168.{100 + board.index}"
    change = soak.chance.choice([
        {"dns_servers": [soak.chance.choice([lan.ROUTER, lan.NEIGHBOUR])]},
        {"dhcp_lease_time": f"{soak.chance.randrange(2, 60)}m"},
        {"dhcp_range_start": f"{subnet}.{soak.chance.randrange(100, 120)}",
         "dhcp_range_end": f"{subnet}.{soak.chance.randrange(180, 200)}"},
        {"dhcp_force": soak.chance.random() < 0.5},
    ])
    board.network.update(**change)


def reload_file(soak, board):
    """One file is changed; it is the file that counts then, under the changes over the bus."""
    board.lease_time = f"{soak.chance.randrange(2, 60)}m"
    path = f"/etc/jumpstarter/dut-network.d/{board.file}"
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(board.text() + f"dns_entries:\n  - {{hostname: file, ip: 10.9.9."
                   f"{soak.chance.randrange(1, 255)}}}\n")
    os.rename(path + ".new", path)
    soak.lab.reload()


def reload_nothing(soak, _board):
    soak.lab.reload()


def come_and_go(soak, _board):
    """A network on another NIC, with a mapping."""
    public = free_public(soak)
    soak.lab.create(SPARE, subnet="192.168.99.0/24", gateway_ip="192.168.99.1", nat_mode="1to1",
                    addresses=[{"ip": "192.168.99.10", "public_ip": public}])
    soak.lab.remove(SPARE)


CALLER = f"""
import signal
from labkit.bus import Bus, settings
Bus().manager("CreateNetwork", "(a{{sv}})", settings({{"interface": "{SPARE}", "transient": True,
              "subnet": "192.168.99.0/24", "gateway_ip": "192.168.99.1"}}))
print("made", flush=True)
signal.pause()
"""


def transient(soak, _board):
    """Its caller is killed."""
    caller = subprocess.Popen([sys.executable, "-c", CALLER], cwd=TOP, stdout=subprocess.PIPE)
    made = caller.stdout.readline()
    since = monotonic()
    caller.kill()
    caller.wait()
    caller.stdout.close()
    assert made == b"made\n", "the caller made no transient network"
    wait_for(lambda: SPARE not in soak.lab.networks(), "the transient network is gone", 10)
    return since


def down_and_up(_soak, board):
    board.network.call("Down")
    since = monotonic()
    board.network.call("Up")
    return since


# Processes

def restart_daemon(soak, _board):
    soak.lab.restart_daemon()


def kill_daemon(soak, _board):
    since = monotonic()
    soak.lab.kill_daemon()
    return since


def kill_in_a_change(soak, board):
    """At any instant of it; what had been done of it then counts."""
    network, ip = soak.lab.network(board.name), free_ip(soak, board)
    network.bus = soak.lab.client()
    public = {"public_ip": free_public(soak)} if board.public else {}
    change = soak.chance.choice([
        lambda: network.add_address(ip, **public),
        lambda: network.remove_address(soak.chance.choice(sorted(board.extra) or [ip])),
        lambda: network.update(dhcp_lease_time=f"{soak.chance.randrange(2, 60)}m"),
        lambda: network.update(dns_servers=[lan.NEIGHBOUR]),
    ])

    def call():
        with contextlib.suppress(BusError):  # no reply, or there is no such entry
            change()

    thread = threading.Thread(target=call)
    thread.start()
    sleep(soak.chance.uniform(0, 0.02))
    since = kill_daemon(soak, board)
    thread.join()
    network.bus.close()
    wait_for(soak.lab.bus.has_owner, "the daemon is back", 10)
    board.extra = {entry["ip"]: entry.get("public_ip") for entry in board.network.get("Addresses")
                   if entry["ip"] != board.ip}
    return since


def kill_dnsmasq(soak, board):
    pid = board.network.dnsmasq()
    os.kill(pid, signal.SIGKILL)
    since = monotonic()
    wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "dnsmasq is dead")
    return since


def restart_network_manager(_soak, _board):
    run("systemctl", "restart", "NetworkManager.service")


# Links and the host

def replug(soak, board):
    board.unplug()
    if soak.chance.random() < 0.7:
        board.network.wait_state("waiting", deadline=10)
    board.plug()
    since = monotonic()
    soak.wait_in_force(f"replugging {board.name}")
    repaired = monotonic() - since
    board.start_client()
    wait_for(lambda: board.dut.lease()["ip"] == board.ip, f"{board.name}'s lease is the same", 10)
    return monotonic() - repaired


def carrier(soak, board):
    board.dut.run("ip", "link", "set", "eth0", "down")
    wait_for(lambda: "NO-CARRIER" in run("ip", "link", "show", board.name), "the carrier is gone")
    board.dut.run("ip", "link", "set", "eth0", "up")
    board.dut.run("ip", "route", "replace", "default", "via", board.gateway)
    return monotonic()


def renew(_soak, board):
    """The board's DHCP client asks for its address again, and gets it. Now and then it does not hear
    the answer, since its sending socket is still open and takes it, and asks again a second later."""
    os.unlink(board.dut.lease_file)
    board.client.send_signal(signal.SIGUSR1)
    wait_for(lambda: os.path.exists(board.dut.lease_file), f"{board.name} renews its lease")
    assert board.dut.lease()["ip"] == board.ip, board.dut.lease()
    return monotonic()


def flush_ruleset(_soak, _board):
    run("nft", "flush", "ruleset", expect=None)


def restart_firewall(soak, _board):
    """As nftables.service does it: all away, then its own."""
    path = soak.lab.write("/tmp/soak.nft", "flush ruleset\ntable inet soak {\n chain input {\n"
                          "  type filter hook input priority filter; policy accept;\n }\n}\n")
    run("nft", "-f", path)
    run("nft", "delete", "table", "inet", "soak")


def delete_table(_soak, board):
    run("nft", "delete", "table", "ip", f"jumpstarter_{board.name}", expect=None)


def default_route(_soak, _board):
    """A better default route comes, by the same interface, and goes."""
    run("ip", "route", "add", "default", "via", lan.ROUTER, "dev", lan.UPSTREAM, "metric", "5")
    run("ip", "route", "delete", "default", "via", lan.ROUTER, "dev", lan.UPSTREAM, "metric", "5")


def move_default_route(_soak, board):
    """To another interface, and back. The networks go where it goes."""
    route = ("default", "via", OTHER_ROUTER, "dev", OTHER_UPSTREAM, "metric", "5")
    run("ip", "route", "add", *route)
    wait_for(lambda: board.network.get("UpstreamInterface") == OTHER_UPSTREAM,
             f"{board.name} follows the default route")
    run("ip", "route", "delete", *route)
    return monotonic()


def second_address(_soak, _board):
    """The upstream gets another address, and loses it."""
    run("ip", "address", "add", "10.77.0.60/24", "dev", lan.UPSTREAM)
    run("ip", "address", "delete", "10.77.0.60/24", "dev", lan.UPSTREAM)


EVENTS = (
    Event("AddAddress", add_address, 8),
    Event("RemoveAddress", remove_address, 6),
    Event("AddAddress, another public_ip", move_address, 3),
    Event("AddDnsEntry", add_dns, 4),
    Event("RemoveDnsEntry", remove_dns, 3),
    Event("clients at once", clients, 4),
    Event("Update", update, 6, restarts_dnsmasq=ITSELF),
    # What was changed by Update goes back to what the file says.
    Event("Reload of a changed file", reload_file, 4, restarts_dnsmasq=ALL,
          suits=lambda board: board.file),
    Event("Reload of the same files", reload_nothing, 1, restarts_dnsmasq=ALL),
    Event("CreateNetwork, RemoveNetwork", come_and_go, 3),
    Event("transient network's caller goes", transient, 2),
    Event("Down, Up", down_and_up, 2, ITSELF),
    Event("daemon restarted", restart_daemon, 4, ends_daemon=True),
    Event("daemon killed", kill_daemon, 4, ends_daemon=True),
    Event("daemon killed in a change", kill_in_a_change, 4, restarts_dnsmasq=ITSELF,
          ends_daemon=True),
    Event("dnsmasq killed", kill_dnsmasq, 4, restarts_dnsmasq=ITSELF),
    Event("NetworkManager restarted", restart_network_manager, 2, at_most_every=10),
    Event("NIC unplugged and plugged in", replug, 4, ITSELF),
    Event("carrier lost and found", carrier, 3, ITSELF),
    Event("DHCP renewed", renew, 4),
    Event("nft flush ruleset", flush_ruleset, 3),
    Event("firewall restarted", restart_firewall, 2),
    Event("nft delete table", delete_table, 3),
    Event("default route", default_route, 3),
    Event("default route moves", move_default_route, 2, ALL,
          suits=lambda board: board.nat_mode != "disabled"),
    Event("upstream's second address", second_address, 3),
)
