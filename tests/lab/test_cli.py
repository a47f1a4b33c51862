# SPDX-License-Identifier: GPL-2.0-or-later
"""The command: each verb, its exit codes, its JSON, and what it prints for people."""

import glob
import json
import re

import yaml

from labkit import host, lan
from labkit.damage import rules_listed
from labkit.expect import contains, equal, lacks
from labkit.process import as_user, run, run_full, wait_for

MAC = "02:00:00:00:00:01"
CONFIG = """\
interface: raw0
subnet: 192.168.100.0/24
gateway_ip: 192.168.100.1
dns_servers: [10.77.0.1]
addresses:
  - {ip: 192.168.100.10, mac: "02:00:00:00:00:01", hostname: board}
dns_entries:
  - {hostname: artifacts.lab, ip: 10.1.2.3}
"""


def ctl(*arguments, **options):
    return run("dutnetctl", *arguments, **options)


def ctl_json(*arguments):
    return json.loads(ctl("--json", *arguments))


def refused_with(code, *arguments, says=()):
    done = run_full("dutnetctl", *arguments)
    equal(done.returncode, code, f"the exit code of {arguments} ({done.stderr!r})")
    contains(done.stderr, *says)
    equal(done.stdout, "", "stdout of a failed command")
    return done.stderr


def created(lab):
    dut = lab.dut()
    ctl("create", lab.write("/tmp/net.yaml", CONFIG))
    return dut


def test_create_from_a_file(lab):
    dut = created(lab)
    equal(lab.network("raw0").get("State"), "active", "State")
    equal(dut.dhcp()["ip"], "192.168.100.10", "the address")


def test_create_from_standard_input(lab):
    lab.dut()
    ctl("create", "-", stdin=CONFIG)
    equal(sorted(lab.networks()), ["raw0"], "the networks")


def test_list(lab):
    created(lab)
    contains(ctl("list"), "raw0", "active")
    equal(ctl_json("list"), [{"interface": "raw0", "state": "active",
                              "path": "/org/jumpstarter/DutNetwork/raw0"}], "list --json")


def test_list_of_nothing(lab):
    equal(ctl_json("list"), [], "list --json")
    ctl("list")


def test_status(lab):
    dut = created(lab)
    dut.dhcp()
    wait_for(lab.network(dut).leases, "the lease is known")
    contains(ctl("status"), "raw0", "active", "192.168.100.0/24", "up0", MAC)
    status = ctl_json("status")
    for key in ("interface_status", "interface", "upstream", "subnet", "nat_mode", "dhcp_enabled",
                "leases", "dns_entries", "nat_rules"):
        assert key in status, f"status --json has no {key}: {sorted(status)}"
    equal(status["interface_status"]["addresses"], ["192.168.100.1/24"], "the addresses")


def test_leases_and_get_ip(lab):
    dut = created(lab)
    dut.dhcp()
    wait_for(lab.network(dut).leases, "the lease is known")
    contains(ctl("leases"), MAC, "192.168.100.10", "board")
    lease, = ctl_json("leases")
    equal((lease["mac"], lease["ip"], lease["hostname"]), (MAC, "192.168.100.10", "board"), "it")
    equal(ctl("get-ip", MAC.upper()), "192.168.100.10\n", "get-ip")
    refused_with(1, "get-ip", "02:00:00:00:ff:ff", says=["02:00:00:00:ff:ff"])


def test_addresses_are_added_and_removed(lab):
    created(lab)
    ctl("add-address", "192.168.100.20", "--mac", "02:00:00:00:00:20", "--hostname", "shelf")
    equal(lab.network("raw0").get("Addresses")[-1],
          {"ip": "192.168.100.20", "mac": "02:00:00:00:00:20", "hostname": "shelf"}, "the entry")
    ctl("remove-address", "192.168.100.20")
    refused_with(1, "remove-address", "192.168.100.20", says=["192.168.100.20"])
    refused_with(1, "add-address", "192.168.100.20", "--public-ip", lan.FREE[0], says=["public_ip"])


def test_public_address_is_added(lab):
    lab.dut()
    ctl("create", "-", stdin=CONFIG.replace("hostname: board", "hostname: board, public_ip: "
                                            + lan.FREE[0]) + "nat_mode: 1to1\n")
    ctl("add-address", "192.168.100.20", f"--public-ip={lan.FREE[1]}")
    equal(lab.network("raw0").get("Addresses")[-1]["public_ip"], lan.FREE[1], "public_ip")


