# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel under test, by `dutnetctl test-kernel`: Debian's user-mode Linux on TAPs of ours, started by
an unprivileged user."""

import contextlib
import json
import os
import signal
import subprocess
import threading

from labkit import ipv6, lan, whoami
from labkit.expect import contains, equal
from labkit.host import processes
from labkit.process import NeverHappened, as_user, run, run_full, wait_for
from labkit.runner import Skipped
from test_polkit import ALICE, BOB, rule
from test_tap import exists, link, name_of, uid

LINUX = "/usr/bin/linux.uml"
WORDS = ("dutnetctl", "--no-ask-password", "test-kernel")
BOOT_SECONDS = 45
RULE = ('polkit.addRule(function(action, subject) { if (action.id == "org.jumpstarter.DutNetwork.manage" '
        '&& action.lookup("owner") == subject.user && subject.user == "%s") return polkit.Result.YES; });')
# What every test begins with: a DHCP client for an interface, as small as they get.
LEASE = """#!/bin/busybox sh
[ "$1" != deconfig ] || busybox ifconfig "$interface" up
[ "$1" = bound ] || exit 0
busybox ifconfig "$interface" "$ip" netmask "$subnet"
[ "$interface" != eth0 ] || busybox route add default gw "$router"
echo "lease $interface $ip $router $(cat /sys/class/net/$interface/address)"
"""
DHCP = "dhcp() { busybox udhcpc -i $1 -n -q -t 3 -T 1 -s %s/lease 2>/dev/null || exit 90; }\n"
DIRECTORY = "/tmp/kernel"


def require(lab, user=ALICE):
    if not os.path.exists(LINUX):
        raise Skipped("there is no user-mode Linux here")
    rule(lab, "10-kernel", RULE % user)
    script(lab, "lease", LEASE)
    os.chmod(DIRECTORY, 0o755)


def script(lab, name, text):
    path = lab.write(f"{DIRECTORY}/{name}", text)
    os.chmod(path, 0o755)
    return path


def shell_test(lab, text):
    return script(lab, "test", "#!/bin/sh\n" + DHCP % f"/host{DIRECTORY}" + text)


def command(*words):
    return as_user(ALICE, *WORDS, *words)


class Run:
    """One that goes on, and what its test has said."""

    def __init__(self, lab, *words):
        self.child = lab.start(*as_user(ALICE, "env", f"--chdir={DIRECTORY}", "VALUE=text", *WORDS, *words),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
        self.lines, self.errors = [], []
        for stream, lines in ((self.child.stdout, self.lines), (self.child.stderr, self.errors)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def says(self, start, count=1):
        """The `count`th of its lines that begins so, as words."""
        def found():
            lines = [line for line in self.lines if line.startswith(start)]
            return lines[count - 1].split() if len(lines) >= count else None
        try:
            return wait_for(found, "", BOOT_SECONDS)
        except NeverHappened:
            raise AssertionError(f"the test does not say \"{start}\"; it said {self.lines[-9:]}, "
                                 f"{self.errors[-9:]}") from None

    def ends(self, code):
        wait_for(lambda: self.child.poll() is not None, "it ends", BOOT_SECONDS)
        equal(self.child.returncode, code, f"the exit code; it said {self.errors[-9:]}")


def leftovers(user=ALICE):
    """What a run has on the host."""
    return ([line for line in processes(user).values() if "linux.uml" in line or "dutnetctl" in line],
            [name for name in os.listdir("/tmp") if name.startswith("dutnetctl-")],
            [name for name in os.listdir("/sys/class/net") if "TAP" in name])


def nothing_is_left(lab):
    wait_for(lambda: leftovers() == ([], [], []) and not lab.networks(), "nothing is left", 10)
    lab.unchanged()


def test_without_standard_streams(lab):
    """What it opens for itself is not taken for them."""
    require(lab)
    test = shell_test(lab, "echo words; exit 3\n")
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        line = " ".join((*command("--taps", "0", LINUX, test), closed))
        equal(run_full("timeout", BOOT_SECONDS, "sh", "-c", line).returncode, 3, f"with {closed}")


def test_guest_through_the_whole_path(lab):
    require(lab)
    test = shell_test(lab, f"""
