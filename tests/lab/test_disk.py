# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that are full, read-only or gone: a change is done, or refused with nothing half-written, and
what runs goes on."""

import contextlib
import ctypes
import errno
import os

from labkit import bus, host, lan
from labkit.expect import contains, equal, refused
from labkit.process import run, wait_for

NETWORKS = f"{host.STATE}/networks"
NO_SPACE = "No space left on device"
READ_ONLY = "Read-only file system"
PUBLIC = "10.77.0.100"

libc = ctypes.CDLL(None, use_errno=True)
FSCONFIG, FSPICK = 431, 433
FSCONFIG_SET_FLAG, FSCONFIG_CMD_RECONFIGURE = 0, 7
AT_FDCWD = -100


def own_disk(lab, directory=host.STATE):
    """A small file system of its own below the daemon, which is stopped."""
    lab.stop_daemon()
    os.makedirs(directory, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=512k,mode=755", "lab-disk", directory)
    lab.undo.callback(run, "umount", directory)
    lab.undo.callback(lab.stop_daemon)


@contextlib.contextmanager
def full(directory):
    """Not a byte more fits."""
    path = os.path.join(directory, "ballast")
    with open(path, "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(4096))
        except OSError as error:
            equal(error.errno, errno.ENOSPC, "why the ballast ends")
    try:
        yield
    finally:
        os.unlink(path)


def set_flag(directory, flag):
    """On the file system itself, as one does that has met errors; mount(8) would change what is seen
    of it in this mount namespace, too."""
    fd = libc.syscall(FSPICK, AT_FDCWD, directory.encode(), 0)
    assert fd >= 0, os.strerror(ctypes.get_errno())
    for command, key in ((FSCONFIG_SET_FLAG, flag.encode()), (FSCONFIG_CMD_RECONFIGURE, None)):
        done = libc.syscall(FSCONFIG, fd, command, key, None, 0)
        assert done == 0, os.strerror(ctypes.get_errno())
    os.close(fd)


@contextlib.contextmanager
def read_only(directory):
    set_flag(directory, "ro")
    try:
        yield
    finally:
        set_flag(directory, "rw")


def contents(directory=host.STATE):
    """Path -> text of all that we keep; dnsmasq's own leases and the ballast aside."""
    return {path: host.read(path) for path in host.files(directory)
            if os.path.isfile(path) and not path.endswith(("dnsmasq.leases", "/ballast"))}


def picture(network):
    """Memory, disk and kernel."""
    return network.properties(), contents(), contents(host.RUNTIME), host.dump()


def same(network, before):
    for what, was, now in zip(("properties", "state", "journal"), before, picture(network)):
        equal(now, was, f"the {what}")
    state = [path for path in host.dump()["state"] if not path.endswith("/ballast")]
    equal(host.differences(before[3], {**host.dump(), "state": state}), [], "what differs")


def one_to_one(lab, **settings):
    dut = lab.dut()
    network = lab.create(dut, nat_mode="1to1",
                         addresses=[{"ip": "192.168.100.10", "public_ip": PUBLIC}], **settings)
    network.add_dns("a.lab", "10.1.1.1")
    network.add_address("192.168.100.20", hostname="twenty")
    network.update(take_default_route=True)  # so that what is kept in /run is of just now
    return network


SECOND = "interface: raw1\nsubnet: 192.168.101.0/24\ngateway_ip: 192.168.101.1\n"


def changes(lab, network):
    """Every way to change something that is kept."""
    return {
        "CreateNetwork": lambda: lab.create("raw1", subnet="192.168.101.0/24",
                                            gateway_ip="192.168.101.1"),
        "LoadConfig": lambda: lab.bus.manager("LoadConfig", "(s)", SECOND),
        "Update of a key": lambda: network.update(dhcp_lease_time="3h"),
        "Update of entries": lambda: network.update(
            addresses=[{"ip": "192.168.100.11", "public_ip": "10.77.0.101"}]),
        "Update of the subnet": lambda: network.update(
            subnet="192.168.105.0/24", gateway_ip="192.168.105.1",
            addresses=[{"ip": "192.168.105.11", "public_ip": PUBLIC}]),
        "AddAddress": lambda: network.add_address("192.168.100.30", public_ip="10.77.0.103"),
        "RemoveAddress": lambda: network.remove_address("192.168.100.10"),
        "AddDnsEntry": lambda: network.add_dns("b.lab", "10.1.1.2"),
        "RemoveDnsEntry": lambda: network.remove_dns("a.lab"),
    }


