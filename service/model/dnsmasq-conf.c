/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One network's dnsmasq.conf, dhcp-hosts and hosts.local as text. What is copied from a
 * configuration is formatted anew from numbers, or goes through a quoting or a check here, so that
 * no value can end its line or be read as an option.
 *
 * Ranges, servers and lease time are read at start alone, so dnsmasq.conf holds what hardly
 * changes; entries and taken addresses are in the other two files, which SIGHUP has read again. */

#include "model/dnsmasq-conf.h"

#include <string.h>

#include "model/name.h"
#include "model/ruleset.h"

/* Leases and cached answers. The former is only a guard against a storm of made-up clients. */
#define LEASES_MAX   65536
#define CACHE_SIZE   4096
#define FORWARDS_MAX 1000

/* What every host takes it to be. */
#define ETHERNET_MTU 1500

/* About what a line of dhcp-hosts or hosts.local takes. */
#define LINE_SIZE 48

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"
#define LABEL_CHARACTERS   LETTERS_AND_DIGITS "-_"
#define PLAIN_CHARACTERS   LABEL_CHARACTERS G_CSET_A_2_Z "./@"

static void append_address(GString *text, const char *key, guint32 address)
{
        char buffer[ADDRESS_TEXT_SIZE];

        g_string_append_printf(text, "%s%s\n", key, address_format(address, buffer));
}

/* Appends @value as it is where every character stands for itself, else in quotes: there all do,
 * commas as well, save '"' and '\', which '\' goes before. */
static void append_value(GString *text, const char *key, const char *value)
{
        if (strspn(value, PLAIN_CHARACTERS) == strlen(value)) {
                g_string_append_printf(text, "%s=%s", key, value);
                return;
        }
        g_string_append_printf(text, "%s=\"", key);
        for (const char *p = value; *p; p++) {
                if (*p == '"' || *p == '\\')
                        g_string_append_c(text, '\\');
                g_string_append_c(text, g_ascii_iscntrl(*p) ? '?' : *p);
        }
        g_string_append_c(text, '"');
}

static void append_text(GString *text, const char *key, const char *value)
{
        append_value(text, key, value);
        g_string_append_c(text, '\n');
}

static void append_file(GString *text, const char *key, const char *directory, const char *name)
{
        g_autofree char *path = g_strdup_printf("%s/%s", directory, name);

        append_text(text, key, path);
}

static void append_set(GString *text, const char *separator, const char *table, const char *name)
{
        g_autofree char *set = names_set_name(NAMES_SET_ANSWERS, table, name);

        g_string_append_printf(text, "%s4#ip#" NAMES_TABLE "#%s", separator, set);
}

/* dnsmasq goes by the longest of the names that the one asked for is, or is below; it has to be in
 * the others' sets as well. */
static void append_names(GString *text, const GPtrArray *names, const DnsmasqFacts *facts)
{
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];
                g_string_append_printf(text, "nftset=/%s/", name);
                append_set(text, "", facts->table, name);
                for (const char *domain = hostname_parent(name); domain;
                     domain = hostname_parent(domain))
                        if (g_ptr_array_find_with_equal_func((GPtrArray *)names, domain,
                                                             g_str_equal, NULL))
                                append_set(text, ",", facts->table, domain);
                g_string_append_c(text, '\n');
        }
}

/* With names in the filter nothing is answered from memory: what is there may have been answered
 * for another name, which led to the one that is asked for now (CNAME), and so be in no set. */
static void append_dns(GString *text, const NetworkConfig *config, const DnsmasqFacts *facts)
{
        g_autoptr(GPtrArray) names =
                filter_names(nat_mode_forwards(config->nat_mode) ? config->filter : NULL);

        g_string_append_printf(text, "port=%u\n", facts->dns_port);
        g_string_append_printf(text, "cache-size=%u\n", names->len > 0 ? 0 : CACHE_SIZE);
        append_names(text, names, facts);
        if (names->len > 0 && config_has_ipv6(config))
                g_string_append(text, "filter-AAAA\n"); /* what a name lets pass goes by IPv4 */
        g_string_append_printf(text, "dns-forward-max=%u\n", FORWARDS_MAX);
        g_string_append(text, "no-hosts\n" /* the host's own names are none of a DUT's business */
                              "domain-needed\n" /* nor are a DUT's short names the servers' */
                              "bogus-priv\n");
        append_file(text, "addn-hosts", facts->state_dir, "hosts.local");

        if (config->dns_servers->len == 0 && facts->resolv_file) {
                append_text(text, "resolv-file", facts->resolv_file);
                return;
        }
        g_string_append(text, "no-resolv\n");
        for (guint i = 0; i < config->dns_servers->len; i++)
                append_address(text, "server=", g_array_index(config->dns_servers, guint32, i));
}

static void append_lease_time(GString *text, const NetworkConfig *config)
{
        for (const char *p = config->dhcp_lease_time; *p; p++)
                if (g_ascii_isalnum(*p))
                        g_string_append_c(text, *p);
        g_string_append_c(text, '\n');
}