def test_names_are_added_and_removed(lab):
    created(lab)
    ctl("add-dns", "new.lab", "10.1.2.4")
    contains(ctl("dns-entries"), "new.lab", "10.1.2.4", "artifacts.lab")
    assert {"hostname": "new.lab", "ip": "10.1.2.4"} in ctl_json("dns-entries")
    ctl("remove-dns", "new.lab")
    lacks(ctl("dns-entries"), "new.lab")
    refused_with(1, "remove-dns", "new.lab", says=["new.lab"])
    ctl("add-dns", "both.lab", "10.1.2.5")
    ctl("add-dns", "both.lab", "2001:db8::5")
    ctl("remove-dns", "both.lab", "10.1.2.5")
    equal([item["ip"] for item in ctl_json("dns-entries") if item["hostname"] == "both.lab"],
          ["2001:db8::5"], "what is left of the entry")
    refused_with(1, "remove-dns", "both.lab", "10.1.2.5", says=["both.lab", "10.1.2.5"])


def test_nat_rules(lab):
    created(lab)
    equal(ctl("nat-rules").strip(), rules_listed("raw0").strip(), "nat-rules")


def test_up_and_down(lab):
    created(lab)
    ctl("down")
    equal(lab.network("raw0").get("State"), "inactive", "State after down")
    ctl("up")
    equal(lab.network("raw0").get("State"), "active", "State after up")


def test_update_by_keys_and_by_file(lab):
    created(lab)
    pid = lab.network("raw0").dnsmasq()
    ctl("update", "nat_mode=disabled")
    equal(lab.network("raw0").get("NatMode"), "disabled", "NatMode")
    equal(lab.network("raw0").dnsmasq(), pid, "dnsmasq's pid")
    ctl("update", lab.write("/tmp/changed.yaml", CONFIG + "dhcp_lease_time: 5m\n"))
    equal(lab.duts[0].dhcp()["lease"], "300", "the lease time")
    refused_with(1, "update", "nat_mode=2to1", says=["nat_mode", "2to1"])


def test_remove(lab):
    created(lab)
    ctl("remove")
    equal(lab.networks(), {}, "the networks")
    lab.unchanged()
    refused_with(1, "remove")


def test_reload(lab):
    lab.dut()
    lab.configure("one.yaml", CONFIG)
    ctl("reload")
    lab.network("raw0").wait_state("active")