def test_full_disk_refuses_each_change_and_changes_nothing(lab):
    own_disk(lab)
    lab.dut("raw1")
    network = one_to_one(lab)
    before = picture(network)
    for name, change in changes(lab, network).items():
        with full(host.STATE):
            with refused(bus.ERROR + "Failed", NO_SPACE, host.STATE) as refusal:
                change()
            assert refusal.message, name
            same(network, before)
    equal(list(lab.networks()), ["raw0"], "the networks")


def test_changes_work_again_when_there_is_room(lab):
    own_disk(lab)
    lab.dut("raw1")
    network = one_to_one(lab)
    with full(host.STATE), refused(bus.ERROR + "Failed", NO_SPACE):
        network.add_address("192.168.100.30")
    for name, change in changes(lab, network).items():
        if name == "LoadConfig":
            lab.remove("raw1")
        if name == "Update of the subnet":
            continue
        if name.startswith("Update of entries"):
            network.update(addresses=[{"ip": "192.168.100.10", "public_ip": PUBLIC}])
            continue
        change()
    equal([entry["ip"] for entry in network.get("Addresses")], ["192.168.100.30"], "the addresses")
    equal(network.get("DnsEntries"), [("b.lab", "10.1.1.2")], "the DNS entries")
    lab.restart_daemon()
    network.wait_state("active")
    equal([entry["ip"] for entry in network.get("Addresses")], ["192.168.100.30"],
          "the addresses after a restart")


def test_full_disk_leaves_the_board_its_network(lab):
    own_disk(lab)
    dut = lab.dut()
    network = lab.create(dut)
    with full(host.STATE):
        equal(dut.dhcp()["ip"], "192.168.100.100", "the address")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
        equal(network.get("State"), "active", "State")


def test_removal_needs_no_room(lab):
    own_disk(lab)
    own_disk(lab, host.RUNTIME)
    network = one_to_one(lab)
    assert os.path.exists(f"{NETWORKS}/raw0.yaml")
    assert network
    with full(host.STATE), full(host.RUNTIME):
        lab.remove("raw0")
        equal([path for path in host.files(host.STATE) if "raw0" in path], [], "what is left")
    lab.unchanged()


def test_full_run_refuses_each_change_before_the_host_is_touched(lab):
    own_disk(lab, host.RUNTIME)
    lab.dut("raw1")
    network = one_to_one(lab)
    before = picture(network)
    needs_journal = {name: change for name, change in changes(lab, network).items()
                     if "Dns" not in name and name != "RemoveAddress"}
    for change in (*needs_journal.values(), lambda: network.call("Down")):
        with full(host.RUNTIME):
            with refused(bus.ERROR + "Failed", NO_SPACE, host.RUNTIME):
                change()
            properties, state, _, dump = before
            equal((network.properties(), contents()), (properties, state), "the network")
            equal(host.differences(dump, host.dump()), [], "what differs")
    equal(list(lab.networks()), ["raw0"], "the networks")


def test_full_run_lets_a_restarted_daemon_adopt(lab):
    own_disk(lab, host.RUNTIME)
    network = one_to_one(lab)
    pid = network.dnsmasq()
    with full(host.RUNTIME):
        lab.kill_daemon()
        wait_for(lab.bus.has_owner, "the daemon is back")
        network.wait_state("active")
    equal(network.dnsmasq(), pid, "dnsmasq's pid")


