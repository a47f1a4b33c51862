# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks with the same subnet at the same time."""

import contextlib
import socket
import statistics
import struct
import time

from labkit import boards, bus, host, lan, whoami
from labkit.boards import ADDRESS, GATEWAY, SUBNET, Boards, Flow, strict_rp_filter
from labkit.damage import without_owner
from labkit.expect import contains, equal, lacks, refused
from labkit.process import run, run_full, stays, wait_for

TABLE = RULES = 0x4a00
BOUND_RULES = 0x8200
GUIDES = 4 + 3            # rules around the twins', and of the blocks that the first three are in
ETH_P_ARP = 0x0806
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14


def rules():
    return [line for line in host.rules() if "proto 74" in line or "lookup 189" in line]


def main_routes(subnet=SUBNET):
    """The NICs that the main table leads to the subnet by."""
    return [line.split(" dev ")[1].split()[0] for line in
            run("ip", "-4", "route", "show", "table", "main").splitlines()
            if line.startswith(subnet)]


def has_everything(twins):
    """Each board is served and reached as if it were alone."""
    for k, dut in enumerate(twins.duts):
        equal(dut.dhcp()["ip"], ADDRESS, f"{dut.name}'s address")
        for tcp in (False, True):
            equal(dut.dig("board.test", GATEWAY, tcp=tcp), [f"10.1.1.{k + 1}"],
                  f"{dut.name}'s own entry, TCP: {tcp}")
        assert dut.pings(GATEWAY), f"{dut.name}: the gateway does not answer"
    has_flows(twins)


def has_flows(twins):
    """All at once, and each goes on while the others are open."""
    out = [twins.out(k) for k in range(len(twins.duts))]
    for k, flow in enumerate(out):
        equal(flow.hear(), [twins.source(k)], f"the source of {twins.duts[k].name}")
    flows = []
    for k, dut in enumerate(twins.duts):
        flows.append((dut.name, GATEWAY, twins.bound(k)))
        if twins.public(k):
            flows.append((dut.name, lan.NEIGHBOUR, twins.from_lan(k)))
            flows.append((dut.name, None, twins.from_host(k)))
    for name, source, flow in flows:
        answer = flow.ask()
        equal(answer[0], name, "the board that answers")
        if source:
            equal(answer[1], source, f"the source that {name} sees")
    for k, flow in enumerate(out):
        equal(flow.ask(), [twins.source(k)], f"the source of {twins.duts[k].name}, later")


def go_on(twins):
    """Every connection that was made goes on."""
    for flow in twins.flows:
        assert flow.ask(), "a connection has ended"


def test_two(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 2)
    first, second = twins.create_all()
    has_everything(twins)
    equal(first.status()["twin"], 0, "the first one's number")
    equal(second.status()["twin"], 1, "the second one's number")
    equal(main_routes(), ["raw0"], "the main table's routes to the subnet")


def test_eight(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 8)
    twins.create_all()
    has_everything(twins)


def test_sixty_four(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 64)
    times = []
    for k in range(64):
        begin = time.monotonic()
        twins.create(k)
        times.append(time.monotonic() - begin)
    first, last = (statistics.median(part) * 1000 for part in (times[:16], times[-16:]))
    assert last < 4 * first, f"the first took {first:.0f} ms each, the last {last:.0f}"
    twins.configure()
    has_flows(twins)
    others_come_and_go(lab, twins)


test_sixty_four.seconds = 90


def others_come_and_go(lab, twins):
    """The owner of the main table's route, and twins among and behind the others, while each of these has
    connections out, in from the LAN and by its NIC."""
    gone = (0, 1, 30, 63)
    twins.close_flows()
    for k in range(64):
        if k not in gone:
            equal(twins.out(k).hear(), [twins.source(k)], f"the source of {twins.duts[k].name}")
            flows = [twins.bound(k), *([twins.from_lan(k)] if twins.public(k) else ())]
            equal({flow.ask()[0] for flow in flows}, {twins.duts[k].name}, "the board that answers")
    for k in gone:
        lab.remove(twins.duts[k])
        go_on(twins)
    wait_for(lambda: main_routes() == ["raw2"], "the oldest one that is left has the main table's route")
    for k in reversed(gone):
        twins.create(k)
        twins.duts[k].configure(f"{ADDRESS}/24", GATEWAY)
        go_on(twins)
        flow = twins.out(k)
        equal(flow.hear(), [twins.source(k)], f"the source of {twins.duts[k].name}, which came back")
    go_on(twins)


