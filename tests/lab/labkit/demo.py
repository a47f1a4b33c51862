# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab demo`: the main job, end to end, with the words of a lab user. Each step is checked: a demo
that only looks right is none."""

import os
import time

from labkit import host, lan, whoami
from labkit.dut import Dut
from labkit.lan import Lan, write_default_resolver
from labkit.process import run_full, wait_for

NIC = "board0"
FILE = "/tmp/board0.yaml"
CONFIG = f"""\
interface: {NIC}
subnet: 192.168.100.0/24
gateway_ip: 192.168.100.1
dns_servers: [{lan.ROUTER}]
addresses:
  - {{ip: 192.168.100.10, mac: "02:00:00:00:00:01", hostname: board}}
"""

COLOUR = os.environ.get("LAB_COLOUR") == "yes"


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def headline(text):
    print("\n" + paint(1, text))


def show(text):
    for line in text.rstrip("\n").splitlines():
        print("    " + line)


def command(*words, where="host", namespace=None, quiet=False):
    """Runs it, shows it as typed, and what it says."""
    full = namespace.command(*words) if namespace else words
    print("  " + paint(36, f"{where}$ ") + " ".join(words))
    environment = {**os.environ, "COLUMNS": os.environ.get("LAB_COLUMNS", "100")}
    done = run_full(*full, env=environment)
    if not quiet:
        show(done.stdout)
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {done.stderr}"
    return done.stdout


def prove(text, holds):
    assert holds, f"it is not so: {text}"
    print("  " + paint(32, "✓ ") + text)


def before(dut):
    headline(f"A NIC as it is plugged in: NetworkManager holds {NIC}, its DHCP client runs there")
    command("nmcli", "--fields", "DEVICE,TYPE,STATE,CONNECTION", "device", "status")
    wait_for(lambda: host.network_manager()[NIC][0].startswith("connecting"), "NIC is held")
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(CONFIG)
    command("cat", FILE)
    return host.dump()


def create():
    headline("One command makes it the DUT's network")
    start = time.monotonic()
    command("dutnetctl", "create", FILE)
    prove(f"up in {(time.monotonic() - start) * 1000:.0f} ms, NetworkManager's hand-over included",
          host.network_manager()[NIC][0] == "unmanaged")


def use(the_lan, dut):
    headline("The DUT gets address, gateway and name server by DHCP")
    start = time.monotonic()
    lease = dut.dhcp()
    milliseconds = (time.monotonic() - start) * 1000
    command("ip", "-4", "-brief", "address", "show", "eth0", where="dut", namespace=dut.namespace)
    prove(f"{lease['ip']} in {milliseconds:.0f} ms, with the gateway {lease['router']} as router "
          "and DNS server", (lease["ip"], lease["router"], lease["dns"]) ==
          ("192.168.100.10", "192.168.100.1", "192.168.100.1"))

    headline("DNS: a name of the network's own, and one of the LAN's")
    for name, address in (("board", "192.168.100.10"), (lan.NAME, lan.NAME_ADDRESS)):
        answer = command("dig", "+short", "@192.168.100.1", name, where="dut",
                         namespace=dut.namespace)
        prove(f"{name} is {address}", answer.strip() == address)

    headline("The LAN sees the host, not the DUT's private address")
    source = dut.source_at(lan.ROUTER)
    print("  " + paint(36, "dut$ ") + f"connect to {lan.ROUTER}:{whoami.PORT}")
    show(f"you are {source}")
    prove(f"masqueraded as {lan.HOST}", source == lan.HOST)

    headline("A LAN host that routes to the private subnet gets nowhere")
    dut.serve()
    the_lan.add_route("192.168.100.0/24")
    print("  " + paint(36, "lan$ ") + f"connect to 192.168.100.10:{whoami.PORT}")
    prove("closed", not the_lan.reaches("192.168.100.10"))
    prove("while the host itself reaches the DUT", whoami.reaches(None, "192.168.100.10"))
    the_lan.remove_route("192.168.100.0/24")


def look():
    headline("What the service knows")
    command("dutnetctl", "status")
    command("dutnetctl", "leases")
    command("dutnetctl", "get-ip", "02:00:00:00:00:01")


def one_to_one(the_lan, dut):
    headline("Changed while it runs: a public address of the DUT's own on the LAN")
    config = CONFIG.replace("hostname: board}", "hostname: board, public_ip: 10.77.0.100}")
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(config + "nat_mode: 1to1\n")
    command("dutnetctl", "update", FILE)
    prove("from the DUT to the LAN as 10.77.0.100", dut.source_at(lan.ROUTER) == "10.77.0.100")
    prove("from the LAN to the DUT by 10.77.0.100", the_lan.reaches("10.77.0.100"))


def remove(was):
    headline("Removed: everything is as it was")
    command("dutnetctl", "remove")
    wait_for(lambda: not host.differences(was, host.dump()),
             "the host is as it was before", 8)
    prove("addresses, routes, rules, forwarding, rule set, processes: no difference", True)
    command("nmcli", "--fields", "DEVICE,TYPE,STATE,CONNECTION", "device", "status")


def run_demo():
    write_default_resolver()
    the_lan = Lan()
    dut = Dut(NIC, "02:00:00:00:00:01")
    wait_for(lambda: host.network_manager().get(NIC, ("",))[0].startswith("connecting")
             and any("fe80::" in item for item in host.addresses()[NIC]), "the NIC is held")
    try:
        was = before(dut)
        create()
        use(the_lan, dut)
        look()
        one_to_one(the_lan, dut)
        remove(was)
    except AssertionError as error:
        print(paint(31, f"\nThe demo failed: {error}"))
        return 1
    finally:
        dut.delete()
        the_lan.server.close()
    print()
    return 0