def test_reload_on_a_full_disk(lab):
    own_disk(lab)
    lab.dut()
    lab.networks()
    with full(host.STATE):
        lab.configure("raw0.yaml", "interface: raw0\n")
        with refused(bus.ERROR + "Failed", NO_SPACE):
            lab.reload()
        run("ip", "link", "show", "raw0")
    lab.reload()
    lab.network("raw0").wait_state("active")


def test_read_only_disk_refuses_changes_and_keeps_what_runs(lab):
    own_disk(lab)
    lab.dut("raw1")
    network = one_to_one(lab, dhcp_enabled=False)
    before = picture(network)
    with read_only(host.STATE):
        for change in (*changes(lab, network).values(), lambda: lab.remove("raw0")):
            with refused(bus.ERROR + "Failed", READ_ONLY, host.STATE):
                change()
            same(network, before)
        contains(run("dutnetctl", "-i", "raw0", "status"), "active")
    network.add_dns("b.lab", "10.1.1.2")
    network.update(dns_servers=["10.77.0.1"])
    lab.remove("raw0")
    lab.unchanged()


def test_transient_network_goes_with_its_caller_from_a_read_only_disk(lab):
    own_disk(lab)
    lab.dut()
    client = lab.client()
    client.manager("CreateNetwork", "(a{sv})",
                   bus.settings({"interface": "raw0", "transient": True, "dhcp_enabled": False}))
    with read_only(host.STATE):
        client.close()
        wait_for(lambda: not lab.networks(), "the network is gone")
        equal(host.ruleset(), lab.before["ruleset"], "the rule set")
    run("rm", "-r", f"{host.STATE}/dut-network-raw0")


def test_down_works_on_a_read_only_disk(lab):
    own_disk(lab)
    network = one_to_one(lab, dhcp_enabled=False)
    with read_only(host.STATE):
        network.call("Down")
        equal(network.get("State"), "inactive", "State")
        equal([line for line in run("ip", "address").splitlines() if PUBLIC in line], [], PUBLIC)
        with refused(bus.ERROR + "Failed", READ_ONLY, host.STATE):
            network.call("Up")  # dnsmasq has its pid to write
    network.call("Up")
    equal(network.get("State"), "active", "State")


def restarts_on_read_only(lab, restart):
    own_disk(lab)
    network = one_to_one(lab, dhcp_enabled=False)
    properties, pid, before = network.properties(), network.dnsmasq(), host.dump()
    with read_only(host.STATE):
        restart()
        wait_for(lab.bus.has_owner, "the daemon is back")
        network.wait_state("active")
        equal(network.properties(), properties, "the properties")
        equal(network.dnsmasq(), pid, "dnsmasq's pid")
        equal(host.differences(before, host.dump()), [], "what differs")
        with refused(bus.ERROR + "Failed", READ_ONLY):
            network.add_dns("b.lab", "10.1.1.2")
    network.add_dns("b.lab", "10.1.1.2")
    equal(len(network.get("DnsEntries")), 2, "the number of DNS entries")


def test_restarted_daemon_adopts_on_a_read_only_disk(lab):
    restarts_on_read_only(lab, lab.restart_daemon)


def test_killed_daemon_adopts_on_a_read_only_disk(lab):
    restarts_on_read_only(lab, lab.kill_daemon)


def test_daemon_that_cannot_write_at_its_start_keeps_the_network(lab):
    own_disk(lab)
    network = one_to_one(lab)
    before, hosts = host.dump(), f"{network.get('StateDir')}/dhcp-hosts"
    lab.stop_daemon()
    os.unlink(hosts)
    with full(host.STATE):
        lab.start_daemon()
        network.wait_state("degraded")
        contains(network.get("Error"), hosts, NO_SPACE)
        now = host.dump()
        equal(host.differences({**before, "state": now["state"]}, now), [], "what differs")
    network.wait_state("active", deadline=35)
    equal(network.get("Error"), "", "Error")