static void append_range(GString *text, const NetworkConfig *config)
{
        char first[ADDRESS_TEXT_SIZE], last[ADDRESS_TEXT_SIZE], netmask[ADDRESS_TEXT_SIZE];

        g_string_append_printf(text, "dhcp-range=%s,%s,%s,",
                               address_format(config->dhcp_range_start, first),
                               address_format(config->dhcp_range_end, last),
                               address_format(subnet_netmask(&config->subnet), netmask));
        append_lease_time(text, config);
}

static void append_files(GString *text, const DnsmasqFacts *facts)
{
        append_file(text, "dhcp-hostsfile", facts->state_dir, "dhcp-hosts");
        append_file(text, "dhcp-leasefile", facts->state_dir, "dnsmasq.leases");
}

/* What advertisements say of the subnet, and DHCPv6 gives. */
static void append_range6(GString *text, const NetworkConfig *config)
{
        char first[ADDRESS6_TEXT_SIZE], last[ADDRESS6_TEXT_SIZE];
        const Subnet6 *subnet = &config->ipv6_subnet;
        Address6 from, to;

        switch (config->ipv6_mode) {
        case IPV6_MODE_SLAAC:
        case IPV6_MODE_STATELESS:
                g_string_append_printf(text, "dhcp-range=%s,%sra-names,%u,",
                                       address6_format(&subnet->network, first),
                                       config->ipv6_mode == IPV6_MODE_STATELESS ? "ra-stateless,"
                                                                                : "",
                                       subnet->prefix);
                return;
        case IPV6_MODE_STATEFUL:
                ipv6_pool(subnet, &from, &to);
                g_string_append_printf(text, "dhcp-range=%s,%s,%u,", address6_format(&from, first),
                                       address6_format(&to, last), subnet->prefix);
                return;
        case IPV6_MODE_MAX:
                break;
        }
        g_assert_not_reached();
}

/* Whether boards reach the name server by IPv6: a twin's has another port than 53, which leads
 * there in the table of a network that forwards. */
static bool has_dns6(const NetworkConfig *config, const DnsmasqFacts *facts)
{
        return !facts->is_twin || config_forwards_ipv6(config);
}

/* ra-names: a board with a lease by IPv4 whose self-made address answers has its name for that as
 * well. The name server is said explicitly: dnsmasq advertises none by itself on another port than
 * 53. A network that forwards nothing is no way out (a lifetime of 0). */
static void append_ipv6(GString *text, const NetworkConfig *config, const DnsmasqFacts *facts)
{
        char gateway[ADDRESS6_TEXT_SIZE];

        g_string_append(text, "enable-ra\n");
        append_range6(text, config);
        append_lease_time(text, config);
        address6_format(&config->ipv6_gateway, gateway);
        if (has_dns6(config, facts))
                g_string_append_printf(text, "dhcp-option=option6:dns-server,[%s]\n", gateway);
        if (config->local_ntp.enabled)
                g_string_append_printf(text, "dhcp-option=option6:sntp-server,[%s]\n", gateway);
        if (!config_forwards_ipv6(config)) {
                append_value(text, "ra-param", facts->interface);
                g_string_append(text, ",0,0\n");
        }
}

static void append_dhcp(GString *text, const NetworkConfig *config, const DnsmasqFacts *facts)
{
        append_range(text, config);
        append_address(text, "dhcp-option=3,", config->gateway_ip);
        append_address(text, "dhcp-option=6,", config->gateway_ip);
        if (config->mtu != 0 && config->mtu != ETHERNET_MTU)
                g_string_append_printf(text, "dhcp-option=26,%u\n", config->mtu);
        if (config->local_ntp.enabled)
                append_address(text, "dhcp-option=42,", config->gateway_ip);
        g_string_append(text, "dhcp-authoritative\n"
                              "dhcp-sequential-ip\n"
                              "dhcp-ignore-clid\n"); /* see below */
        g_string_append_printf(text, "dhcp-lease-max=%u\n", LEASES_MAX);
        if (!config->dhcp_ping_check || facts->is_twin)
                g_string_append(text, "no-ping\n");
}

/* dhcp-ignore-clid: a board's boot loader, installer and system name themselves by different client
 * identifiers. By MAC alone they are one board with one lease, and its address stays. */
char *dnsmasq_conf_text(const NetworkConfig *config, const DnsmasqFacts *facts)
{
        GString *text =
                g_string_new("# Written by dut-networkd; changes are lost.\n"
                             "keep-in-foreground\n"
                             "log-facility=-\n"
                             "user=root\n" /* the one it runs as: it switches from root alone */
                             "group=root\n");

        append_file(text, "pid-file", facts->state_dir, "dnsmasq.pid");
        append_text(text, "interface", facts->interface);
        /* Not dnsmasq's business, but another NIC of the name makes another text: it starts anew.
         */
        g_string_append_printf(text, "# of index %u\n", facts->index);
        /* bind-interfaces would answer for other interfaces' addresses, and lo is the host's. */
        g_string_append(text, "except-interface=lo\n"
                              "bind-dynamic\n");
        append_dns(text, config, facts);
        if (config->dhcp_enabled)
                append_dhcp(text, config, facts);
        if (config_has_ipv6(config))
                append_ipv6(text, config, facts);
        if (config->dhcp_enabled || config_has_ipv6(config))
                append_files(text, facts);
        else
                append_text(text, "no-dhcp-interface", facts->interface);
        return g_string_free(text, FALSE);
}