def test_two_hundred_and_fifty_six(lab):
    """The most that is promised. The last one has all that the first one has; most have a NIC and no
    board."""
    others = [f"raw{k}" for k in range(1, 256) if k != 128]
    for name in others:
        lab.undo.callback(run, "ip", "link", "delete", name)
    run("ip", "-batch", "-", stdin="".join(f"link add {name} up type veth peer name tap-{name}\n"
                                           for name in others))
    duts = [lab.dut(f"raw{k}", f"02:00:00:00:02:{k % 256:02x}") for k in (0, 128, 256)]
    for name in ["raw0", *others[:127], "raw128", *others[127:], "raw256"]:
        lab.create(name, subnet=SUBNET, gateway_ip=GATEWAY,
                   dns_entries=[{"hostname": "board.test", "ip": "10.1.1.1"}])
    for dut, number in zip(duts, (0, 128, 256), strict=True):
        dut.configure(f"{ADDRESS}/24", GATEWAY)
        equal(dut.source_at(lan.ROUTER), lan.HOST, f"the source of {dut.name}")
        equal(dut.dig("board.test", GATEWAY), ["10.1.1.1"], f"{dut.name}'s name server")
        dut.serve()
        with contextlib.closing(lab.network(dut).connect(ADDRESS, whoami.PORT)) as sock:
            sock.settimeout(5)
            equal(sock.recv(100).decode().strip(), GATEWAY, f"whom {dut.name} sees")
        equal(lab.network(dut).status()["twin"], number, f"{dut.name}'s number")
    for dut in duts:
        assert dut.dhcp()["ip"].startswith("192.168.100."), f"{dut.name} has no lease"


test_two_hundred_and_fifty_six.seconds = 120


def test_connect_reaches_the_board_of_its_network(lab):
    twins = Boards(lab, 4)
    networks = twins.create_all()
    twins.configure()
    sockets = [network.connect(ADDRESS, boards.PORT) for network in networks]
    for dut, sock in zip(twins.duts, sockets, strict=True):
        with sock:
            sock.settimeout(5)
            sock.sendall(b"?")
            equal(sock.recv(200).decode().split(), [dut.name, GATEWAY], "who answers, and what it sees")


def test_a_vpn_with_a_larger_subnet_disturbs_nobody(lab):
    """What runs is more specific than the route that comes, or less."""
    dut = lab.dut()
    network = lab.create(dut)
    dut.dhcp()
    flow = whoami.Connection(dut.namespace, lan.ROUTER)
    routes = ("192.168.0.0/16", "192.168.100.192/26")
    for route in routes:
        run("ip", "route", "add", route, "via", lan.ROUTER)
    try:
        stays(lambda: network.status()["twin"] == 0, "the network is no twin", 0.4)
        equal(flow.ask_again(), lan.HOST, "the source of a connection that was there")
        equal(main_routes(), ["raw0"], "the main table's routes to the subnet")
    finally:
        for route in routes:
            run("ip", "route", "delete", route)


def test_the_lan_moves_to_a_networks_subnet(lab):
    """The host reaches its LAN, and the network becomes a twin of it."""
    strict_rp_filter(lab)
    twins = Boards(lab, 2)
    first, second = twins.create_all()
    equal((first.status()["twin"], second.status()["twin"]), (0, 1), "the numbers before")
    lab.lan.run("ip", "address", "add", "192.168.100.60/24", "dev", "lan0")
    lab.undo.callback(lab.lan.run, "ip", "address", "delete", "192.168.100.60/24", "dev", "lan0")
    run("ip", "address", "add", "192.168.100.77/24", "dev", lan.UPSTREAM)
    try:
        wait_for(lambda: first.status()["twin"] == 2, "the first one is a twin")
        contains(first.status()["twin_of"], "raw1")
        wait_for(lambda: main_routes() == [lan.UPSTREAM], "the host's route to the subnet is the LAN's")
        assert run_full("ping", "-c", 1, "-W", 1, "192.168.100.60").returncode == 0, \
            "the host does not reach its LAN"
        first.wait_state("active")
        has_everything(twins)
    finally:
        run("ip", "address", "delete", "192.168.100.77/24", "dev", lan.UPSTREAM)
    go_on(twins)
    equal(main_routes(), [], "the main table's routes while the LAN is away")
    for dut in twins.duts:
        lab.remove(dut)
    lab.unchanged()


