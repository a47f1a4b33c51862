# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab shell`: a LAN and a board, held until the unit is stopped."""

import signal

from labkit.dut import Dut
from labkit.lan import HOST, NAME, ROUTER, UPSTREAM, Lan, write_default_resolver

WELCOME = f"""\
This is a systemd of its own, with D-Bus, NetworkManager and polkit. {UPSTREAM} leads to the LAN
(the host is {HOST}, the router {ROUTER}, a name there is {NAME}); board0 leads to a DUT, and
NetworkManager holds it.
  in-lan COMMAND   runs it on the LAN's router
  in-dut COMMAND   runs it on the DUT, where the NIC is eth0
Try: printf 'interface: board0\\n' > net.yaml; dutnetctl create net.yaml; in-dut udhcpc -i eth0 -n -q;
dutnetctl status. Leaving the shell shuts all of it down.
"""


def hold(ready):
    signal.signal(signal.SIGTERM, lambda *_: None)
    write_default_resolver()
    lan = Lan()
    dut = Dut("board0", "02:00:00:00:00:01")
    with open(ready, "w", encoding="utf-8") as file:
        file.write(WELCOME)
    signal.pause()
    dut.delete()
    lan.server.close()
    return 0