echo "first $$ $(id -u) [$1] [$2] $VALUE $(pwd)"
dhcp eth0
busybox ping -c 1 -W 5 {lan.ROUTER} >/dev/null && echo ping ok
echo "seen as $(busybox nc {lan.ROUTER} {whoami.PORT} </dev/null)"
bash -c 'cat <(echo substituted)'
echo aside >&2
touch /host{DIRECTORY}/mark 2>/dev/null || echo read-only
while [ ! -e /host{DIRECTORY}/go ]; do sleep 0.1; done
exit 42
""")
    guest = Run(lab, LINUX, test, "a b", '"c')
    lease = guest.says("lease eth0")
    name = name_of(ALICE)
    equal(guest.says("first"), f'first 1 0 [a b] ["c] text /host{DIRECTORY}'.split(), "what the test sees")
    network = lab.network(name)
    equal([[one["ip"], one["mac"]] for one in network.leases()], [[lease[2], lease[4]]],
          "the lease that status has")
    equal((network.get("State"), network.get("Subnet"), lease[3]),
          ("active", "198.18.0.0/24", "198.18.0.1"), "its network")
    equal(link(name)["linkinfo"]["info_data"]["user"], ALICE, "whose the TAP is")
    equal((guest.says("ping"), guest.says("seen as")), (["ping", "ok"], ["seen", "as", lan.HOST]),
          "the way out")
    equal((guest.says("read-only"), guest.says("substituted")), (["read-only"], ["substituted"]),
          "the host's file system, and devices that shells take for granted")
    script(lab, "go", "")
    guest.ends(42)
    equal(guest.errors, ["aside"], "stderr is the test's alone")
    nothing_is_left(lab)


def test_ra_address_that_status_predicted(lab):
    require(lab)
    ipv6.bring_to_lan(lab)
    lab.remember()
    test = shell_test(lab, f"""
dhcp eth0
address() {{ busybox ifconfig eth0 | sed -n 's/.*inet6 addr: \\(fd.*\\)\\/64 Scope:Global/\\1/p'; }}
while [ -z "$(address)" ] || busybox ip -6 address show dev eth0 | grep -q tentative; do sleep 0.1; done
echo "ra $(address)"
busybox ping -6 -c 1 -W 5 {ipv6.LAN_ROUTER} >/dev/null && echo ping ok
echo "seen as $(busybox nc {ipv6.LAN_ROUTER} {ipv6.PORT} </dev/null)"
while [ ! -e /host{DIRECTORY}/go ]; do sleep 0.1; done
""")
    guest = Run(lab, LINUX, test)
    address, mac = guest.says("ra")[1], guest.says("lease eth0")[4]
    status = lab.network(name_of(ALICE)).status()
    equal({one["mac"]: one["ip"] for one in status["ra_addresses"]}[mac], address,
          "the address that status predicted for its MAC")
    equal((guest.says("ping"), guest.says("seen as")), (["ping", "ok"], ["seen", "as", ipv6.LAN_HOST]),
          "the way out by IPv6")
    script(lab, "go", "")
    guest.ends(0)
    nothing_is_left(lab)


def test_several_taps(lab):
    require(lab)
    lab.create(lab.dut("raw0"), subnet="198.18.1.0/24")
    test = shell_test(lab, f"""
for eth in eth0 eth1 eth2; do dhcp $eth; done
for eth in eth0 eth1 eth2; do
        gateway=$(busybox ifconfig $eth | sed -n 's/.*inet addr:\\([0-9.]*\\)\\.[0-9]* .*/\\1.1/p')
        busybox ping -c 1 -W 5 -I $eth "$gateway" >/dev/null && echo "gateway of $eth"
done
ls /sys/class/net | busybox xargs echo interfaces
""")
    guest = Run(lab, "--taps", "3", LINUX, test)
    guest.ends(0)
    leases = [guest.says("lease", nth) for nth in (1, 2, 3)]
    equal([lease[3] for lease in leases], ["198.18.0.1", "198.18.2.1", "198.18.3.1"],
          "a subnet each, and none of another network")
    equal(len({lease[4] for lease in leases}), 3, "a MAC each")
    equal(guest.says("interfaces")[1:], ["eth0", "eth1", "eth2", "lo"], "what it has")
    equal([guest.says("gateway", nth)[2] for nth in (1, 2, 3)], ["eth0", "eth1", "eth2"], "all work")
    equal(list(lab.networks()), ["raw0"], "they are gone with it")
    equal(leftovers(), ([], [], []), "and so is all else")


def test_reboot_of_the_guest(lab):
    require(lab)
    test = shell_test(lab, """
