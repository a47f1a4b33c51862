# SPDX-License-Identifier: GPL-2.0-or-later
"""The host as a dump that can be compared: what must be the same after a network has gone as it was
before the network came."""

import glob
import json
import os
import pwd
import re

from labkit.process import run

SERVICE_USER = "dut-network"
STATE = "/var/lib/jumpstarter"
RUNTIME = "/run/jumpstarter"
CONFIG_DIRS = ("/etc/jumpstarter/dut-network.d", "/run/jumpstarter/dut-network.d",
               "/usr/lib/jumpstarter/dut-network.d")

KNOBS = ("net/ipv4/ip_forward", "net/ipv4/fwmark_reflect", "net/ipv4/conf/*/forwarding", "net/ipv4/conf/*/rp_filter",
         "net/ipv4/conf/*/accept_redirects", "net/ipv4/conf/*/send_redirects",
         "net/ipv4/conf/*/arp_ignore", "net/ipv4/conf/*/arp_announce", "net/ipv4/conf/*/proxy_arp",
         "net/ipv4/conf/*/route_localnet", "net/ipv4/conf/*/accept_local",
         "net/ipv6/conf/*/forwarding", "net/ipv6/conf/*/force_forwarding", "net/ipv6/conf/*/accept_ra",
         "net/ipv6/conf/*/accept_redirects", "net/ipv6/conf/*/disable_ipv6",
         "net/ipv6/conf/*/addr_gen_mode")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()


def addresses(run_there=run):
    """Interface -> its addresses as text, sorted; of another namespace by its own `run`."""
    result = {}
    for link in json.loads(run_there("ip", "-j", "address", "show")):
        up = "UP" if "UP" in link["flags"] else "DOWN"
        result[link["ifname"]] = [up] + sorted(
            f"{item.get('local')}/{item['prefixlen']} {item.get('label', '')} {item['scope']}"
            + (" noprefixroute" if item.get("noprefixroute") else "")
            for item in link["addr_info"] if "local" in item)
    return result


def routes(run_there=run):
    lines = []
    for family in ("-4", "-6"):
        text = run_there("ip", family, "route", "show", "table", "all")
        lines += [" ".join(line.split()) for line in text.splitlines()]
    # An RA's or a DAD's countdown is no route's identity, nor is a carrier of the moment.
    words = ("linkdown", "dead")
    return sorted(" ".join(w for w in line.split(" expires ")[0].split() if w not in words)
                  for line in lines)


def has_link_local(interface):
    """The address is listed a moment before its routes are."""
    lines = [line for line in routes() if f" dev {interface} " in f"{line} "]
    return any("fe80::" in item for item in addresses()[interface]) and \
        any(line.startswith("local fe80::") for line in lines) and \
        any(line.startswith("fe80::/64 ") for line in lines) and \
        any(line.startswith("multicast ff00::/8 ") for line in lines)


def rules():
    return sorted(line for family in ("-4", "-6")
                  for line in run("ip", family, "rule", "show").splitlines())


def knobs():
    result = {}
    for pattern in KNOBS:
        for path in glob.glob(f"/proc/sys/{pattern}"):
            try:
                result[path.removeprefix("/proc/sys/net/")] = read(path)
            except FileNotFoundError:
                pass  # an interface that went between the listing and this
    return result


def _sorted_parts(table):
    """A table's sets, maps and chains, and their elements, whichever came first."""
    parts = "\n".join(table[1:-1]).split("\n\n")
    parts = [re.sub(r"elements = \{([^}]*)\}",
                    lambda found: ", ".join(sorted(word.strip() for word in found[1].split(","))), part)
             for part in parts]
    return [table[0], *"\n\n".join(sorted(part.strip("\n") for part in parts)).splitlines(), table[-1]]


def ruleset():
    """Who owns a table, and what flags say so, is no part of what it does; nor is the place of anything
    among others: what is made again comes last."""
    tables = []
    for line in run("nft", "--stateless", "list", "ruleset").splitlines():
        if line.startswith("table "):
            tables.append([])
        if not line.startswith("\tflags"):
            tables[-1].append(line.split(" # progname")[0])
    return [line for table in sorted(map(_sorted_parts, tables)) for line in table]


def network_manager():
    """Device -> (its state, its connection), as NetworkManager has them."""
    text = run("nmcli", "--terse", "--escape", "no", "--fields", "DEVICE,STATE,CONNECTION",
               "device", "status")
    return {line.split(":")[0]: tuple(line.split(":")[1:]) for line in text.splitlines()}


def processes(user=SERVICE_USER):
    """Pid -> command line of the processes of that user."""
    uid = pwd.getpwnam(user).pw_uid
    result = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.stat(f"/proc/{entry}").st_uid == uid:
                line = read(f"/proc/{entry}/cmdline").replace("\0", " ").strip()
                if line:
                    result[int(entry)] = line
        except (FileNotFoundError, ProcessLookupError):
            pass  # it ended meanwhile
    return result


def servants():
    """Pid -> command line of what the daemon has started."""
    return {pid: line for pid, line in processes().items() if "dut-networkd" not in line}


def files(top):
    found = []
    for base, dirs, names in os.walk(top):
        found += [os.path.join(base, name) for name in sorted(names) + sorted(dirs)]
    return sorted(found)


def dump():
    """Everything that a network may change and has to give back."""
    return {
        "addresses": addresses(),
        "routes": routes(),
        "rules": rules(),
        "sysctl": knobs(),
        "ruleset": ruleset(),
        "NetworkManager": network_manager(),
        "processes": sorted(servants().values()),
        "state": [path for path in files(STATE) if path not in IDLE_STATE],
    }


def connections():
    """Those that the host translates: none but networks do here."""
    found = []
    if not os.path.exists(CONNTRACK):
        return found
    for line in read(CONNTRACK).splitlines():
        source, answering = re.findall(r"src=(\S+)", line)[:2]
        destination, answered = re.findall(r"dst=(\S+)", line)[:2]
        if (source, destination) != (answered, answering):
            ports = "/".join(re.findall(r"[sd]port=(\d+)", line))
            found.append(f"{line.split()[2]} {source} -> {destination}, "
                         f"{answering} -> {answered} {ports}")
    return found


# Directories that stay, empty, once the service has run.
IDLE_STATE = {f"{STATE}/networks"}
CONNTRACK = "/proc/net/nf_conntrack"


def change(was, now):
    """From one value to another; of lists, what is not in both."""
    if not isinstance(was, list) or not isinstance(now, list):
        return f"{was} -> {now}"
    gone = [item for item in was if item not in now]
    new = [item for item in now if item not in was]
    return f"{gone} -> {new}" if gone or new else f"{was} -> {now}"


def differences(before, after):
    """What differs between two dumps, a line each."""
    lines = []
    for part, was in before.items():
        now = after[part]
        if was == now:
            continue
        if isinstance(was, dict):
            lines += [f"{part}: {key}: {change(was.get(key), now.get(key))}"
                      for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key)]
        else:
            lines += [f"{part}: gone: {line}" for line in was if line not in now]
            lines += [f"{part}: new: {line}" for line in now if line not in was]
            if sorted(was) == sorted(now):
                lines.append(f"{part}: in another order")
            elif not lines:
                lines.append(f"{part}: {len(was)} lines -> {len(now)} lines")
    return lines
