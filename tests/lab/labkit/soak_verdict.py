# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of a soak: which promise was broken, and the table for the reader."""

import os
import statistics

from labkit.soak_events import EVENTS

RETRANSMITS = 6.0         # TCP tries again at ever longer intervals, and resets come as late
WARM_UP = 4               # this part of a daemon's life does not count
GROWTH, GROWTH_KB, GROWTH_FDS = 1.1, 512, 2  # what a daemon may have more at the end


class Verdict:
    """What became of it all."""

    def __init__(self, soak):
        self.soak = soak
        self.sent = self.lost_allowed = 0
        self.lost = []        # a line each
        self.wrong = self.resets = self.resets_allowed = self.late = 0
        self.broken = []
        accounts = soak.traffic.settle()
        for board in soak.boards:
            for account in accounts:
                if account.name.startswith(f"{board.name} "):
                    self.judge(board, account)
        witnessed = [(at, seen) for at, seen in soak.traffic.witnessed
                     if not self.is_hosts_own(at, seen)]
        for at, seen in witnessed[:10]:
            self.broken.append(f"on the LAN {self.when(at)}: {seen}")
        self.wrong += len(witnessed)
        self.judge_repairs()
        self.judge_daemon()

    def when(self, at):
        """During or after which event."""
        before = [h for h in self.soak.happened if h.begin <= at]
        if not before:
            return "before the first event"
        last = before[-1]
        return (f"{at - last.begin:.3f} s after the begin of {last.event.name} of {last.board.name} "
                f"(event {len(before)}, over after {last.end - last.begin:.3f} s)")

    def is_hosts_own(self, at, seen):
        """The host's own socket, bound to a gateway's address, sends by the default route while that
        address and its NIC are away. No rule of ours concerns it, and no board."""
        return any(seen.startswith(f"{board.gateway} to {board.ip} ")
                   and self.allowed(board, at, False) for board in self.soak.boards)

    def allowed(self, board, at, is_dns, more=0.0):
        return any(h.may_lose(board, at, is_dns, more) for h in self.soak.happened)

    def judge(self, board, account):
        slow = RETRANSMITS if account.name.endswith(("tcp", "probe")) else 0.0
        is_dns = account.name.endswith("dns")
        self.sent += account.sent
        self.late += account.late
        forbidden = [at for at in account.lost if not self.allowed(board, at, is_dns, slow)]
        self.lost_allowed += len(account.lost) - len(forbidden)
        self.lost += forbidden
        if forbidden:
            self.broken.append(f"{account.name}: {len(forbidden)} lost, the first "
                               f"{self.when(forbidden[0])}")
        resets = [reset for reset in account.resets
                  if not self.allowed(board, reset[0], is_dns, RETRANSMITS)]
        self.resets += len(resets)
        self.resets_allowed += len(account.resets) - len(resets)
        for at, reason in resets[:2]:
            self.broken.append(f"{account.name}: {reason} {self.when(at)}")
        for at, source in account.wrong[:2]:
            self.broken.append(f"{account.name}: wrong source {source} {self.when(at)}")
        self.wrong += len(account.wrong)
        if account.duplicates:
            self.broken.append(f"{account.name}: {account.duplicates} came twice")

    def judge_repairs(self):
        limit = self.soak.repair_limit
        for index, happened in enumerate(self.soak.happened):
            if happened.repair > limit:
                self.broken.append(f"event {index + 1}: {happened.event.name} of "
                                   f"{happened.board.name}: {happened.repair:.2f} s until all was in "
                                   f"force, wanted: {limit:g} s")

    def judge_daemon(self):
        """Growth in the daemon's last life, once it has seen most of what there is."""
        pid = self.soak.samples[-1].pid
        self.life = [sample for sample in self.soak.samples if sample.pid == pid]
        warm = self.life[len(self.life) // WARM_UP:]
        part = max(1, len(warm) // 5)
        self.seconds = warm[-1].at - warm[0].at
        self.first = [statistics.median(column) for column in self.columns(warm[:part])]
        self.last = [statistics.median(column) for column in self.columns(warm[-part:])]
        (_, memory, descriptors), (_, memory_now, descriptors_now) = self.first, self.last
        if memory_now > memory * GROWTH + GROWTH_KB:
            self.broken.append(f"the daemon's anonymous memory grew from {memory:.0f} KB to "
                               f"{memory_now:.0f} KB in {self.seconds:.0f} s")
        if descriptors_now > descriptors + GROWTH_FDS:
            self.broken.append(f"the daemon had {descriptors:.0f} file descriptors and has "
                               f"{descriptors_now:.0f} after {self.seconds:.0f} s")

    @staticmethod
    def columns(samples):
        return zip(*((sample.pss, sample.anonymous, sample.descriptors) for sample in samples),
                   strict=True)

    def trend(self):
        """Its anonymous memory at each tenth of that life."""
        step = max(1, len(self.life) // 10)
        return " ".join(str(sample.anonymous) for sample in self.life[::step])

    def table(self):
        """For the reader."""
        lines = [f"{'event':34} {'n':>5} {'may lose':>9} {'repaired, s: median':>20} {'max':>7}"]
        for event in EVENTS:
            times = [h.repair for h in self.soak.happened if h.event is event]
            if times:
                lines.append(f"{event.name:34} {len(times):5} {event.loses:>9} "
                             f"{statistics.median(times):20.3f} {max(times):7.3f}")
        per_hour = 3600 / self.seconds if self.seconds else 0
        lines += [
            "",
            f"{len(self.soak.happened)} events in {self.soak.took:.0f} s, "
            f"{len(self.soak.boards)} networks, {os.cpu_count()} processors, load "
            f"{os.getloadavg()[0]:.1f}",
            f"packets sent {self.sent}; lost where none may be {len(self.lost)}; lost where some may "
            f"be {self.lost_allowed}; later than 2 s {self.late}",
            f"wrong sources {self.wrong}; connections reset {self.resets}, where they may be "
            f"{self.resets_allowed}",
            f"the daemon, {self.seconds:.0f} s without a restart: PSS {self.first[0]:.0f} KB -> "
            f"{self.last[0]:.0f} KB, anonymous {self.first[1]:.0f} KB -> {self.last[1]:.0f} KB "
            f"({(self.last[1] - self.first[1]) * per_hour:+.0f} KB an hour), file descriptors "
            f"{self.first[2]:.0f} -> {self.last[2]:.0f}",
            f"its anonymous memory in KB, from its start on: {self.trend()}",
        ]
        return lines
