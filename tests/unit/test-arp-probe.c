/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Probes against a real kernel at the other end of a cable: who has an address is found, who has
 * none is not, and nobody is asked where there is nobody. */

#include "host/arp-probe.h"

#include "host/ip-address.h"
#include "host/link.h"
#include "model/address.h"
#include "namespace.h"

#define ADDRESS(a, b, c, d) ((guint32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define DEADLINE_MS         10000

typedef struct Fixture {
        Netlink *rtnl;
        ArpProber *prober;
        Link near, far; /* the cable's ends */
} Fixture;

typedef struct Answer {
        bool told;
        GHashTable *in_use;
} Answer;

static void on_done(GHashTable *in_use, gpointer data)
{
        Answer *answer = data;

        g_assert_false(answer->told);
        answer->told = true;
        answer->in_use = g_hash_table_ref(in_use);
}

static void answer_clear(Answer *answer)
{
        g_clear_pointer(&answer->in_use, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answer, answer_clear)

static GArray *addresses_from(guint32 first, guint n)
{
        GArray *addresses = g_array_new(FALSE, FALSE, sizeof(guint32));

        for (guint32 address = first; address < first + n; address++)
                g_array_append_val(addresses, address);
        return addresses;
}

static void set_up(Fixture *fixture)
{
        g_autoptr(GError) error = NULL;

        namespace_add_veth("near", "far");
        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        g_assert_true(link_set_up(fixture->rtnl, "near", true, &error));
        g_assert_true(link_set_up(fixture->rtnl, "far", true, &error));
        g_assert_cmpint(link_get(fixture->rtnl, "near", &fixture->near), ==, 0);
        g_assert_cmpint(link_get(fixture->rtnl, "far", &fixture->far), ==, 0);
        fixture->prober = arp_prober_new(&error);
        g_assert_no_error(error);
}

static void tear_down(Fixture *fixture)
{
        arp_prober_free(fixture->prober);
        netlink_free(fixture->rtnl);
        namespace_delete_link("near");
}

static void give_far(Fixture *fixture, guint32 ip)
{
        IpAddress address = { .index = fixture->far.index,
                              .address = ip,
                              .prefix = 24,
                              .valid_sec = G_MAXUINT32,
                              .preferred_sec = G_MAXUINT32 };
        bool existed = false;

        g_assert_true(ip_address_add(fixture->rtnl, &address, &existed, NULL));
}

static const char *holder(const Answer *answer, guint32 ip)
{
        return g_hash_table_lookup(answer->in_use, GUINT_TO_POINTER(ip));
}

static void test_holder_is_found(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 3);
        g_auto(Answer) answer = { 0 }, other = { 0 };

        give_far(fixture, ADDRESS(10, 0, 0, 2));
        /* Two at a time, each of which is told of its own alone. */
        g_autoptr(GArray) more = addresses_from(ADDRESS(10, 0, 0, 3), 2);
        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &answer));
        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, more, on_done, &other));
        g_assert_false(answer.told);
        wait_until(&answer.told, DEADLINE_MS);
        wait_until(&other.told, DEADLINE_MS);
        g_assert_cmpstr(holder(&answer, ADDRESS(10, 0, 0, 2)), ==, fixture->far.mac);
        g_assert_cmpuint(g_hash_table_size(answer.in_use), ==, 1);
        g_assert_cmpuint(g_hash_table_size(other.in_use), ==, 0);
}

/* More than fit into the send buffer, and into one burst. */
static void test_many(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 2000);
        g_auto(Answer) answer = { 0 };

        give_far(fixture, ADDRESS(10, 0, 0, 1));
        give_far(fixture, ADDRESS(10, 0, 7, 208)); /* the last one */
        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &answer));
        wait_until(&answer.told, DEADLINE_MS);
        g_assert_cmpuint(g_hash_table_size(answer.in_use), ==, 2);
        g_assert_nonnull(holder(&answer, ADDRESS(10, 0, 7, 208)));
}

static void test_two_that_probe_for_it(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 1);
        g_auto(Answer) near = { 0 }, far = { 0 };

        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &near));
        g_assert_nonnull(arp_probe_new(fixture->prober, fixture->far.index, asked, on_done, &far));
        wait_until(&near.told, DEADLINE_MS);
        wait_until(&far.told, DEADLINE_MS);
        g_assert_cmpstr(holder(&near, ADDRESS(10, 0, 0, 1)), ==, fixture->far.mac);
        g_assert_cmpstr(holder(&far, ADDRESS(10, 0, 0, 1)), ==, fixture->near.mac);
}

/* The kernel's link watch may take a second to see a carrier go. */
static void assert_silent(Fixture *fixture, const GArray *asked)
{
        g_auto(Answer) answer = { 0 };
        ArpProbe *probe = NULL;

        for (guint i = 0; i < DEADLINE_MS / 20; i++) {
                probe = arp_probe_new(fixture->prober, fixture->near.index, asked, on_done,
                                      &answer);
                if (!probe)
                        break;
                arp_probe_free(probe);
                run_for(20);
        }
        g_assert_null(probe);
        g_assert_false(answer.told);
}

static void test_nobody_to_ask(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 1);
        g_autoptr(GArray) none = addresses_from(0, 0);
        Link lo;

        g_assert_cmpint(link_get(fixture->rtnl, "lo", &lo), ==, 0);
        g_assert_null(arp_probe_new(fixture->prober, lo.index, asked, on_done, NULL));
        g_assert_null(arp_probe_new(fixture->prober, 4711, asked, on_done, NULL));
        g_assert_null(arp_probe_new(fixture->prober, fixture->near.index, none, on_done, NULL));
        g_assert_true(link_set_up(fixture->rtnl, "far", false, NULL));
        assert_silent(fixture, asked); /* no carrier */
        g_assert_true(link_set_up(fixture->rtnl, "near", false, NULL));
        g_assert_null(arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, NULL));
}

static void test_interface_goes_meanwhile(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 1);
        g_auto(Answer) answer = { 0 };

        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &answer));
        g_assert_true(link_set_up(fixture->rtnl, "near", false, NULL));
        wait_until(&answer.told, DEADLINE_MS);
        g_assert_cmpuint(g_hash_table_size(answer.in_use), ==, 0);
}

static void test_given_up(Fixture *fixture)
{
        g_autoptr(GArray) asked = addresses_from(ADDRESS(10, 0, 0, 1), 1);
        g_auto(Answer) answer = { 0 }, other = { 0 };

        ArpProbe *probe =
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &answer);
        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &other));
        arp_probe_free(probe);
        wait_until(&other.told, DEADLINE_MS);
        g_assert_false(answer.told);
        /* What is still under way goes with the prober. */
        g_assert_nonnull(
                arp_probe_new(fixture->prober, fixture->near.index, asked, on_done, &answer));
}

int main(void)
{
        static void (*const tests[])(Fixture *) = {
                test_holder_is_found,          test_many,
                test_two_that_probe_for_it,    test_nobody_to_ask,
                test_interface_goes_meanwhile, test_given_up,
        };

        if (!namespace_enter())
                return 77;
        for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
                Fixture fixture = { 0 };
                set_up(&fixture);
                tests[i](&fixture);
                tear_down(&fixture);
        }
        return 0;
}
