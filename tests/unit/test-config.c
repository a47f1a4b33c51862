/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Configurations: what is refused and with which words, defaults in every subnet, changes laid
 * over, what a difference touches. Settings are written as YAML for brevity. */

#include "model/config.h"

#include <string.h>

#include "model/config-yaml.h"
#include "util/error.h"

static NetworkConfig *config_of(const char *yaml)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = config_yaml_parse(yaml, strlen(yaml), NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(configs->len, ==, 1);
        return config_copy(g_ptr_array_index(configs, 0));
}

#define ETH "interface: eth1\n"

typedef struct Refusal {
        const char *yaml;
        const char *error; /* all of it, or with a '*' at its end the beginning */
} Refusal;

static const Refusal types[] = {
        { "subnet: 10.0.0.0/24\n", "1:1: interface: is missing, and so is match" },
        { "interface: [eth1]\n", "1:12: interface: a list is not text" },
        { "interface:\n", "1:11: interface: \"\" is not text" },
        { "interface: null\n", "1:12: interface: \"null\" is not text" },
        { ETH "create: switch\n",
          "2:9: create: \"switch\" is nothing that can be made: bridge and tap are" },
        { "create: tap\n",
          "1:1: owner: is missing: create: \"tap\" needs the user who may open it" },
        { ETH "create: tap\n",
          "2:9: owner: is missing: create: \"tap\" needs the user who may open it" },
        { ETH "create: tap\nowner: null\n",
          "2:9: owner: is missing: create: \"tap\" needs the user who may open it" },
        { ETH "create: bridge\nowner: alice\n", "3:8: owner: \"alice\" needs create: \"tap\"" },
        { ETH "owner: alice\n", "2:8: owner: \"alice\" needs create: \"tap\"" },
        { ETH "create: tap\nowner: [alice]\n",
          "3:8: owner: a list is no user: neither a name nor a uid" },
        { ETH "create: tap\nowner: 4294967295\n",
          "3:8: owner: \"4294967295\" is no user: neither a name nor a uid" },
        { ETH "create: tap\nowner: -1\n",
          "3:8: owner: \"-1\" is no user: neither a name nor a uid" },
        { ETH "create: tap\nowner: \"a b\"\n",
          "3:8: owner: \"a b\" is no user: neither a name nor a uid" },
        { ETH "create: tap\nowner: \"a:b\"\n",
          "3:8: owner: \"a:b\" is no user: neither a name nor a uid" },
        { "match: {path: 1-2}\ncreate: tap\nowner: alice\n",
          "2:9: create: \"tap\" goes without match: what is made has the name that `interface` "
          "gives" },
        { ETH "create: [bridge]\n", "2:9: create: a list is not text" },
        { ETH "create: bridge\nmtu: 575\n",
          "3:6: mtu: \"575\" is not a number of bytes from 576 to 65521" },
        { ETH "create: bridge\nmtu: 65522\n",
          "3:6: mtu: \"65522\" is not a number of bytes from 576 to 65521" },
        { ETH "create: bridge\nmtu: '1500'\n",
          "3:6: mtu: \"1500\" is not a number of bytes from 576 to 65521" },
        { ETH "create: bridge\nmtu: -1\n",
          "3:6: mtu: \"-1\" is not a number of bytes from 576 to 65521" },
        { ETH "mtu: 1400\n",
          "2:6: mtu: 1400 needs `create`: an interface that is there is used as it is" },
        { "match: {path: 1-2}\ncreate: bridge\n",
          "2:9: create: \"bridge\" goes without match: what is made has the name that "
          "`interface` gives" },
        { ETH "isolate_guests: 2\n", "2:17: isolate_guests: \"2\" is not true or false" },
        { ETH "nat_port_range: 9-1\n", "2:17: nat_port_range: \"9-1\" is not a range of ports: "
                                       "\"FIRST-LAST\", from 1 to 65535" },
        { ETH "connection_timeout: 1w\n",
          "2:21: connection_timeout: \"1w\" is not a time from 1 second to 30 days: it is a number "
          "with s, m, h or d" },
        { ETH "max_connections: 0\n",
          "2:18: max_connections: \"0\" is not a number from 1 to 1000000" },
        { ETH "nat_mode: disabled\nmax_connections: 1\n",
          "3:18: max_connections: 1 needs nat_mode masquerade or 1to1" },
        { ETH "nat_mode: none\naddresses: [{ip: 192.168.100.5, connection_timeout: 60}]\n",
          "3:13: addresses: connection_timeout: \"1m\" needs nat_mode masquerade or 1to1" },
        { ETH "addresses: [{ip: 192.168.100.5, nat_port_range: x}]\n",
          "2:49: addresses: nat_port_range: \"x\" is not a range of ports: *" },
        { ETH "subnet: {}\n", "2:9: subnet: a mapping is not text" },
        { ETH "gateway_ip: []\n", "2:13: gateway_ip: a list is not text" },
        { ETH "nat_mode: true\n", "2:11: nat_mode: \"true\" is not one of *" },
        { ETH "dhcp_enabled: maybe\n", "2:15: dhcp_enabled: \"maybe\" is not true or false" },
        { ETH "dhcp_enabled: 'true'\n", "2:15: dhcp_enabled: \"true\" is not true or false" },
        { ETH "dhcp_enabled: 1\n", "2:15: dhcp_enabled: \"1\" is not true or false" },
        { ETH "dhcp_ping_check: []\n", "2:18: dhcp_ping_check: a list is not true or false" },
        { ETH "dhcp_force: ~\n", "2:13: dhcp_force: \"~\" is not true or false" },
        { ETH "take_default_route: x\n", "2:21: take_default_route: \"x\" is not true or false" },
        { ETH "enable_tcpdump: []\n", "2:17: enable_tcpdump: a list is not true or false" },
        { ETH "addresses: {}\n", "2:12: addresses: a mapping is not a list of entries" },
        { ETH "addresses: x\n", "2:12: addresses: \"x\" is not a list of entries" },
        { ETH "addresses: [x]\n",
          "2:13: addresses: \"x\" is not a mapping with the keys of an entry" },
        { ETH "dns_servers: 8.8.8.8\n",
          "2:14: dns_servers: \"8.8.8.8\" is not a list of addresses" },
        { ETH "dns_servers: [[8.8.8.8]]\n", "2:15: dns_servers: a list is not text" },
        { ETH "dns_intercept: all\n", "2:16: dns_intercept: \"all\" is not true or false" },
        { ETH "local_ntp: host\n",
          "2:12: local_ntp: \"host\" is not true, false or a mapping with unsynchronised" },
        { ETH "local_ntp: [true]\n",
          "2:12: local_ntp: a list is not true, false or a mapping with unsynchronised" },
        { ETH "local_ntp: {unsynchronised: true}\n",
          "2:29: local_ntp: unsynchronised: \"true\" is not one of serve, refuse" },
        { ETH "local_ntp: {unsynchronized: serve}\n",
          "2:13: local_ntp: unknown key \"unsynchronized\" with the value \"serve\"; "
          "did you mean \"unsynchronised\"?" },
        { ETH "dns_entries: yes\n", "2:14: dns_entries: \"yes\" is not a list of entries" },
        { ETH "dns_entries: [[]]\n",
          "2:15: dns_entries: a list is not a mapping with the keys of an entry" },
};

static const Refusal unknown[] = {
        { ETH "gatewayip: 10.0.0.1\n",
          "2:1: unknown key \"gatewayip\" with the value \"10.0.0.1\"; "
          "did you mean \"gateway_ip\"?" },
        { ETH "dhcp-enabled: no\n", "2:1: unknown key \"dhcp-enabled\" with the value \"no\"; "
                                    "did you mean \"dhcp_enabled\"?" },
        { ETH "filtre: {}\n", "2:1: unknown key \"filtre\" with the value a mapping; "
                              "did you mean \"filter\"?" },
        { ETH "enable_dump: true\n", "2:1: unknown key \"enable_dump\" with the value \"true\"*" },
        { ETH "transient: true\n", "2:1: unknown key \"transient\" with the value \"true\"" },
        { ETH "\"a\\nb\": 1\n", "2:1: unknown key \"a\\nb\" with the value \"1\"" },
        { ETH "addresses:\n  - ip: 192.168.100.5\n    hostnam: x\n",
          "4:5: addresses: unknown key \"hostnam\" with the value \"x\"; did you mean "
          "\"hostname\"?" },
        { ETH "dns_entries:\n  - {hostname: a, ip: 10.0.0.1, ttl: 5}\n",
          "3:33: dns_entries: unknown key \"ttl\" with the value \"5\"" },
};