def test_connections_from_before_it_was_a_twin_end(lab):
    """By translation they would lead to whoever has the board's address on the LAN."""
    plain = Boards(lab, 1)
    lab.dut("raw9")
    network = plain.create(0)
    plain.configure()
    flow = plain.out(0)
    flow.hear()
    before = [line for line in host.connections() if line not in lab.connections]
    equal(len(before), 1, "the connections before")
    run("ip", "address", "add", "192.168.100.200/24", "dev", "raw9")
    try:
        wait_for(lambda: network.status()["twin"], "it is a twin")
        wait_for(lambda: before[0] not in host.connections(), "the connection from before ends")
        equal(flow.ask(), [plain.source(0)], "one that was silent meanwhile goes on as a twin's")
    finally:
        run("ip", "address", "delete", "192.168.100.200/24", "dev", "raw9")


def test_removal_leaves_no_trace(lab):
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    has_flows(twins)
    assert len(rules()) == 2 * 2 + GUIDES, f"the rules are {rules()}"
    for dut in twins.duts:
        lab.remove(dut)
    equal(rules(), [], "the rules")
    lab.unchanged()


def test_owner_goes_and_comes_back(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 4)
    twins.create_all()
    twins.configure()
    flows = []
    for k in (1, 2, 3):
        flows += [twins.out(k), twins.bound(k)]
        flows[-2].hear()
    flows += [twins.from_lan(1), twins.from_lan(3), twins.from_host(1), twins.from_host(3)]
    lab.remove("raw0")
    go_on(twins)
    wait_for(lambda: main_routes() == ["raw1"], "the oldest twin has the main table's route")
    equal(Flow(None, ADDRESS, boards.PORT).ask()[0], "raw1", "who the host reaches by the route")
    first = twins.create(0)
    go_on(twins)
    equal(main_routes(), ["raw1"], "the main table's routes")
    equal(first.status()["twin"], 4, "the number of the one that came back")
    flow = twins.out(0)
    equal(flow.hear(), [lan.HOST], "its source")
    equal(twins.bound(0).ask()[0], "raw0", "who the NIC leads to")
    lab.remove("raw1")
    wait_for(lambda: main_routes() == ["raw2"], "the next one has the route")
    assert twins.flows[2].ask(), "a connection of the others has ended"
    lab.remove("raw3")
    equal(flow.ask(), [lan.HOST], "the source of a connection that stays")


def test_connections_of_a_twin_that_goes_end(lab):
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    gone, other = twins.out(1), twins.out(2)
    gone.hear(), other.hear()
    lab.remove("raw1")
    gone.sock.settimeout(0.5)
    try:
        equal(gone.ask(), [], "the answer to a board whose network has gone")
    except OSError:
        pass  # as it must be
    equal(other.ask(), [lan.HOST], "the answer to the other")


def test_restart_and_kill_change_nothing(lab):
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    has_flows(twins)
    before = host.dump()
    lab.restart_daemon()
    wait_for(lambda: [state for state, _ in lab.networks().values()] == ["active"] * 3, "all are up")
    wait_for(lambda: not host.differences(before, host.dump()), "all is as it was", 8)
    go_on(twins)
    lab.kill_daemon()
    wait_for(lambda: [state for state, _ in lab.networks().values()] == ["active"] * 3, "all are up")
    wait_for(lambda: not host.differences(before, host.dump()), "all is as it was", 8)
    go_on(twins)
    equal([lab.network(dut).status()["twin"] for dut in twins.duts], [0, 1, 2], "the numbers")


