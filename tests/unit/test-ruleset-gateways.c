/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The tables that all networks have together, and what a twin's own table has, in nft's words. That
 * the kernel gets the same is test-nft.c's. */

#include "model/ruleset.h"

#include <string.h>

#define GATEWAY 0xc0a86401 /* 192.168.100.1 */
#define PUBLIC  0x0a000032 /* 10.0.0.50 */

#define HOMES                                                                                      \
        "\tset gateways {\n"                                                                       \
        "\t\ttype ipv4_addr\n"                                                                     \
        "\t\telements = { 192.168.100.1 }\n"                                                       \
        "\t}\n"                                                                                    \
        "\tset homes {\n"                                                                          \
        "\t\ttype ipv4_addr . ifname\n"                                                            \
        "\t\telements = { 192.168.100.1 . \"eth1\", 192.168.100.1 . \"eth2\" }\n"                  \
        "\t}\n"

#define AT_HOME                                                                                    \
        "\tchain input {\n"                                                                        \
        "\t\ttype filter hook input priority 0; policy accept;\n"                                  \
        "\t\tip daddr @gateways iifname != \"lo\" ip daddr . iifname != @homes counter drop\n"     \
        "\t}\n"

#define ARP                                                                                        \
        "table arp jumpstarter_gateways {\n" HOMES "\tchain input {\n"                             \
        "\t\ttype filter hook input priority 0; policy accept;\n"                                  \
        "\t\tarp daddr ip @gateways arp daddr ip . iifname != @homes counter drop\n"               \
        "\t}\n"                                                                                    \
        "\tchain output {\n"                                                                       \
        "\t\ttype filter hook output priority 0; policy accept;\n"                                 \
        "\t\tarp saddr ip @gateways arp saddr ip . oifname != @homes counter drop\n"               \
        "\t}\n"                                                                                    \
        "}\n"

/* For the gateway's address no forward is. */
#define KEPT                                                                                       \
        "\tchain kept_in {\n"                                                                      \
        "\t\ttype nat hook prerouting priority -99; policy accept;\n"                              \
        "\t\tip daddr @gateways counter dnat to ip daddr\n\t}\n"                                   \
        "\tchain kept_out {\n"                                                                     \
        "\t\ttype nat hook output priority -99; policy accept;\n"                                  \
        "\t\tip daddr @gateways counter dnat to ip daddr\n\t}\n"

static void expect(const char *text, const char *part)
{
        if (!strstr(text, part))
                g_error("there is no\n%s in\n%s", part, text);
}

static char *gateways_text(guint twin)
{
        const GatewayPlace places[] = { { "eth1", GATEWAY, 0 }, { "eth2", GATEWAY, twin } };
        g_autoptr(Ruleset) ruleset = ruleset_new_gateways(places, G_N_ELEMENTS(places));

        return ruleset_to_text(ruleset);
}

/* Without a twin nothing is looked at but where an address is. */
static void test_gateways(void)
{
        g_autofree char *text = gateways_text(0);

        g_assert_cmpstr(text, ==, "table ip jumpstarter_gateways {\n" HOMES AT_HOME KEPT "}\n" ARP);
}

static void test_twin_maps(void)
{
        g_autofree char *text = gateways_text(3);

        expect(text, "\tmap arrived {\n"
                     "\t\ttype ifname : verdict\n"
                     "\t\telements = { \"eth2\" : jump arrived_3 }\n");
        expect(text, "\tmap marked {\n"
                     "\t\ttype mark : verdict\n"
                     "\t\telements = { 0x00c00000 : jump marked_3 }\n");
}

static void test_twin_targets(void)
{
        g_autofree char *text = gateways_text(3);

        expect(text, "\tchain arrived_3 {\n"
                     "\t\tudp dport 67 counter notrack return\n"
                     "\t\tcounter ct original zone set 3\n\t}\n");
        expect(text, "\tchain sent_3 {\n\t\tcounter ct original zone set 3\n\t}\n");
        expect(text, "\tchain begun_3 {\n"
                     "\t\tcounter ct mark set ct mark & 0x00ffffff | 0x00c00000\n\t}\n");
        expect(text, "\tchain marked_3 {\n"
                     "\t\tiifname \"eth2\" ct original zone != 3 counter return\n"
                     "\t\tcounter meta mark set meta mark & 0x00ffffff | 0x00c00000\n\t}\n");
        expect(text, "\tchain asked_3 {\n"
                     "\t\tip daddr 192.168.100.1 udp dport 53 counter redirect to :20483\n"
                     "\t\tip daddr 192.168.100.1 tcp dport 53 counter redirect to :20483\n\t}\n");
}