def test_interface_is_needed_where_there_are_several(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    lab.create("raw0")
    lab.create("raw1", subnet="10.1.0.0/24", gateway_ip="10.1.0.1")
    done = run_full("dutnetctl", "status")
    assert done.returncode in (1, 2), done
    contains(done.stderr, "raw0", "raw1")
    contains(ctl("-i", "raw1", "status"), "10.1.0.0/24")
    refused_with(1, "-i", "raw7", "status", says=["raw7"])


def test_wrong_usage_ends_with_2(lab):
    for arguments in ((), ("nonsense",), ("get-ip",), ("add-dns", "only-one"),
                      ("--nonsense", "list"), ("status", "too", "many"), ("create",)):
        done = run_full("dutnetctl", *arguments)
        equal(done.returncode, 2, f"the exit code of {arguments}")
        assert done.stderr, f"{arguments} says nothing on stderr"
    contains(run_full("dutnetctl", "statsu").stderr, "status")


def test_check_validates_and_changes_nothing(lab):
    lab.dut()
    good = lab.write("/tmp/good.yaml", CONFIG)
    ctl("check", good)
    lab.stop_daemon()
    ctl("check", good)
    assert not lab.bus.has_owner(), "check started the service"
    lab.unchanged()
    bad = lab.write("/tmp/bad.yaml", CONFIG.replace("gateway_ip", "gatewayip"))
    refused_with(1, "check", bad, says=[f"{bad}:3:1: ", "gatewayip", "gateway_ip"])
    refused_with(1, "check", "/tmp/there-is-no-such-file.yaml", says=["No such file"])


def test_create_names_the_file_in_its_errors(lab):
    lab.dut()
    bad = lab.write("/tmp/bad.yaml", "interface: raw0\nsubnet: 10.0.0.0/33\n")
    refused_with(1, "create", bad, says=[f"{bad}:2:9: ", "10.0.0.0/33"])
    equal(lab.networks(), {}, "the networks")


def test_export_reads_back_as_what_is_in_force(lab):
    created(lab)
    ctl("add-dns", "new.lab", "10.1.2.4")
    before = lab.network("raw0").properties()
    text = ctl("export")
    loaded = yaml.safe_load(text)
    network = loaded["networks"][0] if "networks" in loaded else loaded
    equal((network["interface"], network["dns_entries"][-1]),
          ("raw0", {"hostname": "new.lab", "ip": "10.1.2.4"}), "what is exported")
    path = lab.write("/tmp/exported.yaml", text)
    ctl("check", path)
    ctl("remove")
    ctl("create", path)
    equal(lab.network("raw0").properties(), before, "the properties afterwards")
    equal(ctl("export"), text, "the second export")


def test_monitor_prints_changes_as_they_happen(lab):
    dut = created(lab)
    with open("/tmp/monitor.out", "w", encoding="utf-8") as out:
        lab.start("dutnetctl", "--json", "monitor", stdout=out)

    def lines():
        with open("/tmp/monitor.out", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def printed():
        dut.dhcp()
        lab.network(dut).add_dns("seen.lab", "10.1.2.7")
        return [line for line in lines() if "seen.lab" in json.dumps(line)]

    wait_for(printed, "monitor prints a change")


def test_monitor_of_one_network_tells_of_no_other(lab):
    lab.dut("raw0")
    lab.dut("raw1")
    first = lab.create("raw0")
    second = lab.create("raw1", subnet="10.6.0.0/24", gateway_ip="10.6.0.1")
    with open("/tmp/monitor.out", "w", encoding="utf-8") as out:
        lab.start("dutnetctl", "-i", "raw0", "monitor", stdout=out)

    def told():
        second.add_dns("other.lab", "10.1.2.8")
        first.add_dns("seen.lab", "10.1.2.7")
        return "seen.lab" in host.read("/tmp/monitor.out")

    wait_for(told, "monitor prints a change")
    lacks(host.read("/tmp/monitor.out"), "other.lab", "raw1")


def test_no_colour_and_no_escapes_off_a_terminal(lab):
    created(lab)
    for verb in ("list", "status", "leases", "dns-entries"):
        lacks(ctl(verb), "\x1b")


def test_ordinary_users_see_the_status(lab):
    created(lab)
    contains(run(*as_user("lab-alice", "dutnetctl", "status")), "raw0")


def test_ordinary_users_are_told_why_not(lab):
    created(lab)
    done = run_full(*as_user("lab-alice", "dutnetctl", "--no-ask-password", "remove"))
    equal(done.returncode, 1, "the exit code")
    assert done.stderr.strip(), "it says nothing"
    equal(sorted(lab.networks()), ["raw0"], "the networks")


def test_help_and_version(lab):
    contains(ctl("--help"), "add-address", "status", "create")
    contains(ctl("--version"), ".")


def complete(*words):
    """What bash offers for the last word."""
    line = " ".join(words)
    return run("bash", "-c", f"""
        source /usr/share/bash-completion/bash_completion 2>/dev/null
        source /usr/share/bash-completion/completions/dutnetctl
        COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; COMP_POINT={len(line)}
        [ {len(words)} -gt 1 ] && _dutnetctl dutnetctl {words[-1]} {words[-2]}
        printf '%s\\n' "${{COMPREPLY[@]}}" """).split()


def test_completion_knows_verbs_and_options(lab):
    verbs = re.findall(r"^  ([a-z-]+) ", ctl("--help").split("Options:")[0], re.MULTILINE)
    contains(verbs, "list", "capture", "tcpdump")
    equal([verb for verb in verbs if verb not in complete("dutnetctl", verb)], [],
          "the verbs that bash does not offer")
    zsh = run("find", "/usr/share/zsh", "-name", "_dutnetctl").strip()
    with open(zsh, encoding="utf-8") as file:
        contains(file.read(), *(f"'{verb}:" for verb in verbs))
    contains(complete("dutnetctl", "capture", "--"), "--snaplen", "--packets", "--write", "--bytes")
    equal(complete("dutnetctl", "list", "--snap"), [], "what list is offered")
    equal(complete("dutnetctl", "update", "enable"), ["enable_tcpdump="], "the key")


def test_completion_knows_what_there_is(lab):
    lab.create(lab.dut(), dns_entries=[{"hostname": "cache.lab", "ip": "10.1.2.3"},
                                       {"hostname": "other.lab", "ip": "10.1.2.4"}])
    equal(complete("dutnetctl", "remove-dns", "ca"), ["cache.lab"], "names")
    equal(complete("dutnetctl", "remove-dns", "cache.lab", "10"), ["10.1.2.3"], "a name's address")


def test_completion_files_are_sound(lab):
    bash = [path for path in glob.glob("/usr/share/bash-completion/completions/dutnetctl")]
    assert bash, "no completion for bash is installed"
    run("bash", "-n", bash[0])
    words = run("bash", "-c", f"""
        source /usr/share/bash-completion/bash_completion 2>/dev/null
        source {bash[0]}
        COMP_WORDS=(dutnetctl add-); COMP_CWORD=1; COMP_LINE='dutnetctl add-'; COMP_POINT=14
        $(complete -p dutnetctl | sed 's/.*-F \\([^ ]*\\).*/\\1/') dutnetctl add- dutnetctl
        printf '%s\\n' "${{COMPREPLY[@]}}" """)
    contains(words, "add-address", "add-dns")
