# SPDX-License-Identifier: GPL-2.0-or-later
"""A real VM: QEMU, started by an unprivileged user through `dutnetctl with-tap`."""

import contextlib
import json
import os
import subprocess
import threading

from labkit import bus, lan, whoami
from labkit.expect import equal
from labkit.process import as_user, run, wait_for
from labkit.qemu import command, initramfs, kernel
from labkit.runner import Skipped
from test_guests import BRIDGE, GATEWAY, create, derived, guests
from test_polkit import ALICE, rule

BOOT_SECONDS = 45
ECHO_PORT = 7


def allow(lab, user):
    rule(lab, "10-guests", 'polkit.addRule(function(action, subject) { if (action.id == '
         '"org.jumpstarter.DutNetwork.attach-guest" && action.lookup("interface") == '
         f'"{BRIDGE}" && action.lookup("guest") == "vm-1" && subject.user == "{user}") '
         'return polkit.Result.YES; });')


class Machine:
    """The VM, and what it has said."""

    def __init__(self, lab, *words):
        self.child = lab.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip())

    def says(self, start, deadline=BOOT_SECONDS):
        """The rest of its line that begins so."""
        return wait_for(lambda: [line[len(start):].strip() for line in self.lines
                                 if line.startswith(start)],
                        f"the VM says \"{start}\"; it said {self.lines[-9:]}", deadline)[0]


def asked(network, ip):
    """What the VM says to a connection from the host; it takes one at a time."""
    with contextlib.suppress(bus.BusError), network.connect(ip, ECHO_PORT) as sock:
        sock.settimeout(5)
        return sock.recv(100).decode().strip()


def test_vm_through_the_whole_path(lab):
    if not kernel():
        raise Skipped("there is no kernel for VMs here")
    network = create(lab)
    allow(lab, ALICE)
    path = lab.write("/tmp/vm/initramfs", "")
    initramfs(path, f"{lan.ROUTER} {whoami.PORT}")
    vm = Machine(lab, *as_user(
        ALICE, "dutnetctl", "-i", BRIDGE, "with-tap", "--vnet-hdr", "vm-1", "--",
        *command(kernel(), path, "-append", "console=ttyS0 panic=-1 quiet {kernel_ip_arg}",
                 "-netdev", "tap,id=n,fd={fd}",
                 "-device", "virtio-net-pci,netdev=n,mac={mac},romfile=")))
    tap, mac, ip = derived("vm-1")
    equal(vm.says("vm: 172"), f"{ip.removeprefix('172')} mask 255.255.255.0 gateway {GATEWAY} "
          f"mac {mac}", "what the VM has by its kernel's command line")
    equal(vm.says("vm: lan sees"), lan.HOST, "what the LAN sees of it")
    equal(vm.says("vm: lease"), ip, "its address by DHCP")
    equal([lease["ip"] for lease in network.leases()], [ip], "the lease")
    equal(wait_for(lambda: asked(network, ip), "a connection to the VM"), ip, "what it says")
    equal(guests(network)["vm-1"]["owner"], int(run("id", "-u", ALICE)), "whose it is")
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(BRIDGE, ("",))[0] == "active",
             "the daemon is back")
    equal(wait_for(lambda: asked(network, ip), "another connection"), ip, "after a crash")

    vm.child.kill()
    vm.child.wait()
    wait_for(lambda: "NO-CARRIER" in json.loads(run("ip", "-j", "link", "show", tap))[0]["flags"],
             "nobody has the TAP open")
    run(*as_user(ALICE, "dutnetctl", "-i", BRIDGE, "detach", "vm-1"))
    assert not os.path.exists(f"/sys/class/net/{tap}"), "the TAP is gone"


test_vm_through_the_whole_path.seconds = 85