static const Refusal names[] = {
        { "interface: ../x\n", "1:12: interface: \"../x\" is not an interface's name: *" },
        { "interface: /dev/x\n", "1:12: interface: \"/dev/x\" is not an interface's name: *" },
        { "interface: enx00e04c6800012\n", "1:12: interface: \"enx00e04c6800012\" is not *" },
        { "interface: 'eth 1'\n", "1:12: interface: \"eth 1\" is not an interface's name: *" },
        { "interface: \"eth\\n1\"\n",
          "1:12: interface: \"eth\\n1\" is not an interface's name: *" },
        { "interface: ''\n", "1:12: interface: \"\" is not an interface's name: *" },
        { "interface: eth*\n", "1:12: interface: \"eth*\" cannot be served: *" },
        { "interface: 'a,b'\n", "1:12: interface: \"a,b\" cannot be served: *" },
        { ETH "upstream_interface: a/b\n", "2:21: upstream_interface: \"a/b\" is not *" },
        { ETH "public_interface: a:b\n", "2:19: public_interface: \"a:b\" is not *" },
        { ETH "upstream_interface: eth1\n",
          "2:21: upstream_interface: \"eth1\" is the network's own interface" },
        { ETH "public_interface: eth1\n",
          "2:19: public_interface: \"eth1\" is the network's own interface" },
        { ETH "nat_mode: nat\n",
          "2:11: nat_mode: \"nat\" is not one of masquerade, 1to1, disabled, none" },
        { ETH "nat_mode: Masquerade\n", "2:11: nat_mode: \"Masquerade\" is not one of *" },
};

static const Refusal addresses[] = {
        { ETH "subnet: 10.0.0.1/24\n",
          "2:9: subnet: \"10.0.0.1/24\" has host bits set (is 10.0.0.0/24 meant?)" },
        { ETH "subnet: 010.0.0.0/24\n", "2:9: subnet: \"010.0.0.0/24\" is not a subnet: *" },
        { ETH "subnet: 127.0.0.0/8\n",
          "2:9: subnet: 127.0.0.0/8 is not a subnet that hosts can have addresses of" },
        { ETH "subnet: 0.0.0.0/1\n", "2:9: subnet: 0.0.0.0/1 is not *" },
        { ETH "subnet: 224.0.0.0/24\n", "2:9: subnet: 224.0.0.0/24 is not *" },
        { ETH "gateway_ip: 192.168.100.01\n",
          "2:13: gateway_ip: \"192.168.100.01\" is not an IPv4 address" },
        { ETH "gateway_ip: 192.168.101.1\n",
          "2:13: gateway_ip: 192.168.101.1 is outside the subnet 192.168.100.0/24" },
        { ETH "gateway_ip: 192.168.100.0\n",
          "2:13: gateway_ip: 192.168.100.0 is the network address of 192.168.100.0/24" },
        { ETH "gateway_ip: 192.168.100.255\n",
          "2:13: gateway_ip: 192.168.100.255 is the broadcast address of 192.168.100.0/24" },
        { ETH "gateway_ip: fe80::1\n", "2:13: gateway_ip: \"fe80::1\" is not an IPv4 address" },
        { ETH "dns_servers: [dns.google]\n",
          "2:15: dns_servers: \"dns.google\" is not an IPv4 address" },
        { ETH "dns_servers: ['8.8.8.8#53']\n", "2:15: dns_servers: \"8.8.8.8#53\" is not *" },
        { ETH "dns_servers: [127.0.0.53]\n",
          "2:15: dns_servers: \"127.0.0.53\" is not an address that a DNS server can have" },
        { ETH "dns_servers: [9.9.9.9, 9.9.9.9]\n",
          "2:24: dns_servers: \"9.9.9.9\" is listed twice" },
        { ETH "dns_servers: [192.168.100.1]\n",
          "2:14: dns_servers: 192.168.100.1 is the network's own gateway_ip, which asks them" },
};

static const Refusal ranges[] = {
        { ETH "dhcp_range_start: 192.168.101.5\n",
          "2:19: dhcp_range_start: 192.168.101.5 is outside the subnet 192.168.100.0/24" },
        { ETH "dhcp_range_end: 192.168.100.255\n",
          "2:17: dhcp_range_end: 192.168.100.255 is the broadcast address of 192.168.100.0/24" },
        { ETH "dhcp_range_start: 192.168.100.0\n",
          "2:19: dhcp_range_start: 192.168.100.0 is the network address of 192.168.100.0/24" },
        { ETH "dhcp_range_start: 192.168.100.9\ndhcp_range_end: 192.168.100.8\n",
          "3:17: dhcp_range_end: 192.168.100.8 is below dhcp_range_start, 192.168.100.9" },
        { ETH "dhcp_range_start: 192.168.100.220\n",
          "2:19: dhcp_range_start: 192.168.100.220 is above dhcp_range_end, which is "
          "192.168.100.200 by "
          "default" },
        { ETH "dhcp_range_end: 192.168.100.50\n",
          "2:17: dhcp_range_end: 192.168.100.50 is below dhcp_range_start, 192.168.100.100" },
        { ETH "dhcp_range_start: 192.168.100.1\ndhcp_range_end: 192.168.100.1\n",
          "2:19: dhcp_range_start: the range from 192.168.100.1 to 192.168.100.1 contains *" },
        { ETH "dhcp_range_start: 192.168.100.1\ndhcp_range_end: 192.168.100.9\n",
          "2:19: dhcp_range_start: the range from 192.168.100.1 to 192.168.100.9 contains the "
          "gateway_ip, 192.168.100.1" },
        { ETH "dhcp_range_start: x\n", "2:19: dhcp_range_start: \"x\" is not an IPv4 address" },
};

static const Refusal lease_times[] = {
        { ETH "dhcp_lease_time: 12x\n", "2:18: dhcp_lease_time: \"12x\" is not a lease time: *" },
        { ETH "dhcp_lease_time: ''\n", "2:18: dhcp_lease_time: \"\" is not a lease time: *" },
        { ETH "dhcp_lease_time: -5m\n", "2:18: dhcp_lease_time: \"-5m\" is not a lease time: *" },
        { ETH "dhcp_lease_time: 1h30m\n",
          "2:18: dhcp_lease_time: \"1h30m\" is not a lease time: *" },
        { ETH "dhcp_lease_time: h\n", "2:18: dhcp_lease_time: \"h\" is not a lease time: *" },
        { ETH "dhcp_lease_time: 119\n", "2:18: dhcp_lease_time: \"119\" is shorter than two *" },
        { ETH "dhcp_lease_time: 1m\n", "2:18: dhcp_lease_time: \"1m\" is shorter than two *" },
        { ETH "dhcp_lease_time: 0\n", "2:18: dhcp_lease_time: \"0\" is shorter than two *" },
        { ETH "dhcp_lease_time: 522w\n", "2:18: dhcp_lease_time: \"522w\" is longer than ten *" },
        { ETH "dhcp_lease_time: 99999999999999999999d\n",
          "2:18: dhcp_lease_time: \"99999999999999999999d\" is longer than ten *" },
        { ETH "dhcp_lease_time: \"12h\\nport=1\"\n",
          "2:18: dhcp_lease_time: \"12h\\nport=1\" is not a lease time: *" },
};

static const Refusal state_dirs[] = {
        { ETH "state_dir: relative/x\n",
          "2:12: state_dir: \"relative/x\" cannot be a state directory: it is not absolute" },
        { ETH "state_dir: ''\n", "2:12: state_dir: \"\" cannot be a state directory: it is not *" },
        { ETH "state_dir: /\n", "2:12: state_dir: \"/\" cannot *" },
        { ETH "state_dir: /a/../b\n", "2:12: state_dir: \"/a/../b\" cannot *" },
        { ETH "state_dir: /a/..\n", "2:12: state_dir: \"/a/..\" cannot *" },
        { ETH "state_dir: /a/./b\n", "2:12: state_dir: \"/a/./b\" cannot *" },
        { ETH "state_dir: /a//b\n", "2:12: state_dir: \"/a//b\" cannot *" },
        { ETH "state_dir: /a/b//\n", "2:12: state_dir: \"/a/b//\" cannot *" },
        { ETH "state_dir: //\n", "2:12: state_dir: \"//\" cannot *" },
        { ETH "state_dir: '/a b'\n", "2:12: state_dir: \"/a b\" cannot *" },
        { ETH "state_dir: '/a#b'\n", "2:12: state_dir: \"/a#b\" cannot *" },
        { ETH "state_dir: '/a,b'\n", "2:12: state_dir: \"/a,b\" cannot *" },
        { ETH "state_dir: '/a\"b'\n", "2:12: state_dir: \"/a\\\"b\" cannot *" },
        { ETH "state_dir: '/a\\b'\n", "2:12: state_dir: \"/a\\\\b\" cannot *" },
        { ETH "state_dir: \"/a\\nb\"\n", "2:12: state_dir: \"/a\\nb\" cannot *" },
        { ETH "state_dir: /é\n", "2:12: state_dir: \"/é\" cannot *" },
};

#define FORWARD ETH "forwards:\n  - "