mount -t hostfs -o %s/state none /mnt
dhcp eth0
echo "boot $(cat /mnt/boots) $(cat /proc/uptime)"
[ "$(cat /mnt/boots)" != 1 ] || { echo 2 >/mnt/boots; umount /mnt; exec busybox reboot -f; }
""" % DIRECTORY)
    boots = lab.write(f"{DIRECTORY}/state/boots", "1\n")
    for path in (os.path.dirname(boots), boots):
        os.chown(path, uid(ALICE), -1)
    guest = Run(lab, LINUX, test)
    guest.says("boot 1")
    name = name_of(ALICE)
    index = link(name)["ifindex"]
    first = guest.says("lease eth0")
    equal(guest.says("lease eth0", 2), first, "the lease after the reboot")
    if exists(name):
        equal(link(name)["ifindex"], index, "the TAP is the same")
    guest.says("boot 2")
    guest.ends(0)
    nothing_is_left(lab)


def test_daemon_that_is_killed_meanwhile(lab):
    require(lab)
    test = shell_test(lab, f"""
dhcp eth0
while [ ! -e /host{DIRECTORY}/go ]; do
        busybox ping -c 1 -W 1 {lan.ROUTER} >/dev/null && echo reply
done
dhcp eth0
exit 7
""")
    guest = Run(lab, LINUX, test)
    guest.says("reply")
    name = name_of(ALICE)
    index = link(name)["ifindex"]
    lab.kill_daemon()
    wait_for(lambda: lab.bus.has_owner() and lab.networks().get(name, ("",))[0] == "active",
             "the daemon is back")
    guest.says("reply", len(guest.lines) + 2)
    equal(link(name)["ifindex"], index, "the TAP is the same")
    script(lab, "go", "")
    guest.ends(7)
    equal(guest.says("lease eth0", 2), guest.says("lease eth0"), "the lease of the daemon after")
    nothing_is_left(lab)


def test_two_at_once(lab):
    """Of one user: each has names and a network of its own, whichever subnets they come to have."""
    require(lab)
    test = shell_test(lab, f"""
dhcp eth0
busybox ping -c 1 -W 5 {lan.ROUTER} >/dev/null && echo ping ok
while [ ! -e /host{DIRECTORY}/go ]; do sleep 0.1; done
exit $1
""")
    guests = [Run(lab, LINUX, test, code) for code in (5, 6)]
    for guest in guests:
        equal(guest.says("ping"), ["ping", "ok"], "the way out")
    equal(sorted(lab.networks()), [name_of(ALICE), name_of(ALICE, 1)], "their networks")
    script(lab, "go", "")
    for guest, code in zip(guests, (5, 6)):
        guest.ends(code)
    nothing_is_left(lab)


def test_ends_that_are_no_tests(lab):
    """Each has a code of its own, says why, and leaves nothing."""
    require(lab)
    endless = script(lab, "endless", "#!/bin/sh\necho up\nwhile :; do sleep 1; done\n")
    panics = script(lab, "panics", "#!/bin/sh\necho 1 >/proc/sys/kernel/sysrq\necho c >/proc/sysrq-trigger\n")
    leaves = script(lab, "leaves", "#!/bin/sh\nexec busybox poweroff -f\n")
    odd = script(lab, "odd", "#!/no/such/shell\n")
    failing = script(lab, "failing", "#!/bin/sh\nkill -SEGV $$; exit 3\n")
    for words, code, says in (((LINUX, failing), 3, ""), ((LINUX, odd), 127, f"{odd}: No such file"),
                              (("--timeout", "4", LINUX, endless), 124, "not ended in time"),
                              ((LINUX, panics), 125, "before the test did"),
                              ((LINUX, leaves), 125, "switched it off"),
                              (("/bin/true", endless), 125, "before the test did")):
        done = run_full(*command(*words), timeout=60)
        equal(done.returncode, code, f"{words}: {done.stderr[-900:]}")
        contains(done.stderr, says)
        equal(leftovers(), ([], [], []), f"what {words} has left")
    contains(run_full(*command(LINUX, panics), timeout=60).stderr, "Kernel panic")
    nothing_is_left(lab)


def kill_all(name):
    """As pkill(1) does."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            if file.read().strip() == name:
                os.kill(int(pid), signal.SIGKILL)


