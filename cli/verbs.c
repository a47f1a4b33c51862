/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The table of verbs: their arguments, help and functions. */

#include "cli/verbs.h"

#define FILE_DETAILS                                                                               \
        "FILE is YAML as in dut-network.yaml(5): one network's settings, `networks:` with\n"       \
        "a list, or a Jumpstarter exporter file. \"-\" is standard input.\n"

const Verb verbs[] = {
        { "list", "", "List the networks and their states", NULL, 0, 0, VERB_NETWORK, verb_list },
        { "status", "", "Show what a network is and does",
          "On a terminal long lists are cut short, with a count.\n", 0, 0, VERB_NETWORK,
          verb_status },
        { "leases", "", "List the live DHCP leases", NULL, 0, 0, VERB_NETWORK, verb_leases },
        { "get-ip", "MAC", "Print the address of the DUT with a MAC",
          "Its live lease's address, else that of its entry.\n", 1, 1, VERB_NETWORK, verb_get_ip },
        { "add-address", "IP", "Add an address entry, or replace it",
          "With a MAC the DUT gets this address by DHCP. A public address needs `nat_mode: "
          "1to1`.\n",
          1, 1, VERB_CHANGES | VERB_NETWORK | VERB_ENTRY_OPTIONS, verb_add_address },
        { "remove-address", "IP", "Remove an address entry",
          "Its mapping and connections end at once; a lease runs out.\n", 1, 1,
          VERB_CHANGES | VERB_NETWORK, verb_remove_address },
        { "nat-rules", "", "Print the nftables rules of a network", NULL, 0, 0, VERB_NETWORK,
          verb_nat_rules },
        { "filter", "show | set FILE", "Show what may pass, or change it",
          "`show` has what each rule has counted since it was set. FILE is YAML, - standard "
          "input:\n"
          "`egress:` and `ingress:`, or a network's settings, of which `filter:` counts. An empty\n"
          "mapping lets all pass. Connections that are forbidden now end. `reload` takes it back\n"
          "where a configuration file has the network.\n",
          1, 2, VERB_CHANGES | VERB_NETWORK, verb_filter },
        { "ntp-status", "", "Show how time is served", NULL, 0, 0, VERB_NETWORK, verb_ntp_status },
        { "dns-entries", "", "List the DNS entries", NULL, 0, 0, VERB_NETWORK, verb_dns_entries },
        { "add-dns", "HOST IP", "Add a DNS entry, or replace it", NULL, 2, 2,
          VERB_CHANGES | VERB_NETWORK, verb_add_dns },
        { "remove-dns", "HOST [IP]", "Remove a DNS entry, or one address of it", NULL, 1, 2,
          VERB_CHANGES | VERB_NETWORK, verb_remove_dns },
        { "forwards", "", "List the ports of the host that lead to DUTs", NULL, 0, 0, VERB_NETWORK,
          verb_forwards },
        { "add-forward", "[PROTOCOL/]PORT[-PORT] IP|NAME[:PORT]",
          "Have a port of the host lead to a DUT",
          "PROTOCOL is tcp, as without it, or udp. The port behind is the same where none is "
          "given;\n"
          "a range leads to a range. A name is of the network, and follows its lease, or of the "
          "LAN.\n"
          "Replaces the forward of the same protocol, port and --from.\n",
          2, 2, VERB_CHANGES | VERB_NETWORK | VERB_FORWARD_OPTIONS, verb_add_forward },
        { "remove-forward", "[PROTOCOL/]PORT[-PORT]", "Remove a forward",
          "Its connections end at once.\n", 1, 1,
          VERB_CHANGES | VERB_NETWORK | VERB_FORWARD_OPTIONS, verb_remove_forward },
        { "guests", "", "List the guests that are attached", NULL, 0, 0, VERB_NETWORK,
          verb_guests },
        { "attach", "ID", "Attach a guest (a VM) to a bridge network",
          "Prints what the VM is started with. The network is that of -i, else that of the\n"
          "environment (MICROVM_NETWORK_BRIDGE, _SUBNET, _EGRESS, _MTU), which is made where "
          "there\n"
          "is none; else the only one.\n",
          1, 1, VERB_CHANGES | VERB_NETWORK | VERB_GUEST_OPTIONS, verb_attach },
        { "detach", "ID", "Detach a guest", "Its TAP and its connections go.\n", 1, 1,
          VERB_CHANGES | VERB_NETWORK, verb_detach },
        { "with-tap", "ID -- COMMAND [ARG...]", "Run a VM that has a guest's TAP open",
          "Attaches the guest as `attach` does; it stays attached. In the words of the command "
          "{fd}\n"
          "is the TAP's descriptor, {fds} those of all queues (5:6), {tap}, {mac}, {ip} and\n"
          "{kernel_ip_arg} what the guest has. Ends with the command's exit code.\n",
          2, G_MAXUINT,
          VERB_CHANGES | VERB_NETWORK | VERB_GUEST_OPTIONS | VERB_TAP_OPTIONS | VERB_PASSES_ON,
          verb_with_tap },
        { "test-kernel", "LINUX TEST [ARG...]", "Run a test on a user-mode Linux kernel of its own",
          "Its ethN are on TAPs of networks that are made for the run. TEST is a program of the "
          "host,\n"
          "whose file system is read-only below /host, and the kernel's first process, as root. "
          "Ends\n"
          "with the test's exit code; with 124 after --timeout, with 125 where the kernel did not "
          "get\n"
          "to its end.\n",
          2, G_MAXUINT, VERB_CHANGES | VERB_KERNEL_OPTIONS | VERB_PASSES_ON, verb_test_kernel },
        { "create", "FILE", "Make the networks in a file, or change them to it",
          "All of them or none. " FILE_DETAILS, 1, 1, VERB_CHANGES, verb_create },
        { "update", "KEY=VALUE... | FILE", "Change settings of a network",
          "Truth values are true or false; `dns_servers` is a list with commas, or empty.\n"
          "`addresses=`, `dns_entries=` and `forwards=` remove all. From a file, which is checked\n"
          "as for `create`, the keys that are in it are changed. `reload` takes it back where a\n"
          "configuration file has the network.\n",
          1, G_MAXUINT, VERB_CHANGES | VERB_NETWORK, verb_update },
        { "remove", "", "Take a network down and forget it", NULL, 0, 0,
          VERB_CHANGES | VERB_NETWORK, verb_remove },
        { "up", "", "Bring a network up", NULL, 0, 0, VERB_CHANGES | VERB_NETWORK, verb_up },
        { "down", "", "Take a network down, keep its configuration", NULL, 0, 0,
          VERB_CHANGES | VERB_NETWORK, verb_down },
        { "reload", "", "Read the configuration directories again",
          "Each network of a file becomes what the file says, whatever `update` has changed of "
          "it.\n"
          "No more is touched than differs.\n",
          0, 0, VERB_CHANGES, verb_reload },
        { "monitor", "", "Print changes and leases as they happen",
          "Until interrupted. With --json each line is an object.\n", 0, 0, VERB_NETWORK,
          verb_monitor },
        { "wait", "", "Wait for a state, a lease or an open port",
          "Without options: until the network is active. Prints the address of the lease, or\n"
          "the one that took the connection. Ends with 1 when the time is over, or when it can\n"
          "not come about any more.\n",
          0, 0, VERB_NETWORK | VERB_WAIT_OPTIONS, verb_wait },
        { "connect", "ADDRESS PORT", "Relay stdin and stdout to a TCP port of a DUT",
          "ADDRESS is an IPv4 address, a host name of the network, or a MAC. The connection is\n"
          "made by the service. Without root: `-o ProxyCommand='dutnetctl -i eth1 connect %h "
          "%p'`\nis a way for ssh to a DUT.\n",
          2, 2, VERB_CHANGES | VERB_NETWORK, verb_connect },
        { "ssh", "[USER@]ADDRESS [ARG...]", "Log in to a DUT by ssh",
          "ADDRESS as for `connect`. What follows it is ssh's: options, and a command to run.\n"
          "Ends with ssh's exit code.\n",
          1, G_MAXUINT, VERB_CHANGES | VERB_NETWORK | VERB_PASSES_ON, verb_ssh },
        { "connections", "[KEY=VALUE...]", "List the DUTs' connections beyond the host",
          "KEY: direction (egress, ingress), protocol, ip, port, public_ip, public_port, peer_ip,\n"
          "peer_port. Those that are all of that.\n",
          0, G_MAXUINT, VERB_NETWORK, verb_connections },
        { "expire-connections", "[KEY=VALUE...]", "End connections of the DUTs",
          "As for `connections`; all without any KEY. Prints how many ended.\n", 0, G_MAXUINT,
          VERB_CHANGES | VERB_NETWORK, verb_expire_connections },
        { "capture", "[FILTER...]", "Capture packets into a file or a pipe",
          "pcap with nanoseconds. FILTER is as in pcap-filter(7). Until a limit, or interrupted.\n"
          "`dutnetctl capture -w - | wireshark -k -i -` shows them as they come.\n",
          0, G_MAXUINT, VERB_CHANGES | VERB_NETWORK | VERB_CAPTURE_OPTIONS, verb_capture },
        { "tcpdump", "[ARG...]", "Print packets as tcpdump does",
          "ARG: options of tcpdump that say how packets are printed (-v, -e, -X, ...), -c, -s, "
          "and\n"
          "a filter. Other options stand in front of the verb. Until interrupted.\n",
          0, G_MAXUINT, VERB_CHANGES | VERB_NETWORK | VERB_PASSES_ALL, verb_tcpdump },
        { "check", "FILE", "Validate a file, without the service", "Changes nothing. " FILE_DETAILS,
          1, 1, 0, verb_check },
        { "export", "", "Print the settings in force, as YAML",
          "All networks, or the one chosen with -i. `create` and `check` read it back.\n", 0, 0,
          VERB_NETWORK, verb_export },
};
const guint n_verbs = G_N_ELEMENTS(verbs);

const Verb *verb_find(const char *name)
{
        for (guint i = 0; i < n_verbs; i++)
                if (g_str_equal(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}
