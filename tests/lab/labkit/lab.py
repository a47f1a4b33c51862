# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab as a test has it: boards, networks, and the promise that afterwards the host is as it was."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess

from labkit import bus as names
from labkit import host
from labkit.bus import Bus, BusError, Signals, path_of
from labkit.calls import Calls
from labkit.dut import Dut
from labkit.lan import Lan, write_default_resolver
from labkit.process import run, run_full, stop, wait_for

DAEMON_UNIT = "dut-networkd.service"
DROP_IN = f"/run/systemd/system/{DAEMON_UNIT}.d/lab.conf"
CONFIG_DIR = host.CONFIG_DIRS[0]
RESTORE_DEADLINE = 8.0
# NetworkManager's states of a device that it is busy with or done with.
HELD = ("connecting (getting IP configuration)", "connected")


class Network:
    """One network's object."""

    def __init__(self, bus, path):
        self.bus = bus
        self.path = path

    def call(self, method, signature="()", *arguments, **options):
        return self.bus.call(self.path, names.NETWORK, method, signature, *arguments, **options)

    def get(self, member):
        return self.bus.get(self.path, names.NETWORK, member)

    def properties(self):
        return self.bus.call(self.path, names.PROPERTIES, "GetAll", "(s)", names.NETWORK)

    def status(self):
        return self.call("GetStatus")

    def update(self, **changes):
        return self.call("Update", "(a{sv})", names.settings(changes))

    def add_address(self, ip, **entry):
        return self.call("AddAddress", "(sa{sv})", ip, names.settings(entry))

    def remove_address(self, ip):
        return self.call("RemoveAddress", "(s)", ip)

    def add_dns(self, hostname, ip):
        return self.call("AddDnsEntry", "(ss)", hostname, ip)

    def remove_dns(self, hostname):
        return self.call("RemoveDnsEntry", "(s)", hostname)

    def remove_dns_address(self, hostname, ip):
        return self.call("RemoveDnsAddress", "(ss)", hostname, ip)

    def add_forward(self, port, ip, **options):
        self.call("AddForward", "(a{sv})", names.settings({"port": port, "ip": ip, **options}))

    def remove_forward(self, port, **options):
        self.call("RemoveForward", "(a{sv})", names.settings({"port": port, **options}))

    def leases(self):
        return self.call("GetLeases")

    def connect(self, address, port, bus=None):
        """The socket that Connect passes."""
        fd = (bus or self.bus).call_for_fd(self.path, names.NETWORK, "Connect", "(sq)", address, port)
        return socket.socket(fileno=fd)

    def capture(self, bus=None, **options):
        """The descriptor that Capture passes."""
        return (bus or self.bus).call_for_fd(self.path, names.NETWORK, "Capture", "(a{sv})",
                                             names.settings(options))

    def dnsmasq(self):
        """The pid of this network's dnsmasq."""
        with open(os.path.join(self.get("StateDir"), "dnsmasq.pid"), encoding="ascii") as file:
            return int(file.read())

    def wait_state(self, *states, deadline=5.0):
        return wait_for(lambda: self.get("State") in states and self.get("State"),
                        f"{self.path} is {' or '.join(states)}; it is {self.get('State')}: "
                        f"{self.get('Error')}", deadline)