static const Refusal forwards[] = {
        { ETH "forwards: {}\n", "2:11: forwards: a mapping is not a list of forwards" },
        { FORWARD "tcp\n", "3:5: forwards: \"tcp\" is not a mapping with the keys of a forward" },
        { FORWARD "{ip: 192.168.100.5}\n", "3:5: forwards: port: is missing in a forward" },
        { FORWARD "{port: 22}\n", "3:5: forwards: ip: is missing in a forward" },
        { FORWARD "{port: 22, ip: 192.168.100.5, prot: udp}\n",
          "3:35: forwards: unknown key \"prot\" with the value \"udp\"*" },
        { FORWARD "{port: 22, ip: 192.168.100.5, protocol: sctp}\n",
          "3:45: forwards: protocol: \"sctp\" is not tcp or udp" },
        { FORWARD "{port: 0, ip: 192.168.100.5}\n", "3:12: forwards: port: \"0\" is not a port *" },
        { FORWARD "{port: 65536, ip: 192.168.100.5}\n",
          "3:12: forwards: port: \"65536\" is not *" },
        { FORWARD "{port: 30-20, ip: 192.168.100.5}\n",
          "3:12: forwards: port: \"30-20\" is not *" },
        { FORWARD "{port: '20,21', ip: 192.168.100.5}\n",
          "3:12: forwards: port: \"20,21\" is not *" },
        { FORWARD "{port: [22], ip: 192.168.100.5}\n", "3:12: forwards: port: a list is not *" },
        { FORWARD "{port: 22, to_port: 22-23, ip: 192.168.100.5}\n",
          "3:25: forwards: to_port: \"22-23\" is not one port, as port is" },
        { FORWARD "{port: 20-29, to_port: 30, ip: 192.168.100.5}\n",
          "3:28: forwards: to_port: \"30\" is not a range of 10, as port is" },
        { FORWARD "{port: 22, ip: 192.168.101.5}\n",
          "3:5: forwards: ip: 192.168.101.5 is outside the subnet 192.168.100.0/24" },
        { FORWARD "{port: 22, ip: 192.168.100.1}\n",
          "3:5: forwards: ip: 192.168.100.1 is the gateway_ip" },
        { FORWARD "{port: 22, ip: 192.168.100.255}\n",
          "3:5: forwards: ip: 192.168.100.255 is the broadcast address *" },
        { FORWARD "{port: 22, ip: 224.0.0.1}\n",
          "3:20: forwards: ip: \"224.0.0.1\" is not an address that a host can have" },
        { FORWARD "{port: 22, ip: 192.168.100}\n",
          "3:20: forwards: ip: \"192.168.100\" is not an IPv4 address or a host name" },
        { FORWARD "{port: 22, ip: 192.168.100.500}\n",
          "3:20: forwards: ip: \"192.168.100.500\" is not an IPv4 address or a host name" },
        { FORWARD "{port: 22, ip: 'a b'}\n", "3:20: forwards: ip: \"a b\" is not a host name: *" },
        { FORWARD "{port: 22, ip: [a]}\n", "3:20: forwards: ip: a list is not *" },
        { FORWARD "{port: 22, ip: a, from: 10.0.0.1/24}\n",
          "3:29: forwards: from: \"10.0.0.1/24\" has host bits set *" },
        { FORWARD "{port: 22, ip: a, from: lan}\n",
          "3:29: forwards: from: \"lan\" is not an IPv4 address or subnet: *" },
        { FORWARD "{port: 22, ip: a}\n  - {port: 22, ip: b}\n",
          "4:5: forwards: port: tcp port 22 is listed twice" },
        { FORWARD "{port: 22, ip: a}\n  - {port: 20-30, ip: b}\n",
          "4:5: forwards: port: tcp ports 20-30 overlaps another forward, of tcp port 22" },
        { FORWARD "{port: 22, ip: a, from: 10.0.0.0/8}\n  - {port: 22, ip: b, from: 10.9.0.0/16}\n",
          "4:5: forwards: port: tcp port 22 from 10.9.0.0/16 overlaps another forward, of tcp port "
          "22 from 10.0.0.0/8" },
        { ETH "nat_mode: disabled\nforwards:\n  - {port: 22, ip: a}\n",
          "4:5: forwards: port: tcp port 22 cannot be forwarded with nat_mode \"disabled\", *" },
};

#define ENTRY      ETH "addresses:\n  - "
#define ENTRY_1TO1 ETH "nat_mode: 1to1\naddresses:\n  - "
#define DNS        ETH "dns_entries:\n  - "

static const Refusal entries[] = {
        { ENTRY "mac: 02:00:00:00:00:01\n", "3:5: addresses: ip: is missing in an entry" },
        { ENTRY "ip: 192.168.100.05\n",
          "3:9: addresses: ip: \"192.168.100.05\" is not an IPv4 address" },
        { ENTRY "ip:\n", "3:8: addresses: ip: \"\" is not text" },
        { ENTRY "ip: 8.8.8.8\n",
          "3:5: addresses: ip: 8.8.8.8 is outside the subnet 192.168.100.0/24" },
        { ENTRY "ip: 192.168.100.1\n", "3:5: addresses: ip: 192.168.100.1 is the gateway_ip" },
        { ENTRY "ip: 192.168.100.0\n",
          "3:5: addresses: ip: 192.168.100.0 is the network address *" },
        { ENTRY "ip: 192.168.100.255\n",
          "3:5: addresses: ip: 192.168.100.255 is the broadcast address *" },
        { ENTRY "ip: 192.168.100.5\n  - ip: 192.168.100.5\n",
          "4:9: addresses: ip: \"192.168.100.5\" is listed twice" },
        { ENTRY "{ip: 192.168.100.5, mac: 02:0}\n",
          "3:30: addresses: mac: \"02:0\" is not a MAC address *" },
        { ENTRY "{ip: 192.168.100.5, mac: '01:00:5e:00:00:01'}\n",
          "3:30: addresses: mac: \"01:00:5e:00:00:01\" is a multicast MAC address, *" },
        { ENTRY "{ip: 192.168.100.5, mac: 'ff:ff:ff:ff:ff:ff'}\n",
          "3:30: addresses: mac: \"ff:ff:ff:ff:ff:ff\" is a multicast MAC address, *" },
        { ENTRY "{ip: 192.168.100.5, mac: '00:00:00:00:00:00'}\n",
          "3:30: addresses: mac: \"00:00:00:00:00:00\" is no device's MAC address" },
        { ENTRY "{ip: 192.168.100.5, mac: '02:00:00:00:00:0A'}\n"
                "  - {ip: 192.168.100.6, mac: '02:00:00:00:00:0a'}\n",
          "4:5: addresses: mac: 02:00:00:00:00:0a is already the mac of 192.168.100.5" },
        { ENTRY "{ip: 192.168.100.5, hostname: 'a b'}\n",
          "3:35: addresses: hostname: \"a b\" is not a host name: *" },
        { ENTRY "{ip: 192.168.100.5, hostname: 'a,b'}\n", "3:35: addresses: hostname: \"a,b\" *" },
        { ENTRY "{ip: 192.168.100.5, hostname: 'a#b'}\n", "3:35: addresses: hostname: \"a#b\" *" },
        { ENTRY "{ip: 192.168.100.5, hostname: \"a\\nb\"}\n",
          "3:35: addresses: hostname: \"a\\nb\" is not a host name: *" },
        { ENTRY "{ip: 192.168.100.5, hostname: []}\n", "3:35: addresses: hostname: a list is *" },
        { ENTRY "{ip: 192.168.100.5, public_ip: 10.0.0.5}\n",
          "3:5: addresses: public_ip: 10.0.0.5 needs nat_mode 1to1" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: auto}\n",
          "4:5: addresses: public_ip: \"auto\" needs a public_pool" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: auto, public_auto: false}\n",
          "4:55: addresses: public_auto: \"false\" contradicts the public_ip, auto" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_auto: 1}\n",
          "4:38: addresses: public_auto: \"1\" is not true or false" },
        { ETH "nat_mode: disabled\ndns_intercept: true\n",
          "3:16: dns_intercept: true needs nat_mode masquerade or 1to1" },
        { ETH "public_pool: 10.0.0.5\n", "2:14: public_pool: 10.0.0.5 needs nat_mode 1to1" },
        { ETH "nat_mode: 1to1\npublic_pool: 10.0.0.9-10.0.0.5\n",
          "3:14: public_pool: \"10.0.0.9-10.0.0.5\" ends below its beginning" },
        { ETH "nat_mode: 1to1\npublic_pool: [10.0.0.5]\n",
          "3:14: public_pool: a list is not text" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: x y}\n",
          "4:36: addresses: public_ip: \"x y\" is neither an IPv4 address nor a host name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 10.0.0.300}\n",
          "4:36: addresses: public_ip: \"10.0.0.300\" is neither an IPv4 address nor a host "
          "name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 10.0.0.5/32}\n",
          "4:36: addresses: public_ip: \"10.0.0.5/32\" is neither an IPv4 address nor a host "
          "name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: [a]}\n",
          "4:36: addresses: public_ip: a list is not text" },
        { ENTRY "{ip: 192.168.100.5, public_ip: board.lab}\n",
          "3:5: addresses: public_ip: board.lab needs nat_mode 1to1" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: board.lab}\n"
                     "  - {ip: 192.168.100.6, public_ip: BOARD.lab}\n",
          "5:5: addresses: public_ip: board.lab is already the public_ip of 192.168.100.5" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: board.lab, public_auto: true}\n",
          "4:60: addresses: public_auto: \"true\" contradicts the public_ip, a name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: board.lab, public_name: b.lab}\n",
          "4:60: addresses: public_name: \"b.lab\" contradicts the public_ip, a name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: auto, public_name: b.lab}\n",
          "4:55: addresses: public_name: \"b.lab\" contradicts the public_ip, auto" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 10.0.0.5, public_name: 10.0.0.5}\n",
          "4:59: addresses: public_name: \"10.0.0.5\" is neither an IPv4 address nor a host "
          "name" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 224.0.0.1}\n",
          "4:36: addresses: public_ip: \"224.0.0.1\" is not an address that a host can have" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 0.0.0.0}\n",
          "4:36: addresses: public_ip: \"0.0.0.0\" is not an address that a host can have" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 192.168.100.1}\n",
          "4:5: addresses: public_ip: 192.168.100.1 is the gateway_ip" },
        { ENTRY_1TO1 "{ip: 192.168.100.5, public_ip: 10.0.0.5}\n"
                     "  - {ip: 192.168.100.6, public_ip: 10.0.0.5}\n",
          "5:5: addresses: public_ip: 10.0.0.5 is already the public_ip of 192.168.100.5" },
        { ENTRY_1TO1 "ip: 192.168.100.5\n",
          "2:11: nat_mode: \"1to1\" needs a public_pool, or a public_ip in at least one of "
          "the addresses" },
        { DNS "ip: 10.0.0.1\n", "3:5: dns_entries: hostname: is missing in an entry" },
        { DNS "hostname: a\n", "3:5: dns_entries: ip: is missing in an entry" },
        { DNS "{hostname: a, ip: 10.0.0}\n", "3:23: dns_entries: ip: \"10.0.0\" is not *" },
        { DNS "{hostname: 'a b', ip: 10.0.0.1}\n",
          "3:16: dns_entries: hostname: \"a b\" is not *" },
        { DNS "{hostname: a, ip: 10.0.0.1}\n  - {hostname: A, ip: 10.0.0.2}\n",
          "4:16: dns_entries: hostname: \"a\" is listed twice" },
};