def test_what_others_take_away_is_put_back(lab):
    without_owner(lab)
    strict_rp_filter(lab)
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    has_flows(twins)
    before = host.dump()
    table = str(TABLE + 1)
    for what, damage in (
            ("a rule by mark", ("ip", "rule", "delete", "fwmark", "0x400000/0xffc00000")),
            ("the way around all", ("ip", "rule", "delete", "preference", str(RULES - 1))),
            ("the way around a block", ("ip", "rule", "delete", "preference", str(RULES))),
            ("the way around bound sockets'", ("ip", "rule", "delete", "preference", str(BOUND_RULES))),
            ("both rules", ("ip", "rule", "flush", "protocol", "74")),
            ("the table", ("ip", "route", "flush", "table", table)),
            ("rp_filter", ("busybox", "sysctl", "-qw", "net.ipv4.conf.raw1.rp_filter=1")),
            ("the NIC", ("ip", "link", "set", "raw1", "down")),
            ("the gateways", ("nft", "delete", "table", "ip", "jumpstarter_gateways")),
            ("everything of ours", ("nft", "flush", "ruleset"))):
        run(*damage)
        wait_for(lambda: not host.differences(before, host.dump()), f"{what}: put back", 2)
        go_on(twins)


def test_rp_filter_of_all_turned_while_they_run(lab):
    """The kernel takes the larger of all's and the NIC's: what it has to look up is looked up loosely,
    and what it has not is not."""
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    has_flows(twins)
    knob = "/proc/sys/net/ipv4/conf/raw{}/rp_filter"
    equal([host.read(knob.format(k)).strip() for k in range(3)], ["0"] * 3, "what the NICs have")
    strict_rp_filter(lab)
    wait_for(lambda: [host.read(knob.format(k)).strip() for k in range(3)] == ["0", "2", "2"],
             "twins' NICs look up loosely", 1)
    go_on(twins)
    run("busybox", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0")
    wait_for(lambda: [host.read(knob.format(k)).strip() for k in range(3)] == ["0"] * 3,
             "they do not look up any more", 1)


def fragments(source, payload, identifier=7):
    """A UDP datagram to the LAN's port 7790 from port 5000, as two fragments: Ethernet payloads."""
    udp = struct.pack("!HHHH", 5000, 7790, 8 + len(payload), 0) + payload
    cut = 8 + (len(payload) // 2 & ~7)
    packets = []
    for part, offset in ((udp[:cut], 0), (udp[cut:], cut)):
        flags = offset // 8 | (0x2000 if offset == 0 else 0)
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(part), identifier, flags, 64, 17, 0,
                           socket.inet_aton(source), socket.inet_aton(lan.ROUTER))
        total = sum(struct.unpack("!10H", head))
        total = (total & 0xffff) + (total >> 16)
        total = (total & 0xffff) + (total >> 16)
        packets.append(head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + part)
    return packets


def test_fragments_of_twins_do_not_meet(lab):
    """The same addresses, the same identifier, at the same time: as boards count that have been
    flashed and switched on alike."""
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    heard = lab.lan.namespace.socket(kind=socket.SOCK_DGRAM)
    heard.bind((lan.ROUTER, 7790))
    heard.settimeout(2)
    senders, datagrams = [], []
    with heard:
        for k, dut in enumerate(twins.duts):
            assert dut.pings(GATEWAY), "the board has no way to its gateway"
            sock = dut.namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
            lab.undo.callback(sock.close)
            mac = bytes.fromhex(host.read(f"/sys/class/net/raw{k}/address").strip().replace(":", ""))
            senders.append(lambda packet, sock=sock, mac=mac: sock.sendto(
                packet, ("eth0", 0x0800, 0, 0, mac)))
            datagrams.append(fragments(ADDRESS, bytes([65 + k]) * 1200))
        for part in (0, 1):
            for send, parts in zip(senders, datagrams, strict=True):
                send(parts[part])
        equal({heard.recv(2000)[::100] for _ in twins.duts}, {bytes([65 + k]) * 12 for k in range(3)},
              "the datagrams as they arrive")


def test_a_subnet_around_another(lab):
    """Not the same, but overlapping: the host reaches the larger one's boards by its NIC alone."""
    small, large = lab.dut("raw0"), lab.dut("raw1")
    lab.create(small)
    lab.create(large, subnet="192.168.0.0/16", gateway_ip="192.168.0.1",
               dhcp_range_start="192.168.100.100", dhcp_range_end="192.168.100.200")
    for dut in (small, large):
        equal(dut.dhcp()["ip"], "192.168.100.100", f"{dut.name}'s address")
        equal(dut.source_at(lan.ROUTER), lan.HOST, f"{dut.name}'s source")
    assert small.pings(GATEWAY) and large.pings("192.168.0.1"), "a gateway does not answer"
    assert not large.arping(GATEWAY), "the other network's gateway answers"


def test_the_lans_own_subnet(lab):
    strict_rp_filter(lab)
    dut = lab.dut()
    network = lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254",
                         dns_entries=[{"hostname": "board.test", "ip": "10.1.1.1"}],
                         dhcp_range_start="10.77.0.1", dhcp_range_end="10.77.0.3")
    contains(network.status()["twin_of"], "10.77.0.0/24", "up0")
    taken = dut.dhcp()["ip"]
    assert taken != lan.HOST, "the board has the host's own address"
    equal(dut.dig("board.test", "10.77.0.254"), ["10.1.1.1"], "the board's name server")
    assert dut.pings("10.77.0.254"), "the gateway does not answer"
    equal(dut.source_at("8.8.8.8"), lan.HOST, "the board's source beyond the LAN")
    equal(whoami.tcp(None, lan.ROUTER), lan.HOST, "the host's source on its LAN")
    equal(main_routes("10.77.0.0/24"), ["up0"], "the main table's routes to the LAN")
    done = lab.lan.namespace.run_full("busybox", "arping", "-c", 1, "-w", 1, "-I", "lan0",
                                      "10.77.0.254")
    assert done.returncode != 0, "the LAN gets an ARP answer for the gateway address"
    lans, = [line.split() for line in run("ip", "-4", "route", "show", "dev", "up0").splitlines()
             if line.startswith("10.77.0.0/24")]
    run("ip", "route", "delete", *lans, "dev", "up0")
    try:
        run("ip", "route", "flush", "table", str(TABLE + 1))
        wait_for(lambda: run("ip", "route", "show", "table", str(TABLE + 1)), "its table is back")
        equal(main_routes("10.77.0.0/24"), [], "the main table's routes while the LAN is away")
    finally:
        run("ip", "route", "add", *lans, "dev", "up0")


