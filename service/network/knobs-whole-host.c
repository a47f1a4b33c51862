/* SPDX-License-Identifier: GPL-2.0-or-later */

/* net.ipv6.conf.all.forwarding, which kernels before 6.17 have for the whole host. Whenever that is
 * written the kernel writes the same to every interface's own `forwarding`, and to that of those to
 * come (addrconf_forward_change() of net/ipv6/addrconf.c): what each had is noted before, and given
 * back after it. As long as it is on no interface hears routers, but those whose accept_ra is 2:
 * one that was raised stays raised, whoever goes, until it is off. */

#include <net/if.h>

#include "network/knobs-private.h"
#include "util/error.h"

/* Of those to come. */
#define TO_COME       "default"
#define INDEX_TO_COME 0

/* Has IPv6 always. */
#define LOOPBACK "lo"

/* A class that no step has. */
#define KEPT LOOPBACK " kept"

static void note(GArray *each, guint index, const char *interface)
{
        Each one = { .index = index };

        if (sysctl_get(SYSCTL_IPV6_FORWARDING, interface, &one.value) == 0)
                g_array_append_val(each, one);
}

GArray *each_read(void)
{
        GArray *each = g_array_new(FALSE, FALSE, sizeof(Each));
        struct if_nameindex *interfaces = if_nameindex();

        note(each, INDEX_TO_COME, TO_COME);
        for (struct if_nameindex *one = interfaces; one && one->if_index != 0; one++)
                note(each, one->if_index, one->if_name);
        if (interfaces)
                if_freenameindex(interfaces);
        return each;
}

/* What interface @index had. One that has come since would have what those to come had. */
static int found_of(const Held *held, guint index)
{
        int found = held->found;

        for (guint i = 0; i < held->each->len; i++) {
                const Each *one = &g_array_index(held->each, Each, i);
                if (one->index == index)
                        return one->value;
                if (one->index == INDEX_TO_COME)
                        found = one->value;
        }
        return found;
}

/* What each is to have: what it had, but where somebody has turned it since. */
static GArray *each_to_give_back(const Held *held)
{
        GArray *each = each_read();
        bool is_under_way = held->set == held->found; /* an earlier life's, which ended in it */

        for (guint i = 0; i < each->len; i++) {
                Each *one = &g_array_index(each, Each, i);
                if (one->value == held->set || (is_under_way && one->value == held->left))
                        one->value = found_of(held, one->index);
        }
        return each;
}

static bool set_each(const GArray *each, GError **error)
{
        GError *first = NULL;

        for (guint i = 0; i < each->len; i++) {
                const Each *one = &g_array_index(each, Each, i);
                char name[IF_NAMESIZE] = TO_COME;
                if (one->index == INDEX_TO_COME || if_indextoname(one->index, name))
                        (void)sysctl_set(SYSCTL_IPV6_FORWARDING, name, one->value,
                                         error_first(&first));
        }
        if (first)
                g_propagate_error(error, first);
        return !first;
}

bool each_give_back(const Knobs *knobs, Held *held, GError **error)
{
        g_autoptr(GArray) each = each_to_give_back(held);

        if (held->set != held->found) {
                held->left = held->set;
                held->set = held->found;
                (void)knobs_save(knobs, held->index, NULL); /* said when it has been let go */
        }
        return sysctl_set(held->sysctl, LOOPBACK, held->found, error) && set_each(each, error);
}

bool whole_host_turned(Held *held, Sysctl sysctl, int now)
{
        if (held->sysctl != SYSCTL_IPV6_FORWARDING_ALL || sysctl != SYSCTL_IPV6_FORWARDING ||
            held->set == now)
                return false;
        held->found = now;
        g_clear_pointer(&held->each, g_array_unref);
        held->each = each_read();
        return true;
}

char *knobs_whole_host(void)
{
        return knobs_group(SYSCTL_IPV6_FORWARDING_ALL, if_nametoindex(LOOPBACK));
}

int whole_host_found(const Knobs *knobs, guint index, int now)
{
        g_autofree char *group = knobs_whole_host();
        const Held *held = g_hash_table_lookup(knobs->held, group);

        return held && held->each && now == held->set ? found_of(held, index) : now;
}

static bool is_on(const Knobs *knobs)
{
        g_autofree char *group = knobs_whole_host();

        return g_hash_table_contains(knobs->held, group);
}

bool kept_instead(const Knobs *knobs, Held *held, const char *key)
{
        int value = GPOINTER_TO_INT(g_hash_table_lookup(held->holders, key));

        if (held->sysctl != SYSCTL_IPV6_ACCEPT_RA || value <= held->found || !is_on(knobs))
                return false;
        g_hash_table_remove(held->holders, key);
        g_hash_table_insert(held->holders, g_strdup(KEPT), GINT_TO_POINTER(value));
        return true;
}

const char *kept_in_vain(const Knobs *knobs, const Held *held)
{
        char interface[IF_NAMESIZE];

        if (!g_hash_table_contains(held->holders, KEPT) ||
            (is_on(knobs) && if_indextoname(held->index, interface)))
                return NULL;
        return KEPT;
}