static const Refusal matches[] = {
        { "match: 02:00:00:00:00:01\n",
          "1:8: match: \"02:00:00:00:00:01\" is not a mapping of mac or path" },
        { "match: {}\n", "1:8: match: a mapping is not a mapping of mac or path" },
        { "match: null\n", "1:8: match: \"null\" is not a mapping of mac or path" },
        { "match: {driver: e1000}\n", "1:9: match: unknown key \"driver\" *" },
        { "match: {mac: eth1}\n", "1:14: match: mac: \"eth1\" is not a MAC address" },
        { "match: {mac: [a]}\n", "1:14: match: mac: a list is not a MAC address" },
        { "match: {mac: '01:00:00:00:00:01'}\n",
          "1:14: match: mac: \"01:00:00:00:00:01\" is not an address that a NIC can have" },
        { "match: {mac: '00:00:00:00:00:00'}\n",
          "1:14: match: mac: \"00:00:00:00:00:00\" is not an address that a NIC can have" },
        { "match: {path: ''}\n", "1:15: match: path: \"\" is not a device's place: *" },
        { "match: {path: ../net}\n", "1:15: match: path: \"../net\" is not a device's place: *" },
        { "match: {path: a/b}\n", "1:15: match: path: \"a/b\" is not a device's place: *" },
        { "match: {path: 'a b'}\n", "1:15: match: path: \"a b\" is not a device's place: *" },
        { "networks:\n- match: {path: 1-2}\n- match: {path: 1-2}\n",
          "3:10: interface: \"path-1-2\" has two networks" },
};

static const struct {
        const char *name;
        const Refusal *cases;
        guint n;
} refusals[] = {
        { "types", types, G_N_ELEMENTS(types) },
        { "unknown-keys", unknown, G_N_ELEMENTS(unknown) },
        { "names", names, G_N_ELEMENTS(names) },
        { "addresses", addresses, G_N_ELEMENTS(addresses) },
        { "ranges", ranges, G_N_ELEMENTS(ranges) },
        { "lease-times", lease_times, G_N_ELEMENTS(lease_times) },
        { "state-dirs", state_dirs, G_N_ELEMENTS(state_dirs) },
        { "entries", entries, G_N_ELEMENTS(entries) },
        { "forwards", forwards, G_N_ELEMENTS(forwards) },
        { "matches", matches, G_N_ELEMENTS(matches) },
};

static void assert_message(const char *message, const char *pattern)
{
        g_test_message("%s", message);
        gsize length = strlen(pattern);
        if (pattern[length - 1] != '*') {
                g_assert_cmpstr(message, ==, pattern);
                return;
        }
        g_autofree char *start = g_strndup(message, length - 1);
        g_autofree char *wanted = g_strndup(pattern, length - 1);
        g_assert_cmpstr(start, ==, wanted);
}