def test_one_to_one_in_the_lans_own_subnet(lab):
    """The board takes the LAN's hosts for its own neighbours, so it sees them as its gateway."""
    strict_rp_filter(lab)
    twins = Boards(lab, 2)
    dut, other = twins.duts
    lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", nat_mode="1to1",
               addresses=[{"ip": "10.77.0.50", "mac": dut.mac, "public_ip": lan.FREE[0]},
                          {"ip": "10.77.0.51", "public_ip": lan.FREE[1]}])
    lab.create(other, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", nat_mode="1to1",
               addresses=[{"ip": "10.77.0.50", "mac": other.mac, "public_ip": lan.FREE[2]}])
    for board, public in ((dut, lan.FREE[0]), (other, lan.FREE[2])):
        equal(board.dhcp()["ip"], "10.77.0.50", "the board's address")
        equal(board.source_at("8.8.8.8"), public, "the board's source beyond the LAN")
        equal(Flow(lab.lan.namespace, public, boards.PORT, (lan.NEIGHBOUR, 6100)).ask(),
              [board.name, "10.77.0.254"], "who answers the LAN, and what it sees")
        equal(Flow(None, public, boards.PORT).ask(), [board.name, "10.77.0.254"],
              "who answers the host, and what it sees")
    equal(whoami.tcp(None, lan.ROUTER), lan.HOST, "the host's source on its LAN")
    with refused(bus.INVALID_ARGS, "public_ip", "10.77.0.51"):
        lab.network(dut).add_address("10.77.0.52", public_ip="10.77.0.51")


