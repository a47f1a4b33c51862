# SPDX-License-Identifier: GPL-2.0-or-later
"""`dutnetctl wait`: what is so ends it at once, what comes about ends it then, and what cannot come
about any more ends it too."""

import json
import subprocess
import time

from labkit import host, whoami
from labkit.expect import contains, equal
from labkit.process import as_user, run, run_full, wait_for

MAC = "02:00:00:00:00:01"
OTHER_MAC = "02:00:00:00:00:77"
# The LAN's and the boards' whoami servers have another one.
PORT = 7022
PATIENCE = 20


class Waiting:
    """The command, started and listening to the service, or ended already."""

    def __init__(self, lab, *arguments, user=None):
        calls = lab.calls("ListNetworks")
        command = ("dutnetctl", *arguments)
        self.child = lab.start(*(as_user(user, *command) if user else command),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        calls.wait(self.child)

    def is_waiting(self):
        return self.child.poll() is None

    def ends(self, code=0):
        """What it has written to stdout when all is well, else to stderr."""
        try:
            out, errors = self.child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError("it still waits") from None
        equal(self.child.returncode, code, f"the exit code ({out!r}, {errors!r})")
        equal(errors if code == 0 else out, "", "the other stream")
        return out if code == 0 else errors


def now(*arguments, **options):
    """For what is so already."""
    return run("dutnetctl", "--no-ask-password", *arguments, "--timeout", PATIENCE, **options)


def refused(code, *arguments, says=()):
    done = run_full("dutnetctl", *arguments)
    equal(done.returncode, code, f"the exit code of {arguments} ({done.stderr!r})")
    equal(done.stdout, "", "stdout")
    contains(done.stderr, *says)


# States


def test_active_already(lab):
    lab.dut()
    lab.create("raw0")
    equal(now("wait"), "", "what it prints")
    equal(json.loads(now("--json", "wait", "--state", "active")),
          {"interface": "raw0", "state": "active"}, "the JSON")


def test_network_that_comes_later(lab):
    lab.dut()
    named, unnamed = Waiting(lab, "-i", "raw0", "wait"), Waiting(lab, "wait")
    other = Waiting(lab, "-i", "raw7", "wait", "--timeout", "300")
    lab.create("raw0")
    named.ends()
    unnamed.ends()
    assert other.is_waiting(), "another network's was taken for it"


def test_each_state(lab):
    dut = lab.dut()
    network = lab.create(dut)
    for method, state in (("Down", "inactive"), ("Up", "active"), ("Down", "deactivating"),
                          ("Up", "activating")):
        waiting = Waiting(lab, "wait", "--state", state)
        network.call(method)
        waiting.ends()
    lab.create("raw8", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    now("-i", "raw8", "wait", "--state", "waiting")


def test_network_that_fails(lab):
    lab.dut()
    with_port = lab.start("socat", "-u", "TCP4-LISTEN:53,reuseaddr,fork", "OPEN:/dev/null")
    wait_for(lambda: ":0035 " in host.read("/proc/net/tcp"), "the port is taken", PATIENCE)
    active, failed = Waiting(lab, "-i", "raw0", "wait"), Waiting(lab, "wait", "--state", "failed")
    lab.configure("one.yaml", "interface: raw0\n")
    run_full("dutnetctl", "reload")
    lab.network("raw0").wait_state("failed", deadline=PATIENCE)
    contains(active.ends(1), "raw0: the network has failed: ", "dnsmasq")
    failed.ends()
    refused(1, "wait", "--timeout", PATIENCE, says=["raw0: the network has failed: ", "dnsmasq"])
    with_port.terminate()
    with_port.wait()


def test_network_that_is_removed(lab):
    lab.dut()
    lab.create("raw0")
    waiting = [Waiting(lab, *options, "wait", *goal) for options, goal in (
        ((), ("--state", "inactive")), (("-i", "raw0"), ("--lease", MAC)), ((), ("--port", PORT)))]
    lab.network("raw0").call("Down")
    waiting.pop(0).ends()
    lab.remove("raw0")
    for each in waiting:
        equal(each.ends(1), "raw0: the network has been removed\n", "its words")


# Leases


def test_lease_that_comes(lab):
    dut = lab.dut()
    lab.create(dut)
    goals = (("--lease", MAC), ("--lease", MAC.upper()), ("--lease", "BOARD"))
    waiting = [Waiting(lab, "wait", *goal) for goal in goals]
    shown = Waiting(lab, "--json", "wait", "--lease", "board")
    ip = dut.dhcp(hostname="Board")["ip"]
    for each in waiting:
        equal(each.ends(), f"{ip}\n", "what it prints")
    lease = json.loads(shown.ends())
    equal(lease, json.loads(run("dutnetctl", "--json", "leases"))[0], "the JSON")
    equal(now("wait", "--lease", MAC), f"{ip}\n", "what it prints of a lease that is there")


def test_lease_of_another(lab):
    dut = lab.dut()
    network = lab.create(dut)
    waiting = Waiting(lab, "wait", "--lease", OTHER_MAC)
    named = Waiting(lab, "wait", "--lease", "boar")
    dut.dhcp(hostname="board")
    wait_for(network.leases, "the lease is known", PATIENCE)
    dut.run("ip", "link", "set", "eth0", "address", OTHER_MAC)
    ip = dut.dhcp(hostname="boar")["ip"]
    equal(waiting.ends(), f"{ip}\n", "what it prints")
    equal(named.ends(), f"{ip}\n", "what it prints")


# Ports


def test_port_that_opens_later(lab):
    dut = lab.dut()
    lab.create(dut)
    first = Waiting(lab, "wait", "--port", PORT)
    ip = dut.dhcp()["ip"]
    second = Waiting(lab, "--json", "wait", "--port", PORT)
    refused(1, "wait", "--port", PORT, "--timeout", "1.5",
            says=[f"raw0: no answer on port {PORT} after 1.5 s; the network is active"])
    assert first.is_waiting() and second.is_waiting(), "they found an open port"
    dut.serve(PORT)
    equal(first.ends(), f"{ip}\n", "what it prints")
    equal(json.loads(second.ends()), {"ip": ip, "port": PORT}, "the JSON")
    equal(now("wait", "--port", PORT), f"{ip}\n", "what it prints of a port that is open")


def test_port_of_a_board_without_a_lease(lab):
    dut = lab.dut()
    network = lab.create(dut, addresses=[{"ip": "192.168.100.9"}])
    waiting = Waiting(lab, "wait", "--port", PORT)
    dut.configure("192.168.100.10/24", "192.168.100.1")
    dut.serve(PORT)
    network.add_address("192.168.100.10")
    equal(waiting.ends(), "192.168.100.10\n", "what it prints")


def test_port_of_one_board(lab):
    """Another's open port does not count, nor does one before the board has its lease."""
    dut = lab.dut()
    network = lab.create(dut, addresses=[{"ip": "192.168.100.9"}])
    dut.configure("192.168.100.9/24", "192.168.100.1")
    dut.serve(PORT)
    equal(now("wait", "--port", PORT), "192.168.100.9\n", "what answers")
    waiting = Waiting(lab, "wait", "--port", PORT, "--lease", "board")
    dut.dhcp(hostname="shelf")
    wait_for(network.leases, "the first lease is known", PATIENCE)
    assert waiting.is_waiting(), "another's port was taken for it"
    dut.run("ip", "link", "set", "eth0", "address", OTHER_MAC)
    ip = dut.dhcp(hostname="board")["ip"]
    equal(waiting.ends(), f"{ip}\n", "what it prints")


def test_port_is_tried_on_the_network_alone(lab):
    """The LAN has the same address, and an open port there."""
    lab.lan.run("ip", "address", "add", "192.168.100.10/32", "dev", "lan0")
    server = whoami.Server(lab.lan.namespace, PORT)
    lab.undo.callback(server.close)
    lab.undo.callback(lab.lan.run, "ip", "address", "delete", "192.168.100.10/32", "dev", "lan0")
    lab.dut()
    network = lab.create("raw0", addresses=[{"ip": "192.168.100.10"}])
    network.call("Down")
    for state in ("inactive", "active"):
        equal(network.get("State"), state, "State")
        refused(1, "wait", "--port", PORT, "--timeout", "1.5", says=[state])
        network.call("Up")


# Around it


def test_timeouts(lab):
    lab.dut()
    lab.networks()
    began = time.monotonic()
    nobody = Waiting(lab, "wait", "--lease", MAC, "--timeout", "1.5")
    named = Waiting(lab, "-i", "raw7", "wait", "--timeout", "1.50")
    equal(nobody.ends(1), "there is no network after 1.5 s\n", "its words")
    equal(named.ends(1), "raw7: there is no network on this interface after 1.50 s\n", "its words")
    assert time.monotonic() - began >= 1.5, "it gave up early"
    lab.create("raw0")
    lease = Waiting(lab, "wait", "--lease", MAC, "--timeout", "1.5")
    state = Waiting(lab, "wait", "--state", "failed", "--timeout", "1.5")
    equal(lease.ends(1), f"raw0: no lease of {MAC} after 1.5 s; the network is active\n", "its words")
    equal(state.ends(1), "raw0: not failed after 1.5 s; the network is active\n", "its words")


def test_timeout_without_the_service(lab):
    lab.dut()
    lab.create("raw0")
    waiting = Waiting(lab, "wait", "--lease", MAC, "--timeout", "2.5")
    lab.stop_daemon()
    equal(waiting.ends(1), f"raw0: no lease of {MAC} after 2.5 s: the service does not answer\n",
          "its words")
    lab.start_daemon()


def test_several_networks_want_a_choice(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.create("raw0")
    lab.create("raw1", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    refused(1, "wait", "--timeout", PATIENCE, says=["raw0", "raw1", "-i"])
    now("-i", "raw1", "wait")


def test_wrong_usage(lab):
    states = ("inactive", "waiting", "activating", "active", "degraded", "deactivating", "failed")
    refused(2, "wait", "--state", "up", says=["--state", '"up"', *states])
    for option, text in (("--lease", "no name!"), ("--port", "0"), ("--port", "65536"),
                         ("--port", "ssh"), ("--timeout", "0"), ("--timeout", "-1"),
                         ("--timeout", "soon")):
        refused(2, "wait", option, text, says=[option, f'"{text}"'])
    refused(2, "wait", "--state", "active", "--port", PORT, says=["--state", "--port"])
    refused(2, "-H", "nowhere.invalid", "wait", "--port", PORT, says=["--port", "--host"])
    refused(2, "list", "--timeout", "1", says=["list", "--timeout"])
    refused(2, "wait", "active", says=["no arguments"])


def test_service_restarted_meanwhile(lab):
    """Also what happens while it is away is not missed."""
    dut = lab.dut()
    lab.dut("raw1")
    network = lab.create(dut)
    waiting = [Waiting(lab, "wait", "--lease", MAC), Waiting(lab, "wait", "--port", PORT),
               Waiting(lab, "-i", "raw0", "wait", "--state", "inactive"),
               Waiting(lab, "-i", "raw1", "wait")]
    lab.stop_daemon()
    ip = dut.dhcp()["ip"]
    dut.serve(PORT)
    assert waiting[0].is_waiting() and waiting[3].is_waiting(), "it ended with the service"
    assert not lab.bus.has_owner(), "the service was started"
    lab.start_daemon()
    equal(waiting[0].ends(), f"{ip}\n", "the lease's address")
    equal(waiting[1].ends(), f"{ip}\n", "the address that answered")
    assert waiting[2].is_waiting(), "a restart was taken for a state"
    lab.kill_daemon()
    wait_for(lab.bus.has_owner, "the service is back", PATIENCE)
    network.call("Down")
    waiting[2].ends()
    lab.create("raw1", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    waiting[3].ends()


def test_removed_while_the_service_is_away(lab):
    lab.dut()
    path = lab.configure("one.yaml", "interface: raw0\n")
    lab.reload()
    lab.network("raw0").wait_state("active", deadline=PATIENCE)
    waiting = Waiting(lab, "wait", "--lease", MAC)
    lab.stop_daemon()
    run("rm", path)
    lab.start_daemon()
    equal(waiting.ends(1), "raw0: the network has been removed\n", "its words")


def test_service_is_started(lab):
    lab.dut()
    lab.stop_daemon()
    waiting = Waiting(lab, "wait")
    wait_for(lab.bus.has_owner, "the service runs", PATIENCE)
    lab.create("raw0")
    waiting.ends()


def test_ordinary_users_may_wait(lab):
    dut = lab.dut()
    lab.create(dut)
    waiting = [Waiting(lab, "wait", *goal, user="lab-alice")
               for goal in (("--lease", MAC), ("--port", PORT), ("--lease", MAC, "--port", PORT))]
    Waiting(lab, "wait", user="lab-alice").ends()
    dut.serve(PORT)
    ip = dut.dhcp()["ip"]
    for each in waiting:
        equal(each.ends(), f"{ip}\n", "what it prints")


def test_nothing_is_missed_between_reading_and_hearing(lab):
    """The change comes at any moment of the command's start."""
    lab.dut()
    network = lab.create("raw0")
    for turn in range(12):
        method, state = (("Down", "inactive"), ("Up", "active"))[turn % 2]
        child = lab.start("dutnetctl", "wait", "--state", state, "--timeout", PATIENCE)
        time.sleep(turn * 0.001)
        network.call(method)
        equal(child.wait(PATIENCE + 5), 0, "the exit code")
