# SPDX-License-Identifier: GPL-2.0-or-later
"""Time, asked from the board as an NTP client does. What the kernel of the lab says of its clock is
not the lab's to change: tests that need a clock that is served say `unsynchronised: serve`."""

import json
import os
import signal
import time

from labkit import bus, host, lan
from labkit.boards import Boards, strict_rp_filter
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, run_full, wait_for

GATEWAY = "192.168.100.1"
ELSEWHERE = "8.8.8.8"
SERVE = {"unsynchronised": "serve"}
SERVER = 4  # the mode of an answer
LOOK_SEC = 16  # how often the daemon looks at the clock

IS_RIGHT, LIBRARY = "/run/lab-clock-is-right", "/run/lab-clock.so"
FAKE_CLOCK = f"""
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

int adjtimex(struct timex *timex)
{{
        memset(timex, 0, sizeof *timex);
        timex->status = access("{IS_RIGHT}", F_OK) == 0 ? 0 : STA_UNSYNC;
        return 0;
}}
"""


def chronyds():
    """Pid -> command line."""
    return {pid: line for pid, line in host.servants().items() if "chronyd" in line}


def the_chronyd():
    pids = list(chronyds())
    equal(len(pids), 1, "the number of chronyds")
    return pids[0]


def files():
    return sorted(name for name in os.listdir(host.RUNTIME) if "chronyd" in name)


def served(lab, **options):
    dut = lab.dut()
    network = lab.create(dut, **{"local_ntp": SERVE, **options})
    dut.dhcp()
    return dut, network


def tells_time(dut, server, stratum=10):
    answer = dut.ask_time(server)
    assert answer, f"{dut.name}: no time from {server}"
    equal((answer["mode"], answer["stratum"], answer["leap"]), (SERVER, stratum, 0),
          f"mode, stratum and leap indicator of {server}")
    assert abs(answer["time"] - time.time()) < 2, answer


def status(network):
    return network.call("GetNtpStatus")


def test_time_is_served_and_asked_for_by_dhcp(lab):
    dut, network = served(lab)
    tells_time(dut, GATEWAY)
    equal(dut.dhcp(options=("-O", "42"))["ntpsrv"], GATEWAY, "DHCP's time server")
    equal({key: status(network)[key] for key in ("enabled", "running", "stratum")},
          {"enabled": True, "running": True, "stratum": 10}, "GetNtpStatus")


def test_others_are_answered_for(lab):
    dut, _ = served(lab)
    for server in (ELSEWHERE, "192.0.2.123", lan.ROUTER, lan.HOST):
        tells_time(dut, server)


def test_real_client_takes_it(lab):
    dut, _ = served(lab)
    done = dut.namespace.run_full("chronyd", "-Q", "-t", 10, "server 192.0.2.123 iburst",
                                  "pidfile /tmp/time-client.pid", timeout=20)
    contains(done.stdout + done.stderr, "System clock wrong by")


def test_honest_about_the_hosts_clock(lab):
    dut, network = served(lab, local_ntp=True)
    said = status(network)
    answer = dut.ask_time(GATEWAY)
    expected = (0, 10) if said["synchronised"] else (3, 0)
    equal((answer["leap"], answer["stratum"]), expected, f"leap indicator and stratum with {said}")
    equal(said["stratum"], expected[1], "GetNtpStatus's stratum")
    pid = the_chronyd()
    network.update(local_ntp=SERVE)
    tells_time(dut, ELSEWHERE)
    equal(pid == the_chronyd(), said["synchronised"], "the same chronyd goes on")


def fake_clock(lab):
    """From its next start on, the daemon alone takes the kernel's clock for one that is right as long
    as the file IS_RIGHT is there."""
    run("cc", "-shared", "-fPIC", "-o", LIBRARY, "-x", "c", "-", stdin=FAKE_CLOCK)
    lab.undo.callback(os.unlink, LIBRARY)
    lab.drop_in(f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY}\n")


def serves_stratum(dut, stratum):
    answer = dut.ask_time(ELSEWHERE)
    return answer and answer["stratum"] == stratum and answer["leap"] == (0 if stratum else 3)


def test_clock_that_becomes_right_and_wrong_is_followed(lab):
    fake_clock(lab)
    dut, network = served(lab, local_ntp=True)
    assert serves_stratum(dut, 0), "the answer with a wrong clock"
    equal(status(network), {"enabled": True, "running": True, "stratum": 0, "synchronised": False},
          "GetNtpStatus")
    lab.write(IS_RIGHT, "")
    wait_for(lambda: serves_stratum(dut, 10), "the right clock is served", LOOK_SEC + 3)
    wait_for(lambda: status(network) == {"enabled": True, "running": True, "stratum": 10,
                                         "synchronised": True}, "GetNtpStatus says so", 1)
    os.unlink(IS_RIGHT)
    wait_for(lambda: serves_stratum(dut, 0), "the wrong clock is not", LOOK_SEC + 3)
    equal(network.get("State"), "active", "the state")


test_clock_that_becomes_right_and_wrong_is_followed.seconds = 90


def test_off_and_on_while_it_runs(lab):
    dut, network = served(lab, local_ntp=False)
    equal(chronyds(), {}, "chronyds")
    equal(dut.ask_time(GATEWAY), None, "the answer of nobody")
    said = status(network)
    equal((said["enabled"], said["running"], said["stratum"]), (False, False, 0), "GetNtpStatus")
    network.update(local_ntp=SERVE)
    tells_time(dut, ELSEWHERE)
    contains(network.call("GetNatRules"), "udp dport 123", "redirect to :123")
    network.update(local_ntp=False)
    equal(dut.ask_time(GATEWAY), None, "the answer of nobody")
    equal((chronyds(), files()), ({}, []), "what is left of it")
    lacks(network.call("GetNatRules"), "redirect")


