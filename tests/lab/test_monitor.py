# SPDX-License-Identifier: GPL-2.0-or-later
"""`dutnetctl monitor`: states and leases as they happen, and over a restart of the service."""

import json

from labkit import host
from labkit.expect import contains, equal
from labkit.process import run, wait_for

MAC, OTHER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:77"
JSON, TEXT = "/tmp/monitor.json", "/tmp/monitor.txt"
PATIENCE = 20


def start(lab):
    """Both kinds at once; they have heard of something when this returns."""
    for path, options in ((JSON, ["--json"]), (TEXT, [])):
        with open(lab.write(path, ""), "w", encoding="utf-8") as out:
            lab.start("dutnetctl", *options, "monitor", stdout=out)

    def hear():
        lab.network("raw0").add_dns("heard.lab", "10.1.2.7")
        return all("heard.lab" in host.read(path) for path in (JSON, TEXT))

    wait_for(hear, "the monitors hear", PATIENCE)


def events(member=None, **arguments):
    with open(JSON, encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines if line.endswith("\n")]
    return [event for event in found
            if member in (None, event["event"])
            and all(arguments[key].items() <= event[key].items() for key in arguments)]


def wait_event(member, **arguments):
    return wait_for(lambda: events(member, **arguments), f"{member} {arguments}", PATIENCE)


def wait_state(state):
    return wait_event("PropertiesChanged", properties={"State": state})


def wait_text(words):
    wait_for(lambda: words in host.read(TEXT), f"{words!r} in the text", PATIENCE)


def test_states_and_leases_as_they_happen(lab):
    dut = lab.dut()
    network = lab.create(dut)
    start(lab)
    ip = dut.dhcp()["ip"]
    wait_event("LeaseAdded", lease={"mac": MAC, "ip": ip})
    network.call("Down")
    network.call("Up")
    wait_state("active")
    states = [event["properties"]["State"] for event in events("PropertiesChanged")
              if "State" in event["properties"]]
    equal(states, ["deactivating", "inactive", "activating", "active"], "the states")
    wait_text("raw0: active")
    contains(host.read(TEXT), f"raw0: lease added {ip} {MAC}", "raw0: inactive")
    lab.remove(dut)
    wait_event("InterfacesRemoved")
    wait_text("raw0: network removed")


def test_restart_of_the_service(lab):
    """What happens meanwhile is told afterwards, what was told before is not told again."""
    dut = lab.dut()
    network = lab.create(dut)
    first = dut.dhcp()["ip"]
    wait_for(network.leases, "the lease is known", PATIENCE)
    start(lab)
    lab.stop_daemon()
    wait_text("service: stopped")
    dut.run("ip", "link", "set", "eth0", "address", OTHER_MAC)
    second = dut.dhcp()["ip"]
    assert not lab.bus.has_owner(), "it has started the service"
    lab.start_daemon()
    wait_text("service: running")
    wait_event("LeaseAdded", lease={"mac": OTHER_MAC, "ip": second})
    wait_text(f"raw0: lease added {second} {OTHER_MAC}")
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the service is back", PATIENCE)
    network.call("Down")
    wait_state("inactive")
    equal(len(events("LeaseAdded")), 1, "the number of leases that were added")
    equal(events("LeaseAdded", lease={"ip": first}), [], "what is said of the old lease")
    equal(events("InterfacesAdded"), [], "networks that were added")
    equal(len(events("NameOwnerChanged")), 4, "how often the service came or went")


def test_network_that_goes_while_the_service_is_away(lab):
    lab.dut()
    path = lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    lab.network("raw0").wait_state("active", deadline=PATIENCE)
    start(lab)
    lab.stop_daemon()
    run("rm", path)
    lab.start_daemon()
    wait_event("InterfacesRemoved")
    equal(len(events("InterfacesRemoved")), 1, "how often it was removed")


def test_service_that_comes_later(lab):
    lab.dut()
    lab.create("raw0")
    lab.stop_daemon()
    lab.calls("GetManagedObjects")
    for path, options in ((JSON, ["--json"]), (TEXT, [])):
        with open(lab.write(path, ""), "w", encoding="utf-8") as out:
            child = lab.start("dutnetctl", *options, "monitor", stdout=out)
        lab.calls("GetManagedObjects").wait(child)
    assert not lab.bus.has_owner(), "it has started the service"
    lab.start_daemon()
    wait_event("InterfacesAdded")
    wait_state("active")
    wait_text("raw0: active")
    equal(len(events("InterfacesAdded")), 1, "how often it was added")
