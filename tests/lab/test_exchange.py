# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks changed as one by LoadConfig: what one gives up another may have, and all or none."""

from labkit import bus, lan
from labkit.expect import equal, refused
from labkit.whoami import PORT
from test_forwards import who_answers

IN_USE = bus.ERROR + "AddressInUse"
SUBNETS = {"raw0": "192.168.100", "raw1": "192.168.101", "raw2": "192.168.102"}
ONE, TWO = lan.FREE[:2]
# What the host refuses, though the settings go together.
BAD = "upstream_interface: lo"


def network_of(name, *settings):
    subnet = SUBNETS[name]
    lines = (f"interface: {name}", f"subnet: {subnet}.0/24", f"gateway_ip: {subnet}.1", *settings)
    return "- " + "\n  ".join(lines) + "\n"


def forwards(name, port, *settings):
    return network_of(name, f"forwards: [{{port: {port}, ip: {SUBNETS[name]}.10, to_port: {PORT}}}]",
                      *settings)


def maps(name, public_ip, *settings):
    return network_of(name, "nat_mode: 1to1",
                      f"addresses: [{{ip: {SUBNETS[name]}.10, public_ip: {public_ip}}}]", *settings)


def load(lab, *networks):
    lab.bus.manager("LoadConfig", "(s)", "networks:\n" + "".join(networks))


def boards(lab, *names):
    duts = [lab.dut(name) for name in names]
    for dut in duts:
        dut.configure(f"{SUBNETS[dut.name]}.10/24", f"{SUBNETS[dut.name]}.1")
        dut.serve()
    return duts


def lead(lab, *ports):
    """Whose board each port of the host leads to."""
    return [who_answers(lab.duts, lab.lan.namespace, port) for port in ports]


def seen_as(lab, duts):
    """How the LAN sees each board, and reaches it."""
    addresses = [dut.source_at(lan.ROUTER) for dut in duts]
    for address in addresses:
        assert lab.lan.reaches(address), f"{address} is not reached"
    return addresses


def test_ports_are_exchanged(lab):
    boards(lab, "raw0", "raw1")
    load(lab, forwards("raw0", 2222), forwards("raw1", 2224))
    load(lab, forwards("raw0", 2224), forwards("raw1", 2222))
    equal(lead(lab, 2222, 2224), [["raw1"], ["raw0"]], "where they lead")
    load(lab, forwards("raw1", 2224), forwards("raw0", 2222))
    equal(lead(lab, 2222, 2224), [["raw0"], ["raw1"]], "where they lead again")


def test_public_addresses_are_exchanged(lab):
    duts = boards(lab, "raw0", "raw1")
    load(lab, maps("raw0", ONE), maps("raw1", TWO))
    equal(seen_as(lab, duts), [ONE, TWO], "the addresses")
    load(lab, maps("raw0", TWO), maps("raw1", ONE))
    equal(seen_as(lab, duts), [TWO, ONE], "the addresses")
    lab.remove("raw1")
    equal(duts[0].source_at(lan.ROUTER), TWO, "the address of the one that stays")
    assert lab.lan.reaches(TWO), "the one that stays is not reached"


def test_what_the_pool_chose_stays(lab):
    """What one is to choose anew is not what another of them has chosen."""
    boards(lab, "raw0", "raw1")
    pool = f"public_pool: {lan.FREE[0]}-{lan.FREE[9]}"

    def pooled(name, *hosts):
        entries = ", ".join(f"{{ip: {SUBNETS[name]}.{host}, public_ip: auto}}" for host in hosts)
        return network_of(name, "nat_mode: 1to1", pool, f"addresses: [{entries}]")

    def chosen():
        return {entry["ip"]: entry["public_ip"] for name in ("raw0", "raw1")
                for entry in lab.network(name).get("Addresses")}
    load(lab, pooled("raw0", 10), pooled("raw1", 10, 11, 12))
    before = chosen()
    load(lab, pooled("raw0", 10, 11, 12, 13, 14), pooled("raw1", 10, 11, 12, 13, 14))
    after = chosen()
    equal({ip: after[ip] for ip in before}, before, "what was chosen before")
    equal(len(set(after.values())), 10, "how many different addresses there are")


def test_a_new_network_has_what_another_gives_up(lab):
    boards(lab, "raw0", "raw1", "raw2")
    load(lab, forwards("raw0", 2222), maps("raw1", ONE))
    load(lab, maps("raw2", ONE), forwards("raw0", 2224), forwards("raw1", 2222))
    equal(lead(lab, 2222, 2224), [["raw1"], ["raw0"]], "where the ports lead")
    equal(lab.duts[2].source_at(lan.ROUTER), ONE, "the address of the new one")


def test_what_two_are_to_have_is_refused(lab):
    """And what one has that is not changed."""
    boards(lab, "raw0", "raw1", "raw2")
    load(lab, forwards("raw0", 2222), forwards("raw1", 2224), forwards("raw2", 2226))
    for text in ((forwards("raw0", 2224), forwards("raw1", 2224)),
                 (forwards("raw1", 2222), forwards("raw0", 2222)),
                 (forwards("raw0", 2224), forwards("raw1", 2226))):
        with refused(IN_USE, "forwards", "port 222"):
            load(lab, *text)
        equal(lead(lab, 2222, 2224, 2226), [["raw0"], ["raw1"], ["raw2"]], "where they lead")
        equal([lab.network(name).get("State") for name in SUBNETS], ["active"] * 3, "the states")


def test_an_exchange_that_fails_is_taken_back(lab):
    """Whether the one that fails is one of the two, before them or after."""
    boards(lab, "raw0", "raw1")
    lab.dut("raw2")
    before = (forwards("raw0", 2222), forwards("raw1", 2224))
    load(lab, *before)
    for text in ((forwards("raw0", 2224), forwards("raw1", 2222), network_of("raw2", BAD)),
                 (network_of("raw2", BAD), forwards("raw0", 2224), forwards("raw1", 2222)),
                 (forwards("raw0", 2224), forwards("raw1", 2222, BAD)),
                 (forwards("raw1", 2222), forwards("raw0", 2224, BAD))):
        with refused(bus.INVALID_ARGS, "upstream_interface", "lo"):
            load(lab, *text)
        equal(lead(lab, 2222, 2224), [["raw0"], ["raw1"]], "where they lead")
        equal(lab.networks().keys(), {"raw0", "raw1"}, "the networks")
        equal([lab.network(name).get("State") for name in ("raw0", "raw1")], ["active"] * 2, "the states")


def test_an_exchange_of_addresses_that_fails_is_taken_back(lab):
    duts = boards(lab, "raw0", "raw1")
    lab.dut("raw2")
    load(lab, maps("raw0", ONE), maps("raw1", TWO))
    with refused(bus.INVALID_ARGS, "upstream_interface", "lo"):
        load(lab, maps("raw0", TWO), maps("raw1", ONE, BAD))
    equal(seen_as(lab, duts), [ONE, TWO], "the addresses")
    with refused(bus.INVALID_ARGS, "upstream_interface", "lo"):
        load(lab, maps("raw0", TWO), maps("raw1", ONE), network_of("raw2", BAD))
    equal(seen_as(lab, duts), [ONE, TWO], "the addresses")