def test_gateway_address_that_changes_is_followed(lab):
    dut, network = served(lab)
    network.update(subnet="192.168.101.0/24")
    dut.dhcp()
    tells_time(dut, "192.168.101.1")
    tells_time(dut, ELSEWHERE)


def test_twins_have_theirs(lab):
    """From the same address and port to the same one, and each hears its own."""
    strict_rp_filter(lab)
    twins = Boards(lab, 3)
    for k in range(3):
        lab.create(twins.duts[k], local_ntp=SERVE, **twins.settings(k))
    twins.configure()
    equal(len(chronyds()), 3, "chronyds")
    for server in (GATEWAY, ELSEWHERE):
        for dut in twins.duts:
            tells_time(dut, server)
        for dut in twins.duts:
            assert dut.ask_time(server, source_port=123), f"{dut.name}: no time from {server}"
    lab.network("raw1").call("Down")
    for dut in (twins.duts[0], twins.duts[2]):
        tells_time(dut, ELSEWHERE)
    equal(twins.duts[1].ask_time(GATEWAY), None, "the answer of the one that is down")


def test_only_its_own_boards_are_served(lab):
    dut, other = lab.dut(), lab.dut("raw1")
    lab.create(dut, local_ntp=SERVE)
    lab.create(other, subnet="192.168.101.0/24")
    other.dhcp()
    lab.lan.add_route("192.168.100.0/24")
    lab.undo.callback(lab.lan.remove_route, "192.168.100.0/24")
    equal(other.ask_time(GATEWAY), None, "what another network's board hears")
    equal(other.ask_time(ELSEWHERE), None, "what it hears of an address without a time server")
    sock_owner = type(dut).ask_time
    equal(sock_owner(lab.lan, GATEWAY), None, "what the LAN hears")


def test_without_translation_the_gateway_serves(lab):
    dut, _ = served(lab, nat_mode="disabled")
    tells_time(dut, GATEWAY)
    equal(dut.ask_time(ELSEWHERE), None, "the answer of another address")


def test_chronyd_that_dies_is_back(lab):
    dut, network = served(lab)
    signals = lab.signals()
    pid = the_chronyd()
    os.kill(pid, signal.SIGKILL)
    signals.wait_property(network.path, "State", "degraded")
    network.wait_state("active")
    assert the_chronyd() != pid
    tells_time(dut, ELSEWHERE)


def test_restart_and_kill_of_the_daemon_change_nothing(lab):
    dut, network = served(lab)
    pid = the_chronyd()
    for end in (lab.restart_daemon, lab.kill_daemon):
        end()
        tells_time(dut, ELSEWHERE)
        network.wait_state("active")
        equal(the_chronyd(), pid, "chronyd's pid")
        equal(status(network)["running"], True, "running")
    lab.stop_daemon()
    tells_time(dut, GATEWAY)
    lab.start_daemon()
    network.wait_state("active")
    equal(the_chronyd(), pid, "chronyd's pid")
    lab.remove("raw0")
    equal((chronyds(), files()), ({}, []), "what is left of it")


def test_down_leaves_nothing(lab):
    _, network = served(lab)
    network.call("Down")
    equal((chronyds(), files()), ({}, []), "what is left of it")
    equal(status(network)["running"], False, "running")
    network.call("Up")
    equal(len(chronyds()), 1, "chronyds")


def test_without_chronyd_it_is_refused(lab):
    dut = lab.dut()
    lab.drop_in("[Service]\nInaccessiblePaths=/usr/sbin/chronyd\n")
    with refused(bus.ERROR + "Failed", "time", "chronyd"):
        lab.create(dut, local_ntp=True)
    equal(lab.networks(), {}, "networks")
    network = lab.create(dut)
    with refused(bus.ERROR + "Failed", "chronyd"):
        network.update(local_ntp=True)
    equal(status(network)["enabled"], False, "enabled, after the refusal")
    network.wait_state("active")


def test_wrong_values_are_refused(lab):
    dut = lab.dut()
    for value, word in (("maybe", "maybe"), ({"unsynchronised": "yes"}, "serve, refuse"),
                        ({"stratum": "1"}, "stratum")):
        with refused(bus.INVALID_ARGS, "local_ntp", word):
            lab.create(dut, local_ntp=value)


def test_settings_are_given_back(lab):
    _, network = served(lab)
    equal(network.status()["settings"]["local_ntp"], SERVE, "local_ntp in force")
    network.update(local_ntp=True)
    equal(network.status()["settings"]["local_ntp"], True, "local_ntp in force")


def test_command(lab):
    served(lab)
    contains(run("dutnetctl", "ntp-status"), "enabled       yes", "running       yes",
             "stratum       10")
    said = json.loads(run("dutnetctl", "--json", "ntp-status"))
    equal(sorted(said), ["enabled", "running", "stratum", "synchronised"], "the keys")
    equal((said["enabled"], said["stratum"]), (True, 10), "enabled and stratum")
    run("dutnetctl", "update", "local_ntp=false")
    contains(run("dutnetctl", "ntp-status"), "enabled       no", "no time is served")
    contains(run_full("dutnetctl", "update", "local_ntp=perhaps").stderr, "local_ntp", "perhaps")
