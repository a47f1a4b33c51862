/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a name turns out to be is an entry change like any other: probed, logged, told of. What it
 * cannot be, since another host has it, or the network itself, makes the network degraded, and is
 * tried again; it keeps nobody waiting. While nobody can be asked, the last answer stands, over
 * restarts too: the entry log has it. */

#include "network/public-names.h"

#include <string.h>

/* The pause before what could not be had is asked for again. */
#define TRY_AGAIN_MS 3000
/* So many are told of in the network's error. */
#define MAX_FAULTS 3

struct PublicNames {
        Network *network;
        GHashTable *followed; /* name -> Followed */
        guint follow_id;
        guint try_again_id;
};

typedef struct Followed {
        PublicNames *names;
        char *name;
        ResolverName *resolved;
        char *fault; /* why there is no address, or not the one that it is; NULL = none */
        bool is_being_put;
        guint32 asked_for; /* what was put last */
} Followed;

static void followed_free(gpointer data)
{
        Followed *followed = data;

        resolver_name_free(followed->resolved);
        g_free(followed->fault);
        g_free(followed->name);
        g_free(followed);
}

PublicNames *public_names_new(Network *network)
{
        PublicNames *names = g_new0(PublicNames, 1);

        names->network = network;
        names->followed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, followed_free);
        return names;
}

void public_names_free(PublicNames *names)
{
        if (!names)
                return;
        if (names->follow_id)
                g_source_remove(names->follow_id);
        if (names->try_again_id)
                g_source_remove(names->try_again_id);
        g_hash_table_unref(names->followed);
        g_free(names);
}

static void put(Followed *followed);

static gboolean try_again(gpointer data)
{
        PublicNames *names = data;
        GHashTableIter iter;
        gpointer followed;

        names->try_again_id = 0;
        g_autoptr(GPtrArray) failed = g_ptr_array_new();
        g_hash_table_iter_init(&iter, names->followed);
        while (g_hash_table_iter_next(&iter, NULL, &followed))
                if (((Followed *)followed)->fault)
                        g_ptr_array_add(failed, followed);
        g_autoptr(Network) network = network_ref(names->network); /* and so `names` */
        for (guint i = 0; i < failed->len && network->public_names; i++)
                put(failed->pdata[i]);
        return G_SOURCE_REMOVE;
}

static void set_fault(Followed *followed, const char *fault)
{
        PublicNames *names = followed->names;

        if (fault && resolver_name_address(followed->resolved) != 0 && !names->try_again_id)
                names->try_again_id = g_timeout_add(TRY_AGAIN_MS, try_again, names);
        if (g_strcmp0(fault, followed->fault) == 0)
                return;
        g_free(followed->fault);
        followed->fault = g_strdup(fault);
        operations_settle(names->network);
}

/* Without the address that it has no more, if there is one; what is wrong is known. */
static void taken_away(Network *network, const GError *error, gpointer data)
{
}

static void put_done(Network *network, const GError *error, gpointer data)
{
        g_autofree char *name = data;
        PublicNames *names = network->public_names; /* NULL: the network is being freed */
        Followed *followed = names ? g_hash_table_lookup(names->followed, name) : NULL;

        if (!followed || network->removed)
                return;
        followed->is_being_put = false;
        if (!error || resolver_name_address(followed->resolved) != followed->asked_for) {
                put(followed); /* it may be another one by now */
                return;
        }
        const AddressEntry *entry = entries_find_public_name(network->config->entries, name);
        if (entry && entry->public_ip != 0)
                entry_changes_choose_public(network, name, 0, taken_away, NULL);
        g_autofree char *fault = g_strdup_printf("%s: %s", name, error->message);
        set_fault(followed, fault);
}

/* Has the entry have what its name is. */
static void put(Followed *followed)
{
        Network *network = followed->names->network;
        const AddressEntry *entry =
                entries_find_public_name(network->config->entries, followed->name);
        guint32 address = resolver_name_address(followed->resolved);
        bool is_known = resolver_name_is_known(followed->resolved);

        if (!entry || followed->is_being_put)
                return;
        if (is_known && entry->public_ip != address) {
                followed->is_being_put = true;
                followed->asked_for = address;
                entry_changes_choose_public(network, followed->name, address, put_done,
                                            g_strdup(followed->name));
                return;
        }
        const char *fault = entry->public_ip ? NULL : resolver_name_fault(followed->resolved);
        g_autofree char *text =
                fault ? g_strdup_printf("public_ip: %s: %s", followed->name, fault) : NULL;
        set_fault(followed, text);
}

static void on_changed(ResolverName *resolved, gpointer data)
{
        put(data);
}

static bool should_follow(const PublicNames *names)
{
        return network_is_up(names->network) && !names->network->removed &&
               names->network->config->nat_mode == NAT_MODE_1TO1;
}

static gboolean is_unwanted(gpointer name, gpointer data, gpointer user_data)
{
        const PublicNames *names = user_data;

        return !should_follow(names) ||
               !entries_find_public_name(names->network->config->entries, name);
}

static void follow(PublicNames *names, const char *name)
{
        Followed *followed = g_new0(Followed, 1);

        followed->names = names;
        followed->name = g_strdup(name);
        followed->resolved =
                resolver_follow(names->network->host->resolver, name, on_changed, followed);
        g_hash_table_insert(names->followed, followed->name, followed);
}

/* Somebody may have changed the entries meanwhile, or what they have. What could not be had is
 * tried again in its time. */
static void compare(PublicNames *names)
{
        g_autoptr(Network) network = network_ref(names->network);
        g_autoptr(GPtrArray) known = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, names->followed);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (!((Followed *)value)->fault)
                        g_ptr_array_add(known, value);
        for (guint i = 0; i < known->len && network->public_names; i++)
                put(known->pdata[i]);
}

static gboolean follow_now(gpointer data)
{
        PublicNames *names = data;
        guint n_gone = g_hash_table_foreach_remove(names->followed, is_unwanted, names);
        g_autoptr(GList) wanted = entries_public_names(names->network->config->entries);

        names->follow_id = 0;
        for (const GList *item = wanted; item && should_follow(names); item = item->next)
                if (!g_hash_table_contains(names->followed, item->data))
                        follow(names, item->data);
        compare(names);
        if (n_gone > 0 && should_follow(names)) /* and with them what was wrong with them */
                operations_settle(names->network);
        return G_SOURCE_REMOVE;
}

void public_names_follow(PublicNames *names)
{
        bool any = names && (entries_n_public_names(names->network->config->entries) > 0 ||
                             g_hash_table_size(names->followed) > 0);

        if (any && !names->follow_id)
                names->follow_id = g_idle_add(follow_now, names);
}

char *public_names_fault(const PublicNames *names)
{
        g_autoptr(GString) text = g_string_new(NULL);
        GHashTableIter iter;
        gpointer value;
        guint n = 0;

        g_hash_table_iter_init(&iter, names->followed);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Followed *followed = value;
                if (followed->fault && n++ < MAX_FAULTS)
                        g_string_append_printf(text, "%s%s", text->len ? "; " : "",
                                               followed->fault);
        }
        if (n > MAX_FAULTS)
                g_string_append_printf(text, "; and %u more", n - MAX_FAULTS);
        return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