/* How many bytes of @text are those of a label or, with @dots, of a name. */
static gsize name_span(const char *text, bool dots)
{
        gsize n = 0;

        while (g_ascii_islower(text[n]) || g_ascii_isdigit(text[n]) || text[n] == '-' ||
               text[n] == '_' || (dots && text[n] == '.'))
                n++;
        return n;
}

/* Whether dnsmasq would read @label, @length bytes, as a lease time or a keyword in dhcp-hosts. */
static bool label_is_misread(const char *label, gsize length)
{
        gsize digits = strspn(label, "0123456789");

        return digits == length ||
               (digits > 0 && digits == length - 1 && strchr("wdhms", label[length - 1])) ||
               (length == strlen("ignore") && strncmp(label, "ignore", length) == 0) ||
               (length == strlen("infinite") && strncmp(label, "infinite", length) == 0);
}

/* Appends what goes to the DUT as its name and into the lease: the first label, since dnsmasq keeps
 * no more without a domain of its own. Nothing for one that dnsmasq would not take as a name:
 * hosts.local has it all the same. */
static void append_dhcp_name(GString *text, const char *hostname)
{
        gsize length = name_span(hostname, false);

        if (length == 0 || (hostname[length] != '\0' && hostname[length] != '.') ||
            hostname[0] == '-' || hostname[0] == '_' || label_is_misread(hostname, length))
                return;
        g_string_append_c(text, ',');
        g_string_append_len(text, hostname, (gssize)length);
}

static void append_dhcp_host(GString *text, const AddressEntry *entry)
{
        char address[ADDRESS_TEXT_SIZE], address6[ADDRESS6_TEXT_SIZE], mac[MAC_TEXT_SIZE];

        bool has_ipv6 = !address6_is_none(&entry->ipv6);
        if (has_ipv6)
                address6_format(&entry->ipv6, address6);
        if (entry->mac && mac_parse(entry->mac, mac)) {
                g_string_append(text, mac);
                g_string_append_c(text, ',');
                g_string_append(text, address_format(entry->ip, address));
                if (has_ipv6)
                        g_string_append_printf(text, ",[%s]", address6);
                if (entry->hostname)
                        append_dhcp_name(text, entry->hostname);
        } else {
                g_string_append(text, address_format(entry->ip, address));
                if (has_ipv6)
                        g_string_append_printf(text, "\n[%s]", address6);
        }
        g_string_append_c(text, '\n');
}

/* A line with an address and nothing else is a reservation for nobody: config_find_by_address() in
 * dnsmasq's src/dhcp.c keeps it out of the pool, and no client can match it (tried with 2.90: a
 * line "id:TEXT,ADDRESS" is given to a client that names itself TEXT). An address must not be in
 * two lines: dnsmasq drops the later one. */
char *dnsmasq_hosts_text(const Entries *entries, const GArray *taken)
{
        GString *text = g_string_sized_new(entries_n_addresses(entries) * LINE_SIZE);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < entries_n_addresses(entries); i++)
                append_dhcp_host(text, entries_address_at(entries, i));
        for (guint i = 0; taken && i < taken->len; i++) {
                guint32 address = g_array_index(taken, guint32, i);
                if (!entries_find_ip(entries, address) &&
                    g_hash_table_add(seen, GUINT_TO_POINTER(address)))
                        append_address(text, "", address);
        }
        return g_string_free(text, FALSE);
}

static void append_name(GString *text, const char *address, const char *hostname)
{
        if (hostname[0] == '\0' || hostname[name_span(hostname, true)] != '\0')
                return;
        g_string_append(text, address);
        g_string_append_c(text, ' ');
        g_string_append(text, hostname);
        g_string_append_c(text, '\n');
}

char *dnsmasq_dns_text(const Entries *entries)
{
        guint n_lines = entries_n_dns(entries) + entries_n_addresses(entries);
        GString *text = g_string_sized_new(n_lines * LINE_SIZE);
        char address[ADDRESS6_TEXT_SIZE];

        for (guint i = 0; i < entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i);
                for (guint family = 0; family < DNS_FAMILIES; family++)
                        if (dns_entry_address(entry, family, address))
                                append_name(text, address, entry->hostname);
        }
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                const DnsEntry *dns =
                        entry->hostname ? entries_find_hostname(entries, entry->hostname) : NULL;
                if (entry->hostname && !(dns && dns->has_ip))
                        append_name(text, address_format(entry->ip, address), entry->hostname);
                if (entry->hostname && !address6_is_none(&entry->ipv6) && !(dns && dns->has_ip6))
                        append_name(text, address6_format(&entry->ipv6, address), entry->hostname);
        }
        return g_string_free(text, FALSE);
}