def test_end_by_a_signal(lab):
    require(lab)
    endless = script(lab, "endless", "#!/bin/sh\necho up\nwhile :; do sleep 1; done\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        guest = Run(lab, LINUX, endless)
        guest.says("up")
        guest.child.send_signal(number)
        guest.ends(128 + number)
        equal(leftovers(), ([], [], []), "what is left after a signal")
    for name in ("dutnetctl", "kernel-keeper"):
        guest = Run(lab, "--taps", "2", LINUX, endless)
        guest.says("up")
        kill_all(name)
        guest.child.wait(BOOT_SECONDS)
        nothing_is_left(lab)


def test_what_is_wrong_is_said_before_anything_is_made(lab):
    require(lab, BOB)
    endless = script(lab, "endless", "#!/bin/sh\nexit 0\n")
    plain = lab.write(f"{DIRECTORY}/plain", "text")
    for words, says in ((("/no/such/kernel", endless), "LINUX: \"/no/such/kernel\""),
                        ((LINUX, "/no/such/test"), "TEST: \"/no/such/test\""), ((LINUX, plain), "TEST"),
                        (("--taps", "17", LINUX, endless), "--taps: \"17\""),
                        (("--taps", "-1", LINUX, endless), "--taps: \"-1\""),
                        (("--memory", "lots", LINUX, endless), "--memory: \"lots\""),
                        (("--modules", "m", LINUX, endless), "--modules: \"m\""),
                        (("--timeout", "0", LINUX, endless), "--timeout: \"0\""), ((LINUX,), "an argument")):
        done = run_full(*command(*words))
        equal(done.returncode, 2, f"{words}: {done.stderr}")
        contains(done.stderr, says)
    equal(leftovers(), ([], [], []), "what is left of what was refused")

    done = run_full(*command(LINUX, endless))
    equal((done.returncode, done.stdout), (125, ""), f"without a rule: {done.stderr}")
    contains(done.stderr, "uthoriz")
    done = run_full(*command("--taps", "0", LINUX, endless), timeout=60)
    equal(done.returncode, 0, f"without networks nobody is asked: {done.stderr[-900:]}")
    nothing_is_left(lab)


def test_network_is_there_for_other_kernels(lab):
    """`create: tap` by itself: a kernel that nobody has prepared opens it by its name."""
    require(lab)
    network = lab.create("lab0", create="tap", owner=ALICE)
    init = script(lab, "init", "#!/bin/sh\nmount -t proc proc /proc; mount -t sysfs sys /sys\n"
                  f"busybox udhcpc -i vec0 -n -q -t 3 -T 1 -s {DIRECTORY}/lease\n"
                  "busybox poweroff -f\n")
    os.chown(os.path.dirname(lab.write(f"{DIRECTORY}/uml/mark", "")), uid(ALICE), -1)
    run(*as_user(ALICE, LINUX, "mem=128M", f"uml_dir={DIRECTORY}/uml", "root=/dev/root", "rootfstype=hostfs",
                 "rootflags=/", "ro", f"init={init}", "con=null", "con0=null,fd:1",
                 "vec0:transport=tap,ifname=lab0,mac=02:00:00:00:0b:01"), timeout=60)
    equal([lease["mac"] for lease in network.leases()], ["02:00:00:00:0b:01"], "its lease")
    equal(json.loads(run("dutnetctl", "--json", "-i", "lab0", "status"))["state"], "active", "the network")


for slow in (test_guest_through_the_whole_path, test_ra_address_that_status_predicted, test_several_taps,
             test_reboot_of_the_guest, test_daemon_that_is_killed_meanwhile, test_two_at_once,
             test_ends_that_are_no_tests, test_end_by_a_signal):
    slow.seconds = 90
