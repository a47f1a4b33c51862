# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server of the LAN's that the host asks, whose answers change."""

from labkit import lan
from labkit.process import wait_for

SERVER = "10.77.0.5"


class NameServer:
    """A name server on the LAN whose answers hold for two seconds, and that the host asks."""

    def __init__(self, lab, **names):
        self.child = None
        self.namespace = lab.lan.add_second_host(SERVER)
        lab.undo.callback(self.namespace.delete)
        lab.undo.callback(lan.write_default_resolver)
        with open("/etc/resolv.conf", "w", encoding="ascii") as file:
            file.write(f"nameserver {SERVER}\noptions timeout:1 attempts:1\n")
        lab.undo.callback(self.stop)
        self.serve(names)

    def serve(self, names):
        self.stop()
        self.child = self.namespace.start(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--user=root", "--pid-file=", f"--listen-address={SERVER}", "--bind-interfaces",
            "--local=/lab.example/", "--log-facility=/dev/null",
            *(f"--host-record={name},{address},2" for name, address in names.items()))
        wait_for(lambda: self.namespace.run_full(
            "dig", "+short", "+time=1", "+tries=1", f"@{SERVER}", "x.lab.example").returncode == 0,
            "the name server answers")

    def stop(self):
        if self.child:
            self.child.kill()
            self.child.wait()
        self.child = None
