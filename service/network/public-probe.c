/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Rounds of ARP probes. Each asks for every address that is wanted and not known to be free; where
 * the pool's choice is another host's, the pool chooses again, and from the second round on
 * addresses behind the choice are asked for as well, more of them each time: hosts often have
 * several in a row. */

#include "network/public-probe.h"

#include "host/ip-address.h"
#include "host/link.h"
#include "network/public.h"
#include "util/error.h"

#define MAX_AHEAD 64

typedef struct Wish {
        AddressEntry *entry;
        GError *error; /* why it cannot have its address */
} Wish;

struct PublicProbe {
        Network *network;
        GArray *wishes;     /* Wish */
        GHashTable *free;   /* addresses, as a set: nobody has them */
        GHashTable *in_use; /* address -> MAC */
        GArray *asked;      /* guint32, in this round */
        guint n_ahead;      /* how many more for each choice */
        PublicCheck *check; /* for this round */
        GHashTable *on;     /* the same: addresses of the public interface, as a set */
        ArpProbe *arp;
        PublicProbeDone done;
        gpointer data;
};

static void wish_clear(gpointer data)
{
        Wish *wish = data;
        address_entry_free(wish->entry);
        g_clear_error(&wish->error);
}

PublicProbe *public_probe_new(Network *network, PublicProbeDone done, gpointer data)
{
        PublicProbe *probe = g_new0(PublicProbe, 1);

        probe->network = network;
        probe->wishes = g_array_new(FALSE, FALSE, sizeof(Wish));
        g_array_set_clear_func(probe->wishes, wish_clear);
        probe->free = g_hash_table_new(NULL, NULL);
        probe->in_use = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        probe->on = g_hash_table_new(NULL, NULL);
        probe->asked = g_array_new(FALSE, FALSE, sizeof(guint32));
        probe->done = done;
        probe->data = data;
        return probe;
}

void public_probe_free(PublicProbe *probe)
{
        if (!probe)
                return;
        arp_probe_free(probe->arp);
        g_hash_table_remove_all(probe->network->reserved);
        public_check_free(probe->check);
        g_clear_pointer(&probe->on, g_hash_table_unref);
        g_array_unref(probe->wishes);
        g_hash_table_unref(probe->free);
        g_hash_table_unref(probe->in_use);
        g_array_unref(probe->asked);
        g_free(probe);
}

guint public_probe_add(PublicProbe *probe, const AddressEntry *entry)
{
        Wish wish = { .entry = address_entry_copy(entry) };
        g_array_append_val(probe->wishes, wish);
        return probe->wishes->len - 1;
}

guint public_probe_n(const PublicProbe *probe)
{
        return probe->wishes->len;
}

const AddressEntry *public_probe_result(const PublicProbe *probe, guint number, GError **error)
{
        const Wish *wish = &g_array_index(probe->wishes, Wish, number);

        if (!wish->error)
                return wish->entry;
        g_propagate_error(error, g_error_copy(wish->error));
        return NULL;
}

guint32 public_probe_address(const PublicProbe *probe, guint number)
{
        return g_array_index(probe->wishes, Wish, number).entry->public_ip;
}

const char *public_probe_holder(const PublicProbe *probe, guint32 ip)
{
        return g_hash_table_lookup(probe->in_use, GUINT_TO_POINTER(ip));
}

static void reserve(PublicProbe *probe, guint32 ip)
{
        g_hash_table_add(probe->network->reserved, GUINT_TO_POINTER(ip));
}

static bool read_addresses(PublicProbe *probe, GError **error)
{
        guint index = public_index(probe->network);
        g_autoptr(GArray) addresses = NULL;

        g_hash_table_remove_all(probe->on);
        if (index == 0)
                return true;
        addresses = ip_address_list(probe->network->host->rtnl, index, error);
        for (guint i = 0; addresses && i < addresses->len; i++)
                g_hash_table_add(probe->on,
                                 GUINT_TO_POINTER(g_array_index(addresses, IpAddress, i).address));
        return addresses != NULL;
}

/* What the host has now; without knowing it nobody gets anything. */
static bool look_at_host(PublicProbe *probe)
{
        g_autoptr(GError) error = NULL;

        g_clear_pointer(&probe->check, public_check_free);
        if (read_addresses(probe, &error))
                probe->check = public_check_new(probe->network, &error);
        for (guint i = 0; !probe->check && i < probe->wishes->len; i++) {
                Wish *wish = &g_array_index(probe->wishes, Wish, i);
                if (!wish->error)
                        wish->error = g_error_copy(error);
        }
        return probe->check != NULL;
}

/* Another NIC of this host on the same LAN speaks for what is on the host. */
static GHashTable *own_macs(const PublicProbe *probe)
{
        g_autoptr(GArray) links = link_list(probe->network->host->rtnl, NULL);
        GHashTable *macs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; links && i < links->len; i++)
                g_hash_table_add(macs, g_strdup(g_array_index(links, Link, i).mac));
        return macs;
}