def test_pool_in_the_lans_own_subnet(lab):
    """What is a board's own is passed over."""
    dut, = Boards(lab, 1).duts
    entries = [{"ip": lan.FREE[0], "mac": dut.mac, "public_ip": "auto"},
               {"ip": "10.77.0.51", "public_ip": "auto"}]
    network = lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", nat_mode="1to1",
                         public_pool=f"{lan.FREE[0]}-{lan.FREE[2]}", addresses=entries)
    chosen = {entry["ip"]: entry["public_ip"] for entry in network.get("Addresses")}
    equal(set(chosen.values()), set(lan.FREE[1:3]), "what the pool chose")
    equal(dut.dhcp()["ip"], lan.FREE[0], "the board's address")
    equal(dut.source_at("8.8.8.8"), chosen[lan.FREE[0]], "the board's source beyond the LAN")
    equal(Flow(lab.lan.namespace, chosen[lan.FREE[0]], boards.PORT, (lan.NEIGHBOUR, 6100)).ask(),
          [dut.name, "10.77.0.254"], "who answers the LAN, and what it sees")
    lab.remove(dut)
    network = lab.create(dut, subnet="10.77.0.0/24", gateway_ip="10.77.0.254", nat_mode="1to1",
                         addresses=[{"ip": "10.77.0.51", "public_ip": lan.FREE[0]}])
    network.update(addresses=[{"ip": "10.77.0.51", "public_ip": "auto"}],
                   public_pool=f"{lan.FREE[1]}-{lan.FREE[2]}")
    equal(network.get("Addresses")[0]["public_ip"] in lan.FREE[1:3], True, "whether it is of the pool")


def test_board_reaches_itself_by_its_public_address(lab):
    """Of a twin, though the host's own way to its private address leads to another board."""
    twins = Boards(lab, 2)
    twins.create_all()
    twins.configure()
    flow = Flow(twins.duts[1].namespace, twins.public(1), boards.PORT)
    equal(flow.ask(), ["raw1", twins.public(1)], "who answers, and what it sees")
    assert not twins.duts[0].reaches(twins.public(1), boards.PORT), "another board reaches it"


def test_the_right_board_learns_that_a_packet_is_too_big(lab):
    """An uplink like PPPoE or a tunnel: without that word a board's connections hang."""
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    run("ip", "link", "set", "up0", "mtu", 1400)
    lab.undo.callback(run, "ip", "link", "set", "up0", "mtu", 1500)
    sockets = []
    for dut in twins.duts:
        sock = dut.namespace.socket(kind=socket.SOCK_DGRAM)
        lab.undo.callback(sock.close)
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        sock.bind((ADDRESS, 5000))
        sock.connect((lan.ROUTER, whoami.PORT))
        sockets.append(sock)
    for k in (2, 0, 1):
        sockets[k].send(bytes(1450))
        wait_for(lambda k=k: sockets[k].getsockopt(socket.IPPROTO_IP, IP_MTU) == 1400,
                 f"{twins.duts[k].name} knows how much the upstream takes", 2)


def test_the_right_board_learns_that_its_connection_is_lost(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 3)
    networks = twins.create_all()
    twins.configure()
    for k, network in enumerate(networks):
        network.update(filter={"ingress": {"policy": "drop"}},
                       forwards=[{"port": 2200 + k, "ip": ADDRESS, "to_port": 22}])
    with contextlib.ExitStack() as flows:
        held = [flows.enter_context(contextlib.closing(
            whoami.Connection(dut.namespace, lan.ROUTER, timeout=5))) for dut in twins.duts]
        for network, flow in zip(networks, held):
            equal(network.call("ExpireConnections", "(a{sv})", {}), 1, "how many are lost")
            try:
                flow.ask_again()
                raise AssertionError("it goes on")
            except ConnectionResetError:
                pass


def test_nobody_else_is_answered_at_a_twins_name_server(lab):
    twins = Boards(lab, 3)
    twins.create_all()
    twins.configure()
    lab.lan.add_route(SUBNET)
    lab.undo.callback(lab.lan.remove_route, SUBNET)
    asked = [(name, namespace.start("dig", f"@{server}", "-p", 20481, "+tries=1", "+time=1", *tcp,
                                    "board.test", stdout=-1, text=True))
             for name, namespace, server in (
                 ("the LAN", lab.lan.namespace, lan.HOST), ("the LAN", lab.lan.namespace, GATEWAY),
                 ("the first board", twins.duts[0].namespace, GATEWAY),
                 ("the other twin", twins.duts[2].namespace, GATEWAY))
             for tcp in ((), ("+tcp",))]
    for name, question in asked:
        said, _ = question.communicate()
        assert question.returncode != 0, f"{name} gets an answer: {said}"
        lacks(said, "10.1.1.2")
    equal(twins.duts[1].dig("board.test", GATEWAY), ["10.1.1.2"], "its own board's answer")


