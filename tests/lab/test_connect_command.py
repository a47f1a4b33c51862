# SPDX-License-Identifier: GPL-2.0-or-later
"""`dutnetctl connect` and `dutnetctl ssh`: a board's port as stdin and stdout, and a login on it, for
a user who is nobody special but for one rule."""

import hashlib
import os
import random
import subprocess
import threading

from labkit.expect import contains, equal
from labkit.process import as_user, run, run_full, wait_for
from test_connect import BOARD, CLOSED_PORT, hurry, NOBODY
from test_polkit import ALICE, CAROL, rule

PATIENCE = 20
PORT = 9000
# As long as the kernel takes it, and with much that means something to a shell.
ODD_NIC = "raw'$(id);&|<>b"
MAY_CONNECT = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.jumpstarter.DutNetwork.connect" && subject.user == "lab-carol" &&
        action.lookup("address") == "192.168.100.10")
            return polkit.Result.YES;
});
"""
DATA = random.Random(4).randbytes(4 * 1024 * 1024)
OTHER_DATA = random.Random(5).randbytes(3 * 1024 * 1024)


def board(lab, name="raw0"):
    dut = lab.dut(name)
    lab.create(dut)
    dut.configure(f"{BOARD}/24")
    return dut


class Server:
    """Takes one connection on the board, and has `converse` do with it what it likes."""

    def __init__(self, lab, dut, converse):
        self.listener = dut.namespace.socket()
        self.listener.bind(("", PORT))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.converse = converse
        self.result = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        lab.undo.callback(self.close)

    def _serve(self):
        sock, _ = self.listener.accept()
        with sock:
            sock.settimeout(PATIENCE)
            self.result = self.converse(sock)

    def close(self):
        self.thread.join()
        self.listener.close()

    def ends(self):
        """What the conversation has come to."""
        self.thread.join()
        return self.result


def read_all(sock):
    chunks = []
    while chunk := sock.recv(1 << 16):
        chunks.append(chunk)
    return b"".join(chunks)


def digest(data):
    return (len(data), hashlib.sha256(data).hexdigest())


def connect(*options, user=None, stdin=b"", address=BOARD, port=PORT):
    command = ("dutnetctl", *options, "connect", address, str(port))
    return subprocess.run(as_user(user, *command) if user else command, input=stdin,
                          capture_output=True, timeout=PATIENCE * 2, check=False)


def succeeded(done):
    equal((done.returncode, done.stderr), (0, b""), "exit code and stderr")
    return done.stdout


def refused_with(code, *arguments, says, user=None):
    command = ("dutnetctl", "--no-ask-password", *arguments)
    done = run_full(*(as_user(user, *command) if user else command))
    equal((done.returncode, done.stdout), (code, ""), f"exit code and stdout of {arguments}")
    contains(done.stderr, *says)


# Data


def test_end_of_stdin_is_half_a_close(lab):
    def converse(sock):
        got = read_all(sock)
        sock.sendall(OTHER_DATA)
        return got

    server = Server(lab, board(lab), converse)
    equal(digest(succeeded(connect(stdin=DATA))), digest(OTHER_DATA), "what came back")
    equal(digest(server.ends()), digest(DATA), "what the board got")


def test_both_ways_at_once(lab):
    def converse(sock):
        writer = threading.Thread(target=sock.sendall, args=(OTHER_DATA,))
        writer.start()
        got = read_all(sock)
        writer.join()
        return got

    server = Server(lab, board(lab), converse)
    equal(digest(succeeded(connect("-i", "raw0", stdin=DATA))), digest(OTHER_DATA), "what came back")
    equal(digest(server.ends()), digest(DATA), "what the board got")


def test_board_that_says_nothing_gets_all(lab):
    """As `nc -l >image` on a board, whose stdin is empty: it ends its side at once."""
    def converse(sock):
        sock.shutdown(1)
        return read_all(sock)

    server = Server(lab, board(lab), converse)
    equal(succeeded(connect(stdin=DATA)), b"", "what came back")
    equal(digest(server.ends()), digest(DATA), "what the board got")


def test_board_that_closes_ends_it(lab):
    Server(lab, board(lab), lambda sock: sock.sendall(b"bye"))
    child = lab.start("dutnetctl", "connect", BOARD, PORT, stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal(child.stdout.read(), b"bye", "what came")
    equal((child.wait(PATIENCE), child.stderr.read()), (0, b""), "exit code and stderr")


# Who, and where to


def test_nobody_special_with_a_rule_for_one_board(lab):
    dut = board(lab)
    dut.serve(PORT)
    lab.network(dut).add_dns("other.lab", NOBODY)
    rule(lab, "10-lab", MAY_CONNECT)
    equal(succeeded(connect(user=CAROL)), b"192.168.100.1\n", "the greeting")
    refused_with(1, "connect", "other.lab", PORT, user=CAROL,
                 says=["Connect", "org.jumpstarter.DutNetwork.connect"])
    refused_with(1, "connect", BOARD, PORT, user=ALICE,
                 says=["Connect", "org.jumpstarter.DutNetwork.connect"])


def test_refusals_say_why(lab):
    board(lab)
    hurry("raw0")
    refused_with(1, "connect", BOARD, CLOSED_PORT, says=["raw0", BOARD, str(CLOSED_PORT), "refused"])
    refused_with(1, "connect", NOBODY, PORT, says=["raw0", NOBODY, "o route to host"])
    refused_with(1, "connect", "10.77.0.1", PORT, says=["10.77.0.1", "192.168.100.0/24"])
    refused_with(1, "connect", "nobody.lab", PORT, says=["raw0", "nobody.lab"])
    refused_with(1, "-i", "raw7", "connect", BOARD, PORT, says=["raw7"])
    for port in ("0", "65536", "ssh", "-1", ""):
        refused_with(2, "connect", "--", BOARD, port, says=[f'"{port}"', "65535"])
    for verb in (("connect", BOARD, "22"), ("ssh", BOARD)):
        refused_with(2, "-H", "other.lab", *verb, says=["--host"])


# ssh


def stub(lab):
    """An `ssh` that writes down what it was given, and ends with 3."""
    os.makedirs("/tmp/stub", exist_ok=True)
    lab.write("/tmp/stub/ssh", "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 3\n")
    os.chmod("/tmp/stub/ssh", 0o755)
    return {"PATH": f"/tmp/stub:{os.environ['PATH']}"}


def test_ssh_gets_its_arguments_as_they_are(lab):
    board(lab)
    done = run_full("dutnetctl", "--no-ask-password", "ssh", f"root@{BOARD}", "-v", "-i", "a key",
                    "--json", "echo $HOME; 'x'", env=stub(lab))
    equal((done.returncode, done.stderr), (3, ""), "exit code and stderr")
    equal(done.stdout.splitlines(), [
        "-o", "ProxyCommand='/usr/bin/dutnetctl' --no-ask-password -i 'raw0' connect %h %p",
        "-o", f"HostKeyAlias=raw0/{BOARD}",
        f"root@{BOARD}", "-v", "-i", "a key", "--json", "echo $HOME; 'x'"], "what ssh was given")


def test_ssh_takes_no_option_or_shell_for_an_address(lab):
    board(lab)
    for destination in ("-oProxyCommand=id", "root@-v", "root@a;id", "a b", "root@$(id)", "@board", "",
                        "root@"):
        done = run_full("dutnetctl", "ssh", "--", destination, env=stub(lab))
        equal((done.returncode, done.stdout), (2, ""), f"exit code and stdout for {destination!r}")
        contains(done.stderr, "[USER@]ADDRESS")
    done = run_full("dutnetctl", "-i", "raw7", "ssh", BOARD, env=stub(lab))
    equal((done.returncode, done.stdout), (1, ""), "exit code and stdout for no network")
    without = run_full("/usr/bin/dutnetctl", "ssh", BOARD, env={"PATH": "/nowhere"})
    equal(without.returncode, 1, "the exit code without ssh")
    contains(without.stderr, "ssh", "No such file")


def with_sshd(lab, dut):
    """A real server on the board, and the options by which a user gets in."""
    keys = "/tmp/sshd"
    os.makedirs(keys)
    lab.undo.callback(lab._forget, keys)
    os.chmod(keys, 0o755)
    run("dropbearkey", "-t", "ed25519", "-f", f"{keys}/host")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{keys}/user")
    run("chown", CAROL, f"{keys}/user")
    with open(f"{keys}/user.pub", encoding="ascii") as file:
        lab.write("/root/.ssh/authorized_keys", file.read())
    log = f"{keys}/log"
    with open(log, "w", encoding="utf-8") as out:
        server = dut.namespace.start("dropbear", "-F", "-E", "-s", "-r", f"{keys}/host", "-p", PORT,
                                     stderr=out)
    dut.children.append(server)
    wait_for(lambda: dut.run("ss", "-Hltn", f"sport = {PORT}"), "dropbear listens", PATIENCE)
    known = lab.write("/tmp/known_hosts", "")
    run("chown", CAROL, known)
    return ("-F", "/dev/null", "-p", PORT, "-i", f"{keys}/user", "-o", "BatchMode=yes",
            "-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new",
            "-o", "LogLevel=error"), known


def test_real_ssh_to_a_real_server(lab):
    dut = board(lab, ODD_NIC)
    lab.network(dut).add_address(BOARD, mac=dut.mac)
    options, known = with_sshd(lab, dut)
    rule(lab, "10-lab", MAY_CONNECT)
    command = "cat; echo end >&2; exit 7"
    for destination in (f"root@{BOARD}", f"root@{dut.mac.upper()}"):
        words = as_user(CAROL, "dutnetctl", "-i", ODD_NIC, "ssh", destination, *map(str, options),
                        command)
        done = subprocess.run(words, input=OTHER_DATA, capture_output=True, timeout=PATIENCE * 2,
                              check=False)
        equal((done.returncode, done.stderr), (7, b"end\n"), f"exit code and stderr of {destination}")
        equal(digest(done.stdout), digest(OTHER_DATA), "what came back")
    with open(known, encoding="utf-8") as file:
        names = [line.split()[0] for line in file]
    equal(names, [f"raw___id______b/{name}" for name in (BOARD, dut.mac)], "the names of the keys")


def test_connect_is_a_proxy_command(lab):
    dut = board(lab)
    options, _ = with_sshd(lab, dut)
    done = run_full("ssh", "-o", "ProxyCommand=dutnetctl -i raw0 connect %h %p", *options,
                    f"root@{BOARD}", "echo here")
    equal((done.returncode, done.stdout, done.stderr), (0, "here\n", ""), "what ssh says")