/* Everybody else's addresses are reserved, or another host's, at this time. */
static void choose(PublicProbe *probe, Wish *wish)
{
        Network *network = probe->network;

        wish->entry->public_ip = public_choose(probe->check, network->config, wish->entry,
                                               network->reserved, &wish->error);
        if (wish->entry->public_ip != 0)
                reserve(probe, wish->entry->public_ip);
}

static void refuse(PublicProbe *probe, Wish *wish)
{
        char text[ADDRESS_TEXT_SIZE];
        guint32 ip = wish->entry->public_ip;

        g_set_error(&wish->error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE,
                    "public_ip: %s is in use on %s: %s has it", address_format(ip, text),
                    probe->network->public_interface, public_probe_holder(probe, ip));
}

/* Whether @wish has an address that nobody has been asked for. */
static bool is_open(const PublicProbe *probe, const Wish *wish)
{
        guint32 ip = wish->entry->public_ip;

        return !wish->error && !g_hash_table_contains(probe->free, GUINT_TO_POINTER(ip)) &&
               !g_hash_table_contains(probe->on, GUINT_TO_POINTER(ip));
}

static void ask_for(PublicProbe *probe, GHashTable *asked, guint32 ip)
{
        if (!g_hash_table_contains(probe->free, GUINT_TO_POINTER(ip)) &&
            !public_probe_holder(probe, ip) && g_hash_table_add(asked, GUINT_TO_POINTER(ip)))
                g_array_append_val(probe->asked, ip);
}

static void collect(PublicProbe *probe)
{
        const PublicPool *pool = &probe->network->config->public_pool;
        g_autoptr(GHashTable) asked = g_hash_table_new(NULL, NULL);

        g_array_set_size(probe->asked, 0);
        for (guint i = 0; i < probe->wishes->len; i++) {
                const Wish *wish = &g_array_index(probe->wishes, Wish, i);
                if (!is_open(probe, wish))
                        continue;
                ask_for(probe, asked, wish->entry->public_ip);
                guint32 n = wish->entry->public_auto ? pool->last - pool->first + 1 : 1;
                for (guint ahead = 1; ahead <= probe->n_ahead && ahead < n; ahead++)
                        ask_for(probe, asked,
                                pool->first + (wish->entry->public_ip - pool->first + ahead) % n);
        }
        probe->n_ahead = CLAMP(2 * probe->n_ahead, 4, MAX_AHEAD);
}

static void answered(GHashTable *in_use, gpointer data);

static void next_round(PublicProbe *probe)
{
        Network *network = probe->network;
        guint index = public_index(network);

        collect(probe);
        if (index != 0 && probe->asked->len > 0)
                probe->arp = arp_probe_new(network->host->arp_prober, index, probe->asked, answered,
                                           probe);
        if (!probe->arp)
                probe->done(probe, probe->data);
}

static void move_on(PublicProbe *probe, Wish *wish)
{
        if (wish->error || !public_probe_holder(probe, wish->entry->public_ip))
                return;
        if (wish->entry->public_auto)
                choose(probe, wish);
        else
                refuse(probe, wish);
}

static void answered(GHashTable *in_use, gpointer data)
{
        PublicProbe *probe = data;

        probe->arp = NULL;
        g_autoptr(GHashTable) own = own_macs(probe);
        for (guint i = 0; i < probe->asked->len; i++) {
                gpointer key = GUINT_TO_POINTER(g_array_index(probe->asked, guint32, i));
                const char *mac = g_hash_table_lookup(in_use, key);
                if (!mac || g_hash_table_contains(own, mac)) {
                        g_hash_table_add(probe->free, key);
                        continue;
                }
                g_hash_table_insert(probe->in_use, key, g_strdup(mac));
                g_hash_table_add(probe->network->reserved, key); /* never chosen */
        }
        bool known = look_at_host(probe);
        for (guint i = 0; known && i < probe->wishes->len; i++)
                move_on(probe, &g_array_index(probe->wishes, Wish, i));
        next_round(probe);
}

void public_probe_run(PublicProbe *probe)
{
        bool known = look_at_host(probe);

        for (guint i = 0; known && i < probe->wishes->len; i++) {
                Wish *wish = &g_array_index(probe->wishes, Wish, i);
                guint32 ip = wish->entry->public_ip;
                bool is_auto = wish->entry->public_auto;
                if (ip != 0 && public_check(probe->check, ip, is_auto ? NULL : &wish->error))
                        reserve(probe, ip);
                else if (is_auto)
                        wish->entry->public_ip = 0;
        }
        for (guint i = 0; known && i < probe->wishes->len; i++) {
                Wish *wish = &g_array_index(probe->wishes, Wish, i);
                if (!wish->error && wish->entry->public_ip == 0)
                        choose(probe, wish);
        }
        next_round(probe);
}
