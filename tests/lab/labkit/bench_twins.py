# SPDX-License-Identifier: GPL-2.0-or-later
"""`./lab bench twins`: what it costs a network to be one of 64 with the same subnet, and a plain one to
have 63 twins beside it, against the same network alone. Packets go the real way: board, NIC, the host's
rules with masquerade, upstream, a server on the LAN. Alone and among others by turns, in one run, as
machines are too noisy to compare runs; medians, and ratios of medians.

A datagram goes all the way, up to the server's queue, in its sender's own time. So the sender's processor
time tells how many there can be in a second, whatever else the machine is doing; how many arrived in a
second of the clock is shown as well."""

import json
import os
import statistics
import subprocess
import time

from labkit import lan
from labkit.boards import ADDRESS, GATEWAY, SUBNET
from labkit.process import run, stop, wait_for

N_NETWORKS = 64
N_ROUNDS = 7
N_MEASURES = 2            # of each network in a round
N_COMINGS = 4             # of one network alone, in a round
SECONDS = 1               # of each measure; iperf3 takes whole ones
PORT = 5201
DATAGRAM = 64             # bytes
TWIN_WANTED, PLAIN_WANTED, COMING_WANTED = 0.9, 0.95, 1.2

ALONE, PLAIN, TWIN = "plain, alone", "plain, beside 63 others", "twin, one out of 64"
TCP, UDP, ARRIVED = "TCP", "UDP", "UDP, arrived"
UNITS = {TCP: "TCP, Gbit/s",
         UDP: f"UDP, 1000 datagrams of {DATAGRAM} bytes in a second of the sender's processor time",
         ARRIVED: "UDP, 1000 of them in a second of the clock, received"}


class Twins:
    """The boards and their networks, which all have the same subnet; the first is the plain one."""

    def __init__(self, lab):
        self.lab = lab
        self.duts = [lab.dut(f"raw{k}", f"02:00:00:00:01:{k:02x}") for k in range(N_NETWORKS)]
        for dut in self.duts:
            dut.configure(f"{ADDRESS}/24", GATEWAY)
        self.server = lab.lan.namespace.start("iperf3", "--server", "--port", PORT,
                                              stdout=subprocess.DEVNULL,
                                              stderr=subprocess.DEVNULL)
        lab.undo.callback(stop, self.server)
        wait_for(lambda: f":{PORT} " in lab.lan.run("ss", "--tcp", "--listening", "--numeric"),
                 "iperf3 listens on the LAN")
        self.figures = {(place, kind): [] for place in (ALONE, PLAIN, TWIN) for kind in UNITS}
        self.comings, self.all_comings = [], []
        self.chains = {}

    def create(self, k):
        """How long it took, in milliseconds."""
        begin = time.monotonic()
        self.lab.create(self.duts[k], subnet=SUBNET, gateway_ip=GATEWAY, nat_mode="masquerade",
                        addresses=[{"ip": ADDRESS, "mac": self.duts[k].mac}],
                        dns_entries=[{"hostname": "board.test", "ip": f"10.1.1.{k + 1}"}])
        return (time.monotonic() - begin) * 1000

    def iperf(self, k, *options):
        said = self.duts[k].run("iperf3", "--client", lan.ROUTER, "--port", PORT, "--json",
                                "--time", SECONDS, *options)
        return json.loads(said)["end"]

    def measure(self, place, k):
        received = self.iperf(k)["sum_received"]
        self.figures[place, TCP].append(received["bits_per_second"] / 1e9)
        told = self.iperf(k, "--udp", "--bitrate", 0, "--length", DATAGRAM)
        sent, share = told["sum"], told["cpu_utilization_percent"]["host_total"] / 100
        arrived = sent["packets"] - sent["lost_packets"]
        self.figures[place, UDP].append(sent["packets"] / sent["seconds"] / share / 1e3)
        self.figures[place, ARRIVED].append(arrived / sent["seconds"] / 1e3)

    def count_chains(self, place):
        """Each packet that is forwarded passes all of them."""
        self.chains[place] = run("nft", "list", "chains", "ip").count("hook forward")

    def run_round(self):
        for _ in range(N_COMINGS):
            self.comings.append(self.create(0))
            self.lab.remove(self.duts[0])
        first = self.create(0)
        self.count_chains(ALONE)
        for _ in range(N_MEASURES):
            self.measure(ALONE, 0)
        self.all_comings.append([first, *(self.create(k) for k in range(1, N_NETWORKS))])
        self.count_chains(PLAIN)
        for _ in range(N_MEASURES):
            self.measure(TWIN, N_NETWORKS - 1)
            self.measure(PLAIN, 0)
        for dut in reversed(self.duts):
            self.lab.remove(dut)


def median(values):
    return statistics.median(values)


def verdict(what, ratio, wanted, at_least):
    """Prints it; whether it falls short."""
    short = ratio < wanted if at_least else ratio > wanted
    print(f"  {what:48} {ratio:6.3f}   wanted: at {'least' if at_least else 'most'} {wanted}"
          f"{'   FALLS SHORT' if short else ''}")
    return short


def report_traffic(twins):
    middle = {key: median(values) for key, values in twins.figures.items()}
    for kind, unit in UNITS.items():
        print(f"\n{unit}: median (least to most)")
        for place in (ALONE, PLAIN, TWIN):
            values = twins.figures[place, kind]
            print(f"  {place:48} {middle[place, kind]:6.2f}   ({min(values):.2f} to {max(values):.2f})")
    print(f"\nbase chains that a forwarded packet passes: {twins.chains[ALONE]} alone, "
          f"{twins.chains[PLAIN]} among {N_NETWORKS}")
    print("\nratios of medians")
    short = False
    for kind in (TCP, UDP):
        for place, wanted in ((TWIN, TWIN_WANTED), (PLAIN, PLAIN_WANTED)):
            ratio = middle[place, kind] / middle[ALONE, kind]
            short |= verdict(f"{place}, to alone: {kind}", ratio, wanted, at_least=True)
    return short


def report_comings(twins):
    one = median(twins.comings)
    total = median([sum(comings) for comings in twins.all_comings])
    each = [median(of_one) for of_one in zip(*twins.all_comings, strict=True)]
    print("\nbringing up, ms: median")
    print(f"  {'one alone':48} {one:6.1f}")
    for begin in range(0, N_NETWORKS, 16):
        part = each[begin:begin + 16]
        print(f"  {f'each of numbers {begin + 1} to {begin + 16}':48} {median(part):6.1f}")
    print(f"  {'all 64, one after another':48} {total:6.0f}")
    return verdict("all 64, to 64 times one alone", total / one / N_NETWORKS, COMING_WANTED,
                   at_least=False)


def run_twins(lab):
    """Whether any ratio falls short."""
    twins = Twins(lab)
    print(f"twins: {N_NETWORKS} networks of {SUBNET}, {os.cpu_count()} cores, {N_ROUNDS} rounds",
          flush=True)
    for number in range(N_ROUNDS):
        begin = time.monotonic()
        twins.run_round()
        print(f"round {number + 1}: {time.monotonic() - begin:.0f} s", flush=True)
    short = report_traffic(twins)
    return report_comings(twins) or short