/* Only its own board is led to a twin's name server, by the redirection. */
static void test_unasked(void)
{
        g_autofree char *text = gateways_text(3);

        expect(text, "\t\tip daddr @gateways iifname != \"lo\" udp dport & 64512 == 20480"
                     " ct status ! dnat counter drop\n"
                     "\t\tip daddr @gateways iifname != \"lo\" tcp dport & 64512 == 20480"
                     " ct status ! dnat counter drop\n");
}

/* Before conntrack looks, before the packet is routed, and for it to be routed again. */
static void test_twin_hooks(void)
{
        g_autofree char *text = gateways_text(3);

        expect(text, "\t\ttype filter hook prerouting priority -450; policy accept;\n"
                     "\t\tiifname vmap @arrived\n\t}\n");
        expect(text, "\t\ttype filter hook output priority -450; policy accept;\n"
                     "\t\toifname vmap @sent\n\t}\n");
        expect(text, "\t\ttype filter hook prerouting priority -150; policy accept;\n"
                     "\t\tct state new iifname vmap @begun\n"
                     "\t\tct mark & 0xffc00000 == 0x00000000 return\n"
                     "\t\tct direction original ct original zone != 0 ct status ! dnat return\n"
                     "\t\tct mark & 0xffc00000 vmap @marked\n\t}\n");
        expect(text, "\t\ttype route hook output priority -150; policy accept;\n"
                     "\t\tct mark & 0xffc00000 == 0x00000000 return\n"
                     "\t\tct mark & 0xffc00000 vmap @marked\n\t}\n");
        expect(text, "\t\ttype nat hook prerouting priority -100; policy accept;\n"
                     "\t\tiifname vmap @asked\n\t}\n");
}

#define MARKED                                                                                     \
        "\t\tip daddr @public_addresses ct mark set ct mark & 0x007fffff | 0x00400000"             \
        " meta mark set meta mark & 0x007fffff | 0x00400000"                                       \
        " counter dnat to ip daddr map @public_to_private\n\t}\n"

/* For a public address of the twin's the mark comes first, for any other one nothing does. */
static void test_twin_mappings(void)
{
        AddressEntry entry = { .ip = GATEWAY + 9, .public_ip = PUBLIC };
        NetworkConfig config = {
                .subnet = { GATEWAY - 1, 24 },
                .gateway_ip = GATEWAY,
                .nat_mode = NAT_MODE_1TO1,
                .entries = entries_new(),
        };
        RulesetFacts facts = {
                .interface = "eth2",
                .table = "jumpstarter_eth2",
                .filter_table = FILTER_TABLE,
                .upstream = "eth0",
                .twin = 1,
                .config = &config,
        };

        entries_put_address(config.entries, address_entry_copy(&entry));
        g_autoptr(Ruleset) ruleset = ruleset_new_network(&facts);
        g_autofree char *text = ruleset_to_text(ruleset);
        entries_free(config.entries);

        expect(text, "\tset public_addresses {\n"
                     "\t\ttype ipv4_addr\n"
                     "\t\telements = { 10.0.0.50 }\n");
        expect(text, "\t\ttype nat hook prerouting priority -100; policy accept;\n" MARKED);
        expect(text, "\t\ttype nat hook output priority -100; policy accept;\n" MARKED);
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ruleset-gateways/addresses", test_gateways);
        g_test_add_func("/ruleset-gateways/twin/maps", test_twin_maps);
        g_test_add_func("/ruleset-gateways/twin/targets", test_twin_targets);
        g_test_add_func("/ruleset-gateways/twin/hooks", test_twin_hooks);
        g_test_add_func("/ruleset-gateways/twin/name-server", test_unasked);
        g_test_add_func("/ruleset-gateways/twin/mappings", test_twin_mappings);
        return g_test_run();
}