def test_each_twins_name_server_answers_for_everybody(lab):
    strict_rp_filter(lab)
    twins = Boards(lab, 3)
    for k in range(3):
        lab.create(twins.duts[k], dns_intercept=True, **twins.settings(k))
    twins.configure()
    for k, dut in enumerate(twins.duts):
        for tcp in (False, True):
            equal(dut.dig("board.test", "8.8.8.8", tcp=tcp), [f"10.1.1.{k + 1}"],
                  f"{dut.name}'s own entry, TCP: {tcp}")
    has_flows(twins)


def test_the_lan_never_learns_a_gateway(lab):
    """Whatever the host sends, and whatever is asked on the LAN."""
    twins = Boards(lab, 3)
    heard = lab.lan.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    heard.bind(("lan0", ETH_P_ARP))
    heard.setblocking(False)
    lab.undo.callback(heard.close)
    twins.create_all()
    twins.configure()
    lab.lan.run("ip", "neighbour", "flush", "all")
    has_flows(twins)
    done = lab.lan.namespace.run_full("busybox", "arping", "-c", 1, "-w", 1, "-I", "lan0", GATEWAY)
    assert done.returncode != 0, "the LAN gets an ARP answer for the gateway address"
    senders = set()
    with contextlib.suppress(BlockingIOError):
        while True:
            senders.add(socket.inet_ntoa(heard.recv(100)[28:32]))
    assert lan.HOST in senders, f"nothing of the host is heard, so this proves nothing: {senders}"
    assert GATEWAY not in senders, f"the LAN hears of {senders}"


def test_status_says_how_it_is_reached(lab):
    twins = Boards(lab, 3)
    twins.create_all()
    lacks(run("dutnetctl", "-i", "raw0", "status"), "Twin of")
    contains(" ".join(run("dutnetctl", "-i", "raw1", "status").split()),
             "Twin of: raw0; reached by 10.77.0.101 or dutnetctl -i raw1 connect ADDRESS PORT")
    contains(" ".join(run("dutnetctl", "-i", "raw2", "status").split()),
             "Twin of: raw0; reached by dutnetctl -i raw2 connect ADDRESS PORT")


def test_other_subnets_and_back(lab):
    """A network that moves away is no twin any more, one that moves to another's subnet becomes one."""
    first, second = lab.dut("raw0"), lab.dut("raw1")
    lab.create(first)
    network = lab.create(second)
    equal(network.status()["twin"], 1, "its number")
    network.update(subnet="192.168.101.0/24", gateway_ip="192.168.101.1")
    equal((network.status()["twin"], rules()), (0, []), "its number and the rules elsewhere")
    equal(second.dhcp()["ip"], "192.168.101.100", "the address elsewhere")
    equal(second.source_at(lan.ROUTER), lan.HOST, "the source elsewhere")
    network.update(subnet=SUBNET, gateway_ip=GATEWAY)
    equal((network.status()["twin"], len(rules())), (1, 2 + GUIDES), "its number and the rules, back again")
    equal(second.dhcp()["ip"], "192.168.100.100", "the address, back again")
    equal(second.source_at(lan.ROUTER), lan.HOST, "the source, back again")


def test_mappings_change_while_it_runs(lab):
    twins = Boards(lab, 2)
    _, second = twins.create_all()
    twins.configure()
    second.add_address("192.168.100.10", mac=twins.duts[1].mac, public_ip="10.77.0.130")
    flow = Flow(lab.lan.namespace, "10.77.0.130", boards.PORT)
    equal(flow.ask()[0], "raw1", "the board that has the new address")
    second.remove_address("192.168.100.10")
    assert not lab.lan.reaches("10.77.0.130", boards.PORT), "the address is still answered for"
    equal(twins.out(1).hear(), [lan.HOST], "the source without a mapping")


def test_nat_disabled(lab):
    first, second = lab.dut("raw0"), lab.dut("raw1")
    for dut in (first, second):
        lab.create(dut, nat_mode="disabled",
                   dns_entries=[{"hostname": "board.test", "ip": "10.1.1.1"}])
        dut.dhcp()
        assert dut.pings(GATEWAY), f"{dut.name}: the gateway does not answer"
        equal(dut.dig("board.test", GATEWAY), ["10.1.1.1"], f"{dut.name}'s name server")
        assert not dut.reaches(lan.ROUTER), f"{dut.name} reaches the LAN"