def test_files_that_are_gone_do_not_take_the_network_down(lab):
    """As where the file system of /var is not there at the daemon's start."""
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    before = host.dump()
    lab.stop_daemon()
    run("mount", "-t", "tmpfs", "-o", "mode=755", "lab-empty", host.STATE)
    try:
        lab.start_daemon()
        network.wait_state("active", "degraded")
        now = host.dump()
        equal(host.differences({key: before[key] for key in ("addresses", "routes", "ruleset")},
                               now), [], "what differs")
        equal(dut.source_at(lan.ROUTER), lan.HOST, "the source")
        lab.stop_daemon()
    finally:
        run("umount", host.STATE)
    lab.start_daemon()
    network.wait_state("active", deadline=10)


def test_state_directory_that_vanished(lab):
    dut = lab.dut()
    network = lab.create(dut)
    directory = network.get("StateDir")
    os.rename(directory, f"{directory}.away")
    try:
        with refused(bus.ERROR + "Failed", directory, "No such file or directory"):
            network.add_dns("a.lab", "10.1.1.1")
        with refused(bus.ERROR + "Failed", directory, "No such file or directory"):
            network.add_address("192.168.100.30")
        equal(network.get("State"), "active", "State")
    finally:
        os.rename(f"{directory}.away", directory)
    network.add_dns("a.lab", "10.1.1.1")
    dut.dhcp()


def test_log_that_cannot_be_read_leaves_the_network_up(lab):
    dut = lab.dut()
    network = lab.create(dut)
    log = f"{network.get('StateDir')}/entries.log"
    network.add_dns("a.lab", "10.1.1.1")
    lab.stop_daemon()
    os.rename(log, f"{log}.away")
    os.mkdir(log)
    try:
        lab.start_daemon()
        network.wait_state("active")
        with refused(bus.ERROR + "Failed", log):
            network.add_dns("b.lab", "10.1.1.2")
        lab.stop_daemon()
    finally:
        os.rmdir(log)
        os.rename(f"{log}.away", log)
    lab.start_daemon()
    network.wait_state("active")
    equal(network.get("DnsEntries"), [("a.lab", "10.1.1.1")], "the DNS entries")


def test_half_a_file_of_a_lost_network_is_swept_away(lab):
    lab.dut()
    lab.create("raw0")
    lab.stop_daemon()
    with open(f"{NETWORKS}/raw0.yaml.new", "w", encoding="ascii") as file:
        file.write("interface: ra")
    lab.start_daemon()
    lab.network("raw0").wait_state("active")
    equal(os.listdir(NETWORKS), ["raw0.yaml"], "the files")


def test_half_made_network_of_a_crash_is_taken_away_with_its_file(lab):
    """As where the daemon dies after its file was written and before the call was answered."""
    one_to_one(lab)
    journal = f"{host.RUNTIME}/raw0.journal"
    lab.stop_daemon()
    text = host.read(journal)
    contains(text, "doomed=false")
    with open(journal, "w", encoding="ascii") as file:
        file.write(text.replace("doomed=false", "doomed=true") + "\n")
    lab.start_daemon()
    wait_for(lambda: not lab.networks(), "the network is gone")
    lab.unchanged()


def test_journal_of_a_creation_that_never_began_goes(lab):
    lab.dut()
    lab.stop_daemon()
    os.makedirs(host.RUNTIME, exist_ok=True)
    journal = lab.write(f"{host.RUNTIME}/raw0.journal",
                        "[network]\norigin=bus\nup=true\ndoomed=true\n")
    run("chown", f"{host.SERVICE_USER}:", host.RUNTIME)
    lab.start_daemon()
    wait_for(lambda: not os.path.exists(journal), "the journal is gone")
    equal(lab.networks(), {}, "the networks")


def test_addresses_are_known_as_ours_without_the_journal(lab):
    network = one_to_one(lab)
    journal = f"{host.RUNTIME}/raw0.journal"
    lab.stop_daemon()
    with open(journal, "w", encoding="ascii") as file:
        file.write("\0" * 100)
    lab.start_daemon()
    network.wait_state("active")
    lab.remove("raw0")
    lab.unchanged()