static void test_refused(gconstpointer data)
{
        guint index = GPOINTER_TO_UINT(data);
        for (guint i = 0; i < refusals[index].n; i++) {
                const Refusal *refusal = &refusals[index].cases[i];
                g_autoptr(GError) error = NULL;
                g_test_message("%s", refusal->yaml);
                g_assert_null(
                        config_yaml_parse(refusal->yaml, strlen(refusal->yaml), NULL, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                assert_message(error->message, refusal->error);
        }
}

static void test_defaults(void)
{
        g_autoptr(NetworkConfig) config = config_of(ETH);
        g_autoptr(Value) all = config_to_value(config, true);
        g_autofree char *text = config_yaml_print(all);

        g_assert_cmpstr(text, ==,
                        "interface: \"eth1\"\n"
                        "isolate_guests: false\n"
                        "subnet: \"192.168.100.0/24\"\n"
                        "gateway_ip: \"192.168.100.1\"\n"
                        "nat_mode: \"masquerade\"\n"
                        "dhcp_enabled: true\n"
                        "dhcp_range_start: \"192.168.100.100\"\n"
                        "dhcp_range_end: \"192.168.100.200\"\n"
                        "dhcp_lease_time: \"12h\"\n"
                        "dhcp_ping_check: false\n"
                        "addresses: []\n"
                        "dns_servers:\n"
                        "  - \"8.8.8.8\"\n"
                        "  - \"8.8.4.4\"\n"
                        "dns_entries: []\n"
                        "forwards: []\n"
                        "dns_intercept: false\n"
                        "local_ntp: false\n"
                        "state_dir: \"/var/lib/jumpstarter/dut-network-eth1\"\n"
                        "dhcp_force: false\n"
                        "take_default_route: false\n"
                        "enable_tcpdump: true\n"
                        "transient: false\n");

        g_autoptr(Value) given = config_to_value(config, false);
        g_autofree char *short_text = config_yaml_print(given);
        g_assert_cmpstr(short_text, ==, "interface: \"eth1\"\n");
}

/* A network of a match has a name for its files, and prints none that it was not given. */
static void test_local_ntp(void)
{
        static const struct {
                const char *given, *printed;
        } cases[] = {
                { "false", "false\n" },
                { "yes", "true\n" },
                { "{}", "true\n" },
                { "{unsynchronised: refuse}", "true\n" },
                { "{unsynchronised: serve}", "\n  unsynchronised: \"serve\"\n" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strdup_printf(ETH "local_ntp: %s\n", cases[i].given);
                g_autoptr(NetworkConfig) config = config_of(yaml);
                g_autoptr(Value) settings = config_to_value(config, false);
                g_autofree char *text = config_yaml_print(settings);
                g_autoptr(NetworkConfig) again = config_of(text);
                g_assert_nonnull(strstr(text, cases[i].printed));
                g_assert_true(config_equal(config, again));
                g_assert_cmpint(config->local_ntp.enabled, ==, i > 0);
        }
}

static void test_match(void)
{
        g_autoptr(NetworkConfig) mac = config_of("match: {mac: '02:00:00:AA:BB:CC'}\n");
        g_autoptr(NetworkConfig) path = config_of("match: {path: '1-2.3'}\n");
        g_autoptr(NetworkConfig) named =
                config_of("interface: port3\nmatch: {mac: '02:00:00:aa:bb:cc', path: '1-2'}\n");
        g_autoptr(Value) given = config_to_value(mac, false);
        g_autoptr(Value) all_given = config_to_value(named, false);
        g_autofree char *text = config_yaml_print(given);
        g_autofree char *named_text = config_yaml_print(all_given);

        g_assert_cmpstr(mac->interface, ==, "mac-020000aabbcc");
        g_assert_cmpstr(mac->match.mac, ==, "02:00:00:aa:bb:cc");
        g_assert_cmpstr(mac->state_dir, ==, "/var/lib/jumpstarter/dut-network-mac-020000aabbcc");
        g_assert_cmpstr(path->interface, ==, "path-1-2.3");
        g_assert_cmpstr(named->interface, ==, "port3");
        g_assert_cmpstr(text, ==, "match:\n  mac: \"02:00:00:aa:bb:cc\"\n");
        g_assert_cmpstr(named_text, ==,
                        "interface: \"port3\"\n"
                        "match:\n"
                        "  mac: \"02:00:00:aa:bb:cc\"\n"
                        "  path: \"1-2\"\n");

        g_autoptr(NetworkConfig) again = config_of(named_text);
        g_assert_true(config_equal(again, named));
        g_autoptr(Value) changes = value_new_map();
        g_autoptr(GError) error = NULL;
        value_set(changes, "match", link_match_to_value(&path->match));
        g_assert_null(config_with_changes(mac, changes, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        g_assert_nonnull(strstr(error->message, "match: cannot be changed"));
}

static void test_tap(void)
{
        static const struct {
                const char *owner, *kept, *interface;
        } cases[] = {
                { "alice", "alice", "aliceTAP0" },
                { "a-long-users-name", "a-long-users-name", "a-long-useTAP0" },
                { "1000", "1000", "1000TAP0" },
                { "'01000'", "01000", "01000TAP0" },
                { "lab_1.x@y", "lab_1.x@y", "lab_1.x@yTAP0" },
                { "'LAB\\alice'", "LAB\\alice", "LAB_aliceTAP0" },
                { "'a%,*#\"\\b'", "a%,*#\"\\b", "a______bTAP0" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strdup_printf("create: tap\nowner: %s\n", cases[i].owner);
                g_autoptr(NetworkConfig) config = config_of(yaml);
                g_assert_cmpint(config->create, ==, CREATE_TAP);
                g_assert_cmpstr(config->owner, ==, cases[i].kept);
                g_assert_cmpstr(config->interface, ==, cases[i].interface);
                g_assert_cmpuint(config->mtu, ==, 1500);
                g_assert_true(config_is_named_after_owner(config));
                g_assert_nonnull(strstr(config->state_dir, cases[i].interface));
        }
        g_autoptr(NetworkConfig) named =
                config_of("interface: tap7\ncreate: tap\nowner: alice\nmtu: 1400\n");
        g_assert_cmpstr(named->interface, ==, "tap7");
        g_assert_false(config_is_named_after_owner(named));
        g_autoptr(NetworkConfig) copy = config_copy(named);
        g_assert_true(config_equal(named, copy));
        g_autoptr(NetworkConfig) other =
                config_of("interface: tap7\ncreate: tap\nowner: bob\nmtu: 1400\n");
        g_assert_cmphex(config_diff(named, other), ==, CONFIG_CHANGE_INTERFACE);
}

static void test_default_range(void)
{
        static const struct {
                const char *yaml, *start, *end;
        } cases[] = {
                { "subnet: 10.1.2.0/24", "10.1.2.100", "10.1.2.200" },
                { "subnet: 10.0.0.0/8", "10.0.0.100", "10.0.0.200" },
                { "subnet: 10.1.2.128/25", "10.1.2.228", "10.1.2.254" },
                { "subnet: 10.1.2.64/26", "10.1.2.66", "10.1.2.126" },
                { "subnet: 10.1.2.0/29", "10.1.2.2", "10.1.2.6" },
                { "subnet: 10.1.2.0/30", "10.1.2.2", "10.1.2.2" },
                { "subnet: 10.1.2.0/30\ngateway_ip: 10.1.2.2", "10.1.2.1", "10.1.2.1" },
                { "subnet: 10.1.2.0/28\ngateway_ip: 10.1.2.14", "10.1.2.1", "10.1.2.13" },
                { "subnet: 10.1.2.0/28\ngateway_ip: 10.1.2.4", "10.1.2.5", "10.1.2.14" },
                { "gateway_ip: 192.168.100.100", "192.168.100.101", "192.168.100.200" },
                { "gateway_ip: 192.168.100.200", "192.168.100.100", "192.168.100.199" },
                { "gateway_ip: 192.168.100.120", "192.168.100.121", "192.168.100.200" },
                { "gateway_ip: 192.168.100.180", "192.168.100.100", "192.168.100.179" },
                { "dhcp_range_start: 192.168.100.150", "192.168.100.150", "192.168.100.200" },
                { "dhcp_range_end: 192.168.100.150", "192.168.100.100", "192.168.100.150" },
                { "dhcp_range_start: 192.168.100.7\ndhcp_range_end: 192.168.100.7", "192.168.100.7",
                  "192.168.100.7" },
                { "gateway_ip: 192.168.100.150\ndhcp_range_start: 192.168.100.120",
                  "192.168.100.120", "192.168.100.149" },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strconcat(ETH, cases[i].yaml, "\n", NULL);
                g_test_message("%s", yaml);
                g_autoptr(NetworkConfig) config = config_of(yaml);
                g_autofree char *start = address_to_string(config->dhcp_range_start);
                g_autofree char *end = address_to_string(config->dhcp_range_end);
                g_assert_cmpstr(start, ==, cases[i].start);
                g_assert_cmpstr(end, ==, cases[i].end);
        }
}

/* Each prefix has defaults that pass the checks, wherever its gateway is. */
static void test_every_prefix(void)
{
        for (guint prefix = 1; prefix <= 30; prefix++) {
                Subnet subnet = { .network = prefix == 1 ? 0x80000000 : 0x40000000,
                                  .prefix = prefix };
                g_autofree char *text = subnet_to_string(&subnet);
                g_autofree char *yaml = g_strdup_printf(ETH "subnet: %s\n", text);
                g_autoptr(NetworkConfig) config = config_of(yaml);
                g_assert_cmphex(config->gateway_ip, ==, subnet.network + 1);
                g_assert_cmphex(config->dhcp_range_start, >, config->gateway_ip);
                g_assert_cmphex(config->dhcp_range_end, <, subnet_broadcast(&subnet));

                guint32 last = MIN(subnet_broadcast(&subnet) - 1, subnet.network + 0xff);
                for (guint32 gateway = subnet.network + 1; gateway <= last; gateway++) {
                        g_autofree char *ip = address_to_string(gateway);
                        g_autofree char *with = g_strdup_printf("%sgateway_ip: %s\n", yaml, ip);
                        config_free(config_of(with));
                }
        }
}

#define POOL         "nat_mode: 1to1\npublic_pool: 10.0.0.5-10.0.0.9\n"
#define PRINTED_POOL "nat_mode: \"1to1\"\npublic_pool: \"10.0.0.5-10.0.0.9\"\n"

static void test_accepted(void)
{
        static const struct {
                const char *yaml, *settings; /* as given, printed again; NULL: whatever */
        } cases[] = {
                { "dhcp_enabled: no", "dhcp_enabled: false" },
                { "dhcp_enabled: On", "dhcp_enabled: true" },
                { "dhcp_lease_time: 600", "dhcp_lease_time: \"600\"" },
                { "dhcp_lease_time: 2H", "dhcp_lease_time: \"2h\"" },
                { "dhcp_lease_time: 120s", "dhcp_lease_time: \"120s\"" },
                { "dhcp_lease_time: 521w", "dhcp_lease_time: \"521w\"" },
                { "dhcp_lease_time: infinite", "dhcp_lease_time: \"infinite\"" },
                { "nat_mode: none", "nat_mode: \"none\"" },
                { "dns_servers: []", "dns_servers: []" },
                { "state_dir: /srv/x/{interface}/", "state_dir: \"/srv/x/eth1\"" },
                { "state_dir: /srv/..x/.y", "state_dir: \"/srv/..x/.y\"" },
                { "upstream_interface: wlan0", "upstream_interface: \"wlan0\"" },
                { "addresses: [{ip: 192.168.100.5, mac: 'AA:00:00:00:00:01', hostname: DUT}]",
                  "addresses:\n  - ip: \"192.168.100.5\"\n    mac: \"aa:00:00:00:00:01\"\n"
                  "    hostname: \"dut\"" },
                { "addresses: [{ip: 192.168.100.5, mac: ~, hostname: null, public_ip: }]",
                  "addresses:\n  - ip: \"192.168.100.5\"" },
                { POOL "addresses: [{ip: 192.168.100.5, public_ip: auto}]",
                  PRINTED_POOL "addresses:\n  - ip: \"192.168.100.5\"\n    public_ip: \"auto\"" },
                { POOL "addresses: [{ip: 192.168.100.5, public_auto: true}]",
                  PRINTED_POOL "addresses:\n  - ip: \"192.168.100.5\"\n    public_ip: \"auto\"" },
                { POOL "addresses: [{ip: 192.168.100.5, public_ip: 10.0.0.9, public_auto: true}]",
                  PRINTED_POOL "addresses:\n  - ip: \"192.168.100.5\"\n"
                               "    public_ip: \"10.0.0.9\"\n    public_auto: true" },
                /* Another pool by now. */
                { POOL "addresses: [{ip: 192.168.100.5, public_ip: 10.0.0.10, public_auto: yes}]",
                  PRINTED_POOL "addresses:\n  - ip: \"192.168.100.5\"\n    public_ip: \"auto\"" },
                { POOL "addresses: [{ip: 192.168.100.5, public_ip: 10.0.0.10, public_auto: no}]",
                  PRINTED_POOL "addresses:\n  - ip: \"192.168.100.5\"\n"
                               "    public_ip: \"10.0.0.10\"" },
                { "nat_mode: 1to1\naddresses: [{ip: 192.168.100.5, public_ip: Board.lab}]",
                  "nat_mode: \"1to1\"\naddresses:\n  - ip: \"192.168.100.5\"\n"
                  "    public_name: \"board.lab\"" },
                { "nat_mode: 1to1\naddresses: [{ip: 192.168.100.5, public_name: board}]",
                  "nat_mode: \"1to1\"\naddresses:\n  - ip: \"192.168.100.5\"\n"
                  "    public_name: \"board\"" },
                { "nat_mode: 1to1\naddresses: [{ip: 192.168.100.5, public_ip: 10.0.0.5, "
                  "public_name: board.lab}]",
                  "nat_mode: \"1to1\"\naddresses:\n  - ip: \"192.168.100.5\"\n"
                  "    public_ip: \"10.0.0.5\"\n    public_name: \"board.lab\"" },
                { "nat_mode: 1to1\npublic_pool: 10.0.0.7",
                  "nat_mode: \"1to1\"\npublic_pool: \"10.0.0.7\"" },
                { "dhcp_enabled: true\npublic_pool: null", "dhcp_enabled: true" },
                { "dns_entries: [{hostname: A.b, ip: 1.2.3.4}]",
                  "dns_entries:\n  - hostname: \"a.b\"\n    ip: \"1.2.3.4\"" },
                { "forwards: [{port: 2222, ip: 192.168.100.5, to_port: 22}]",
                  "forwards:\n  - protocol: \"tcp\"\n    port: 2222\n    ip: \"192.168.100.5\"\n"
                  "    to_port: 22" },
                { "forwards: [{port: 20-29, protocol: udp, ip: Dut, to_port: 30-39, from: "
                  "10.0.0.0/8}]",
                  "forwards:\n  - protocol: \"udp\"\n    port: \"20-29\"\n    ip: \"dut\"\n"
                  "    to_port: \"30-39\"\n    from: \"10.0.0.0/8\"" },
                /* As the service says what is in force. */
                { "forwards: [{port: 9, ip: 192.168.100.5, hostname: a, in_force: true, to_port: "
                  "~}]",
                  "forwards:\n  - protocol: \"tcp\"\n    port: 9\n    ip: \"a\"\n    to_port: 9" },
                /* Beside each other: another protocol, other ports, others' addresses. */
                { "forwards: [{port: 1, ip: a}, {port: 1, ip: a, protocol: udp}, {port: 2, ip: a, "
                  "from: "
                  "10.0.0.1}, {port: 2, ip: a, from: 10.0.0.2}]",
                  NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *yaml = g_strconcat(ETH, cases[i].yaml, "\n", NULL);
                g_autoptr(NetworkConfig) config = config_of(yaml);
                g_autoptr(Value) settings = config_to_value(config, false);
                g_autofree char *text = config_yaml_print(settings);
                g_autofree char *wanted =
                        g_strconcat("interface: \"eth1\"\n", cases[i].settings, "\n", NULL);
                if (cases[i].settings)
                        g_assert_cmpstr(text, ==, wanted);
        }
}

static Value *map_of(const char *key, Value *value)
{
        Value *map = value_new_map();
        if (key)
                value_set(map, key, value);
        return map;
}

/* On the bus a type is what it is, and there are no positions. */
static void test_bus(void)
{
        const struct {
                const char *key;
                Value *value;
                const char *error;
        } cases[] = {
                { "dhcp_enabled", value_new_text("true"),
                  "dhcp_enabled: \"true\" is not true or false" },
                { "dhcp_enabled", value_new_number(1), "dhcp_enabled: 1 is not true or false" },
                { "dhcp_lease_time", value_new_number(600), "dhcp_lease_time: 600 is not text" },
                { "subnet", value_new_bool(true), "subnet: true is not text" },
                { "dns_servers", value_new_map(), "dns_servers: a mapping is not a list of *" },
                { "subnet", value_new_other("an object path"),
                  "subnet: an object path is not text" },
                { "subnets", value_new_text("x"),
                  "unknown key \"subnets\" with the value \"x\"; *" },
                { "gateway_ip", value_new_text("10.0.0.1"), "gateway_ip: 10.0.0.1 is outside *" },
                { "transient", value_new_bool(true), NULL },
                { "dhcp_enabled", value_new_bool(false), NULL },
                { "upstream_interface", value_new_text(""), NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) settings = map_of(cases[i].key, cases[i].value);
                value_set(settings, "interface", value_new_text("eth1"));
                g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_BUS, &error);
                g_assert_cmpint(config == NULL, ==, cases[i].error != NULL);
                if (cases[i].error)
                        assert_message(error->message, cases[i].error);
        }

        g_autoptr(GError) error = NULL;
        g_autoptr(Value) list = value_new_list();
        g_assert_null(config_new(list, CONFIG_SOURCE_BUS, &error));
        g_assert_cmpstr(error->message, ==, "a list is not a mapping of settings");
}

static void test_server_limit(void)
{
        g_autoptr(GString) yaml = g_string_new(ETH "dns_servers:\n");
        for (guint i = 1; i <= CONFIG_MAX_DNS_SERVERS; i++)
                g_string_append_printf(yaml, "  - 10.0.0.%u\n", i);
        config_free(config_of(yaml->str));

        g_autoptr(GError) error = NULL;
        g_string_append(yaml, "  - 10.0.1.1\n");
        g_assert_null(config_yaml_parse(yaml->str, yaml->len, NULL, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
        assert_message(error->message, "35:5: dns_servers: \"10.0.1.1\" is one too many: *");
}

static void test_state_dir_limit(void)
{
        g_autofree char *component = g_strnfill(255, 'a');
        g_autofree char *fits = g_strdup_printf(ETH "state_dir: /%s/%s\n", component, component);
        config_free(config_of(fits));

        g_autofree char *wide = g_strdup_printf(ETH "state_dir: /%sx\n", component);
        g_assert_null(config_yaml_parse(wide, strlen(wide), NULL, NULL));
        g_autofree char *deep = g_strdup_printf(ETH "state_dir: /%s/%s/%s/%s\n", component,
                                                component, component, component);
        g_assert_null(config_yaml_parse(deep, strlen(deep), NULL, NULL));
}

#define BASE                                                                                       \
        ETH "nat_mode: 1to1\naddresses:\n"                                                         \
            "  - {ip: 192.168.100.5, mac: '02:00:00:00:00:05', public_ip: 10.0.0.5}\n"             \
            "  - {ip: 192.168.100.6}\n"

static void test_check_address(void)
{
        static const struct {
                AddressEntry entry;
                const char *error;
        } cases[] = {
                { { .ip = 0xc0a86407 }, NULL },
                { { .ip = 0xc0a86405, .mac = (char *)"02:00:00:00:00:05" }, NULL },
                { { .ip = 0xc0a86407, .public_ip = 0x0a000007 }, NULL },
                { { .ip = 0x08080808 }, "ip: 8.8.8.8 is outside the subnet 192.168.100.0/24" },
                { { .ip = 0xc0a86401 }, "ip: 192.168.100.1 is the gateway_ip" },
                { { .ip = 0xc0a86407, .mac = (char *)"02:00:00:00:00:05" },
                  "mac: 02:00:00:00:00:05 is already the mac of 192.168.100.5" },
                { { .ip = 0xc0a86407, .public_ip = 0x0a000005 },
                  "public_ip: 10.0.0.5 is already the public_ip of 192.168.100.5" },
                { { .ip = 0xc0a86407, .public_ip = 0xc0a86401 },
                  "public_ip: 192.168.100.1 is the gateway_ip" },
                { { .ip = 0xc0a86407, .public_ip = 0x7f000001 },
                  "public_ip: 127.0.0.1 is not an address that a host can have" },
        };
        g_autoptr(NetworkConfig) config = config_of(BASE);

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                bool is_valid = config_check_address(config, &cases[i].entry, &error);
                g_assert_cmpint(is_valid, ==, cases[i].error == NULL);
                if (!is_valid)
                        g_assert_cmpstr(error->message, ==, cases[i].error);
        }
}

static void test_changes(void)
{
        static const struct {
                const char *key, *value; /* text */
                const char *error;
                guint touches;
        } cases[] = {
                { "interface", "eth2", "interface: cannot be changed to \"eth2\"", 0 },
                { "owner", "alice", "owner: cannot be changed to \"alice\"", 0 },
                { "interface", "eth1", NULL, CONFIG_CHANGE_NONE },
                { "dhcp_lease_time", "1h", NULL, CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_OTHER },
                { "upstream_interface", "wlan0", NULL, CONFIG_CHANGE_RULES | CONFIG_CHANGE_OTHER },
                { "state_dir", "/srv/x", NULL, CONFIG_CHANGE_STATE_DIR | CONFIG_CHANGE_OTHER },
                { "gateway_ip", "192.168.100.2", NULL,
                  CONFIG_CHANGE_LINK | CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_RULES |
                          CONFIG_CHANGE_OTHER },
                { "gateway_ip", "192.168.100.5", "addresses: ip: 192.168.100.5 is the gateway_ip",
                  0 },
                { "subnet", "10.1.0.0/16",
                  "addresses: ip: 192.168.100.5 is outside the subnet 10.1.0.0/16", 0 },
                { "subnet", "192.168.0.0/16", NULL,
                  CONFIG_CHANGE_LINK | CONFIG_CHANGE_DNSMASQ | CONFIG_CHANGE_RULES |
                          CONFIG_CHANGE_OTHER },
                { "nat_mode", "masquerade", "addresses: public_ip: 10.0.0.5 needs nat_mode 1to1",
                  0 },
                { "nat_mode", "1to1", NULL, CONFIG_CHANGE_NONE },
                { "firewall", "x", "unknown key \"firewall\" with the value \"x\"", 0 },
        };
        g_autoptr(NetworkConfig) config = config_of(BASE);
        g_autoptr(NetworkConfig) untouched = config_copy(config);

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) changes = map_of(cases[i].key, value_new_text(cases[i].value));
                g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, &error);
                g_assert_true(config_equal(config, untouched));
                if (cases[i].error) {
                        g_assert_null(changed);
                        g_assert_cmpstr(error->message, ==, cases[i].error);
                        continue;
                }
                g_assert_no_error(error);
                g_assert_cmphex(config_diff(config, changed), ==, cases[i].touches);
        }
}

/* A TAP without an owner could not be read back. */
static void test_owner_is_kept(void)
{
        g_autoptr(NetworkConfig) config = config_of("create: tap\nowner: alice\n");
        Value *const nobody[] = { value_new_text(""), value_new_text("null") };

        nobody[1]->plain = true;
        for (guint i = 0; i < G_N_ELEMENTS(nobody); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(Value) changes = map_of("owner", nobody[i]);
                g_assert_null(config_with_changes(config, changes, &error));
                g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_nonnull(strstr(error->message, "owner: cannot be changed to"));
        }
        g_autoptr(Value) changes = map_of("owner", value_new_text("alice"));
        g_autoptr(NetworkConfig) same = config_with_changes(config, changes, NULL);
        g_assert_true(config_equal(config, same));
}

/* Defaults that were not given follow. */
static void test_changes_defaults(void)
{
        g_autoptr(NetworkConfig) config = config_of(ETH "upstream_interface: wlan0\n");
        g_autoptr(Value) changes = map_of("subnet", value_new_text("10.9.0.0/16"));
        value_set(changes, "upstream_interface", value_new_text(""));
        g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, NULL);
        g_assert_cmphex(changed->gateway_ip, ==, 0x0a090001);
        g_assert_cmphex(changed->dhcp_range_start, ==, 0x0a090064);
        g_assert_cmphex(changed->dhcp_range_end, ==, 0x0a0900c8);
        g_assert_null(changed->upstream_interface);

        g_autoptr(Value) settings = config_to_value(changed, false);
        g_assert_null(value_get(settings, "upstream_interface"));
        g_assert_null(value_get(settings, "gateway_ip"));

        g_autoptr(NetworkConfig) fixed = config_of(ETH "gateway_ip: 192.168.100.1\n");
        g_autoptr(GError) error = NULL;
        g_assert_null(config_with_changes(fixed, changes, &error));
        assert_message(error->message,
                       "gateway_ip: 192.168.100.1 is outside the subnet 10.9.0.0/16");
}

/* What the pool chose stays while it is in the pool, and goes with its board. */
static void test_changes_pool(void)
{
        g_autoptr(NetworkConfig) config = config_of(
                ETH POOL "addresses:\n"
                         "  - {ip: 192.168.100.5, public_ip: 10.0.0.5, public_auto: true}\n"
                         "  - {ip: 192.168.100.6, public_ip: 10.0.0.9, public_auto: true}\n"
                         "  - {ip: 192.168.100.7, public_ip: 10.0.0.1}\n");
        g_autoptr(Value) pool = map_of("public_pool", value_new_text("10.0.0.6-10.0.0.20"));
        g_autoptr(NetworkConfig) changed = config_with_changes(config, pool, NULL);
        g_autoptr(GError) error = NULL;

        g_assert_cmphex(entries_find_ip(changed->entries, 0xc0a86405)->public_ip, ==, 0);
        g_assert_cmphex(entries_find_ip(changed->entries, 0xc0a86406)->public_ip, ==, 0x0a000009);
        g_assert_cmphex(entries_find_ip(changed->entries, 0xc0a86407)->public_ip, ==, 0x0a000001);
        g_assert_cmphex(config_diff(config, changed), ==,
                        CONFIG_CHANGE_ADDRESSES | CONFIG_CHANGE_OTHER);

        Value *entry = value_new_map();
        value_set(entry, "ip", value_new_text("192.168.100.6"));
        value_set(entry, "public_ip", value_new_text("auto"));
        Value *list = value_new_list();
        value_append(list, entry);
        g_autoptr(Value) one = map_of("addresses", list);
        g_autoptr(NetworkConfig) fewer = config_with_changes(config, one, NULL);
        g_assert_cmpuint(entries_n_addresses(fewer->entries), ==, 1);
        g_assert_cmphex(entries_find_ip(fewer->entries, 0xc0a86406)->public_ip, ==, 0x0a000009);

        g_autoptr(Value) none = map_of("public_pool", value_new_text(""));
        g_assert_null(config_with_changes(config, none, &error));
        assert_message(error->message, "addresses: public_ip: \"auto\" needs a public_pool");
}

static void test_changes_lists(void)
{
        g_autoptr(NetworkConfig) config = config_of(BASE);
        g_autoptr(Value) none = map_of("addresses", value_new_list());
        g_autoptr(GError) error = NULL;
        g_assert_null(config_with_changes(config, none, &error));
        assert_message(error->message, "nat_mode: \"1to1\" needs a public_pool, *");

        value_set(none, "nat_mode", value_new_text("disabled"));
        g_autoptr(NetworkConfig) changed = config_with_changes(config, none, NULL);
        g_assert_cmpuint(entries_n_addresses(changed->entries), ==, 0);
        g_assert_cmphex(config_diff(config, changed), ==,
                        CONFIG_CHANGE_ADDRESSES | CONFIG_CHANGE_RULES);
}

/* Entries removed one by one leave a 1to1 network that other changes, and our own file, take. */
static void test_last_public_removed(void)
{
        g_autoptr(NetworkConfig) config = config_of(BASE);
        address_entry_free(entries_take_address(config->entries, 0xc0a86405));

        g_autoptr(GError) error = NULL;
        g_autoptr(Value) changes = map_of("dhcp_lease_time", value_new_text("1h"));
        g_autoptr(NetworkConfig) changed = config_with_changes(config, changes, &error);
        g_assert_no_error(error);

        g_autoptr(Value) settings = config_to_value(changed, false);
        g_autofree char *text = config_yaml_print(settings);
        g_assert_null(config_yaml_parse(text, strlen(text), NULL, NULL));
        g_autoptr(NetworkConfig) again = config_yaml_parse_state(text, strlen(text), NULL, &error);
        g_assert_no_error(error);
        g_assert_true(config_equal(changed, again));
}

static void test_diff(void)
{
        static const struct {
                const char *before, *after;
                guint touches;
        } cases[] = {
                { "", "", CONFIG_CHANGE_NONE },
                { "nat_mode: disabled", "nat_mode: none", CONFIG_CHANGE_RULES },
                { "dhcp_enabled: on", "dhcp_enabled: off", CONFIG_CHANGE_DNSMASQ },
                { "dhcp_ping_check: on", "dhcp_ping_check: off", CONFIG_CHANGE_DNSMASQ },
                { "dns_servers: [9.9.9.9]", "dns_servers: []", CONFIG_CHANGE_DNSMASQ },
                { "dns_servers: [9.9.9.9]", "dns_servers: [9.9.9.8]", CONFIG_CHANGE_DNSMASQ },
                { "dns_intercept: on", "dns_intercept: off", CONFIG_CHANGE_RULES },
                { "create: bridge", "",
                  CONFIG_CHANGE_INTERFACE | CONFIG_CHANGE_GUESTS | CONFIG_CHANGE_DNSMASQ |
                          CONFIG_CHANGE_OTHER },
                { "create: bridge", "create: bridge\nmtu: 9000",
                  CONFIG_CHANGE_INTERFACE | CONFIG_CHANGE_GUESTS | CONFIG_CHANGE_DNSMASQ |
                          CONFIG_CHANGE_OTHER },
                { "max_connections: 5", "max_connections: 6", CONFIG_CHANGE_RULES },
                { "connection_timeout: 60", "connection_timeout: 1m", CONFIG_CHANGE_NONE },
                { "nat_port_range: 5-6", "nat_port_range: ''",
                  CONFIG_CHANGE_RULES | CONFIG_CHANGE_OTHER },
                { "addresses: [{ip: 192.168.100.5, max_connections: 5}]",
                  "addresses: [{ip: 192.168.100.5}]", CONFIG_CHANGE_ADDRESSES },
                { "isolate_guests: on", "isolate_guests: off",
                  CONFIG_CHANGE_GUESTS | CONFIG_CHANGE_RULES },
                { "local_ntp: on", "",
                  CONFIG_CHANGE_TIME | CONFIG_CHANGE_RULES | CONFIG_CHANGE_DNSMASQ |
                          CONFIG_CHANGE_OTHER },
                { "local_ntp: {unsynchronised: refuse}", "local_ntp: on", CONFIG_CHANGE_NONE },
                { "local_ntp: {}", "local_ntp: {unsynchronised: serve}",
                  CONFIG_CHANGE_TIME | CONFIG_CHANGE_RULES | CONFIG_CHANGE_DNSMASQ },
                { "public_interface: a", "public_interface: b", CONFIG_CHANGE_RULES },
                { "dhcp_force: on", "dhcp_force: off", CONFIG_CHANGE_OTHER },
                { "take_default_route: on", "take_default_route: off", CONFIG_CHANGE_OTHER },
                { "enable_tcpdump: on", "enable_tcpdump: off", CONFIG_CHANGE_OTHER },
                { "forwards: [{port: 1, ip: a}]", "forwards: [{port: 1, ip: b}]",
                  CONFIG_CHANGE_FORWARDS },
                { "addresses: [{ip: 192.168.100.5}]", "addresses: [{ip: 192.168.100.6}]",
                  CONFIG_CHANGE_ADDRESSES },
                { "addresses: [{ip: 192.168.100.5}]", "", CONFIG_CHANGE_ADDRESSES },
                { "dns_entries: [{hostname: a, ip: 1.2.3.4}]",
                  "dns_entries: [{hostname: a, ip: 1.2.3.5}]", CONFIG_CHANGE_DNS_ENTRIES },
                { "dhcp_lease_time: 12h", "", CONFIG_CHANGE_OTHER },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *before = g_strconcat(ETH, cases[i].before, "\n", NULL);
                g_autofree char *after = g_strconcat(ETH, cases[i].after, "\n", NULL);
                g_autoptr(NetworkConfig) old = config_of(before);
                g_autoptr(NetworkConfig) new_config = config_of(after);
                g_test_message("%s | %s", cases[i].before, cases[i].after);
                g_assert_cmphex(config_diff(old, new_config), ==, cases[i].touches);
                g_assert_cmphex(config_diff(new_config, old), ==, cases[i].touches);
        }
}

static void test_changes_lost(void)
{
        static const struct {
                const char *file, *updated, *new_file, *lost;
        } cases[] = {
                { "", "", "", NULL },
                { "", "", "nat_mode: disabled", NULL },
                { "", "nat_mode: disabled", "nat_mode: disabled", NULL },
                { "", "nat_mode: disabled", "", "nat_mode" },
                { "nat_mode: disabled", "", "nat_mode: disabled", "nat_mode" },
                { "", "dhcp_force: on\nnat_mode: disabled", "nat_mode: disabled", "dhcp_force" },
                { "", "subnet: 10.0.0.0/24\ndns_servers: []", "dhcp_lease_time: 1h",
                  "subnet, dns_servers" },
                { "dhcp_lease_time: 1h", "dhcp_lease_time: 2h", "dhcp_lease_time: 3h",
                  "dhcp_lease_time" },
                { "", "addresses: [{ip: 192.168.100.5}]", "", NULL },
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *file = g_strconcat(ETH, cases[i].file, "\n", NULL);
                g_autofree char *updated = g_strconcat(ETH, cases[i].updated, "\n", NULL);
                g_autofree char *new_file = g_strconcat(ETH, cases[i].new_file, "\n", NULL);
                g_autoptr(NetworkConfig) base = config_of(file);
                g_autoptr(NetworkConfig) changed = config_of(updated);
                g_autoptr(NetworkConfig) new_config = config_of(new_file);
                g_test_message("%s | %s | %s", cases[i].file, cases[i].updated, cases[i].new_file);
                g_autofree char *lost = config_changes_lost(base, changed, new_config);
                g_assert_cmpstr(lost, ==, cases[i].lost);
        }
}

static void test_adopt(void)
{
        g_autoptr(NetworkConfig) kept = config_of(BASE);
        entries_put_dns(kept->entries, dns_entry_from_text("Name", "1.2.3.4", NULL));
        g_autoptr(NetworkConfig) config = config_of(ETH);

        g_assert_cmpuint(config_adopt_entries(config, kept->entries), ==, 1);
        g_assert_cmpuint(entries_n_addresses(config->entries), ==, 1);
        g_assert_nonnull(entries_find_ip(config->entries, 0xc0a86406));
        g_assert_nonnull(entries_find_hostname(config->entries, "name"));

        g_autoptr(Value) settings = config_to_value(config, false);
        g_assert_nonnull(value_get(settings, "addresses"));
}

/* An entry whose IPv6 address is not of the subnet any more stays, without it. */
static void test_adopt_ipv6(void)
{
        g_autoptr(NetworkConfig) kept =
                config_of(ETH "ipv6_subnet: fd00:1::/64\nipv6_mode: stateful\n"
                              "addresses: [{ip: 192.168.100.10, mac: \"02:00:00:00:00:01\", "
                              "ipv6: \"fd00:1::10\"}]\n");
        g_autoptr(NetworkConfig) config =
                config_of(ETH "ipv6_subnet: fd00:2::/64\nipv6_mode: stateful\n");

        g_assert_cmpuint(config_adopt_entries(config, kept->entries), ==, 0);
        const AddressEntry *entry = entries_find_ip(config->entries, 0xc0a8640a);
        g_assert_cmpstr(entry->mac, ==, "02:00:00:00:00:01");
        g_assert_true(address6_is_none(&entry->ipv6));
}

static void test_entry_values(void)
{
        g_autoptr(Value) map = map_of("ip", value_new_text("10.0.0.1"));
        value_set(map, "mac", value_new_text("AA:00:00:00:00:01"));
        value_set(map, "hostname", value_new_text("DUT"));
        value_set(map, "public_ip", value_new_text("11.0.0.1"));
        g_autoptr(AddressEntry) entry = address_entry_from_value(map, NULL);
        g_autoptr(Value) back = address_entry_to_value(entry);
        g_assert_cmpstr(value_get(back, "mac")->text, ==, "aa:00:00:00:00:01");
        g_assert_cmpstr(value_get(back, "hostname")->text, ==, "dut");
        g_assert_cmpstr(value_get(back, "public_ip")->text, ==, "11.0.0.1");

        g_autoptr(GError) error = NULL;
        value_set(map, "expiry", value_new_number(1));
        g_assert_null(address_entry_from_value(map, &error));
        g_assert_cmpstr(error->message, ==, "unknown key \"expiry\" with the value 1");
        g_clear_error(&error);

        g_assert_null(dns_entry_from_text("a b", "1.2.3.4", &error));
        assert_message(error->message, "hostname: \"a b\" is not a host name: *");
        g_clear_error(&error);
        g_assert_null(dns_entry_from_text("a", "1.2.3.04", &error));
        g_assert_cmpstr(error->message, ==, "ip: \"1.2.3.04\" is not an IPv4 or IPv6 address");
}

/* As many entries as there may be, and one more. */
static void test_entry_limit(void)
{
        g_autoptr(Value) settings = map_of("subnet", value_new_text("10.0.0.0/8"));
        Value *list = value_new_list();
        value_set(settings, "interface", value_new_text("eth1"));
        value_set(settings, "addresses", list);
        for (guint32 i = 0; i < CONFIG_MAX_ADDRESSES; i++) {
                g_autofree char *ip = address_to_string(0x0a010000 + i);
                value_append(list, map_of("ip", value_new_text(ip)));
        }
        g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_BUS, NULL);
        g_assert_cmpuint(entries_n_addresses(config->entries), ==, CONFIG_MAX_ADDRESSES);

        g_autoptr(GError) error = NULL;
        AddressEntry one_more = { .ip = 0x0a020000 }, same = { .ip = 0x0a010000 };
        g_assert_true(config_check_address(config, &same, NULL));
        g_assert_false(config_check_address(config, &one_more, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
        g_clear_error(&error);

        value_append(list, map_of("ip", value_new_text("10.2.0.0")));
        g_assert_null(config_new(settings, CONFIG_SOURCE_BUS, &error));
        g_assert_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *path = g_strconcat("/config/refused/", refusals[i].name, NULL);
                g_test_add_data_func(path, GUINT_TO_POINTER(i), test_refused);
        }
        g_test_add_func("/config/defaults", test_defaults);
        g_test_add_func("/config/local-ntp", test_local_ntp);
        g_test_add_func("/config/match", test_match);
        g_test_add_func("/config/tap", test_tap);
        g_test_add_func("/config/default-range", test_default_range);
        g_test_add_func("/config/every-prefix", test_every_prefix);
        g_test_add_func("/config/accepted", test_accepted);
        g_test_add_func("/config/bus", test_bus);
        g_test_add_func("/config/server-limit", test_server_limit);
        g_test_add_func("/config/state-dir-limit", test_state_dir_limit);
        g_test_add_func("/config/check-address", test_check_address);
        g_test_add_func("/config/changes", test_changes);
        g_test_add_func("/config/changes/owner", test_owner_is_kept);
        g_test_add_func("/config/changes/defaults-follow", test_changes_defaults);
        g_test_add_func("/config/changes/pool", test_changes_pool);
        g_test_add_func("/config/changes/lists", test_changes_lists);
        g_test_add_func("/config/last-public-removed", test_last_public_removed);
        g_test_add_func("/config/diff", test_diff);
        g_test_add_func("/config/changes-lost", test_changes_lost);
        g_test_add_func("/config/adopt", test_adopt);
        g_test_add_func("/config/adopt-ipv6", test_adopt_ipv6);
        g_test_add_func("/config/entry-values", test_entry_values);
        g_test_add_func("/config/entry-limit", test_entry_limit);
        return g_test_run();
}