class Lab:
    def __init__(self):
        write_default_resolver()
        self.bus = Bus()
        self.lan = Lan()
        self.duts = []
        self.undo = contextlib.ExitStack()
        self.watched = {}
        self.before = None
        self.lan_before = None
        self.connections = []
        self.clean = host.dump()

    # What a test asks for

    def dut(self, name="raw0", mac=None):
        """A board behind the NIC `name`. Named raw… NetworkManager leaves the NIC alone; else it
        connects it by itself, and has a DHCP client running on it by the time this returns."""
        dut = Dut(name, mac or f"02:00:00:00:00:{len(self.duts) + 1:02x}")
        self.duts.append(dut)
        if not name.startswith(("raw", "tap", "docker")):
            wait_for(lambda: host.network_manager().get(name, ("",))[0] in HELD,
                     f"NetworkManager connects {name}")
        wait_for(lambda: host.has_link_local(name),
                 f"{name} has its link-local address, and the kernel its routes to it")
        self.remember()
        return dut

    def remember(self):
        """From now on this is how the host is without networks."""
        self.before = host.dump()

    def create(self, interface, **settings):
        """A network by CreateNetwork; `interface` is a Dut or a name."""
        interface = getattr(interface, "name", interface)
        path = self.bus.manager("CreateNetwork", "(a{sv})",
                                names.settings({"interface": interface, **settings}))
        names_path = path_of(interface)
        assert path == names_path, f"the object path is {path}, not {names_path}"
        return Network(self.bus, path)

    def network(self, interface):
        return Network(self.bus, self.bus.manager("GetNetwork", "(s)",
                                                  getattr(interface, "name", interface)))

    def remove(self, interface):
        self.bus.manager("RemoveNetwork", "(s)", getattr(interface, "name", interface))

    def networks(self):
        """Interface -> (state, path)."""
        return {row[0]: (row[1], row[2]) for row in self.bus.manager("ListNetworks")}

    def reload(self):
        self.bus.manager("Reload")

    def signals(self):
        signals = Signals(self.bus)
        self.undo.callback(signals.close)
        return signals

    def calls(self, member):
        """The calls of that method, by anybody, since this was first asked for in the test."""
        if member not in self.watched:
            self.watched[member] = Calls(self, member)
        return self.watched[member]

    def client(self):
        """Another connection to the bus, closed with the test at the latest."""
        client = Bus()
        self.undo.callback(self._close_client, client)
        return client

    @staticmethod
    def _close_client(client):
        if not client.connection.is_closed():
            client.close()

    def start(self, *command, **options):
        """A program that is stopped with the test at the latest."""
        child = subprocess.Popen([str(word) for word in command], **options)
        self.undo.callback(stop, child)
        return child

    def write(self, path, text):
        """A file that is gone after the test, with the directories that it needs."""
        made = path
        while not os.path.exists(os.path.dirname(made)):
            made = os.path.dirname(made)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.undo.callback(self._forget, made)
        return path

    @staticmethod
    def _forget(path):
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)

    def configure(self, file, text, directory=CONFIG_DIR):
        """A configuration file; the caller says Reload."""
        return self.write(os.path.join(directory, file), text)

    def unchanged(self, since=None, deadline=RESTORE_DEADLINE):
        """Waits until the host is as it was before the first network (or as in `since`)."""
        before = since or self.before
        try:
            wait_for(lambda: not host.differences(before, host.dump()), "", deadline)
        except AssertionError:
            lines = host.differences(before, host.dump())
            assert not lines, "the host is not as it was:\n  " + "\n  ".join(lines)

    def restart_bus(self, *commands):
        """Restarts the system bus, by `commands` where there are any; the test's connections are new
        afterwards, and NetworkManager, which ends with the bus, is back."""
        for command in commands or (("systemctl", "restart", "dbus.service"),):
            wait_for(lambda command=command: self._is_done(command), f"{' '.join(command)} is done", 20)
        self.bus = Bus()
        if not self.bus.has_owner("org.freedesktop.NetworkManager"):
            run("systemctl", "restart", "NetworkManager.service")
        wait_for(Lan.is_up, "NetworkManager has the upstream up again", 20)

    @staticmethod
    def _is_done(command):
        """False where the start of another unit, which wants the bus, has cancelled its job."""
        done = run_full(*command)
        assert done.returncode == 0 or "canceled" in done.stderr, done
        return done.returncode == 0

    # The daemon as a process

    def daemon_pid(self):
        return self.bus.pid_of()

    def restart_daemon(self):
        run("systemctl", "restart", DAEMON_UNIT)

    def stop_daemon(self):
        run("systemctl", "stop", DAEMON_UNIT)

    def start_daemon(self):
        run("systemctl", "start", DAEMON_UNIT)

    def drop_in(self, text):
        """Stops the daemon; when it starts next, and until the test ends, its unit has `text`."""
        self.stop_daemon()
        self.write(DROP_IN, text)
        run("systemctl", "daemon-reload")
        self.undo.callback(run, "systemctl", "daemon-reload")
        self.undo.callback(os.unlink, DROP_IN)
        self.undo.callback(self.stop_daemon)

    @staticmethod
    def daemon_pids():
        """Of every process of the daemon, whether it has its name yet or not."""
        return [pid for pid, line in host.processes().items() if "dut-networkd" in line]

    def kill_daemon(self):
        """As a crash would end it; systemd starts it again where networks are."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the daemon is dead")

    # Between tests

    def begin(self):
        self.undo = contextlib.ExitStack()
        self.watched = {}
        self.before = host.dump()
        self.lan_before = self.lan.dump()
        self.connections = host.connections()

    def end(self):
        """Takes down what the test made. Raises where the host is not as it was, nor the LAN."""
        with contextlib.ExitStack() as afterwards:
            afterwards.callback(self._lan_unchanged)
            afterwards.callback(self._forget_files)
            for dut in self.duts:
                afterwards.callback(dut.delete)
            self.duts = []
            afterwards.callback(self.undo.close)
            self._remove_networks()
            if self.before is not None:
                self.unchanged()
            left = [line for line in host.connections() if line not in self.connections]
            assert not left, "connections of networks that are gone:\n  " + "\n  ".join(left)

    def _lan_unchanged(self):
        lines = host.differences(self.lan_before, self.lan.dump())
        assert not lines, "the LAN is not as it was:\n  " + "\n  ".join(lines)

    def _forget_files(self):
        """The daemon, where it runs, learns that the test's configuration files are gone."""
        if self.bus.has_owner():
            with contextlib.suppress(BusError):
                self.reload()

    def _remove_networks(self):
        if not self.bus.has_owner():
            return
        for interface in self.networks():
            self.remove(interface)

    def scrub(self):
        """By force, after a test left something behind: the next one is not to suffer from it."""
        if self.bus.connection.is_closed():
            run_full("systemctl", "start", "dbus.socket")
            self.bus = Bus()
        run_full("systemctl", "kill", "--signal=KILL", DAEMON_UNIT)
        run_full("systemctl", "stop", DAEMON_UNIT)
        run_full("systemctl", "reset-failed")
        for pid in host.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run_full("nft", "flush", "ruleset")
        for directory in (*host.CONFIG_DIRS, host.RUNTIME):
            shutil.rmtree(directory, ignore_errors=True)
        for path in host.files(host.STATE):
            self._forget(path)
        for knob, value in self.clean["sysctl"].items():
            with contextlib.suppress(FileNotFoundError), \
                    open(f"/proc/sys/net/{knob}", "w", encoding="ascii") as file:
                file.write(value)
        for preference in [line.split(":")[0] for line in host.rules()
                           if line not in self.clean["rules"]]:
            run_full("ip", "rule", "delete", "preference", preference)
        run_full("ip", "address", "flush", "dev", "up0", "label", "up0:dut")
        run_full("systemctl", "start", "NetworkManager.service")
        run_full("nmcli", "networking", "on")
        run_full("nmcli", "device", "set", "up0", "managed", "yes")
        run_full("nmcli", "device", "reapply", "up0")
        wait_for(Lan.is_up, "the upstream is up again", 15)
