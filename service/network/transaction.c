/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Several networks made or changed as one: one after the other, and where one fails, those before
 * it are removed or changed back, last first. The caller was asked for when the first one began: a
 * network that somebody else has made since is not touched. */

#include "network/manager-private.h"

#include "network/group.h"
#include "network/joint.h"
#include "util/error.h"
#include "util/log.h"

typedef struct Done {
        Network *network;
        NetworkConfig *old; /* NULL: it was made here */
        Entries *old_configured;
} Done;

typedef struct Transaction {
        Manager *manager;
        guint serial;
        Joint *joint;       /* NULL: there is one */
        char **names;       /* of all of them; NULL: there is one, which is whole by itself */
        GPtrArray *configs; /* NetworkConfig*, still to come; the first is next */
        GHashTable *known;  /* Network*, as a set: there when it began, or made by it */
        NetworkConfig *old; /* of the one that is being changed */
        Entries *old_configured;
        GPtrArray *made; /* Done*, in order */
        GError *error;
        ManagerDone done;
        gpointer data;
} Transaction;

static void made_free(gpointer data)
{
        Done *made = data;
        network_unref(made->network);
        config_free(made->old);
        entries_free(made->old_configured);
        g_free(made);
}

static void next(Transaction *transaction);
static void roll_back(Transaction *transaction);

static void transaction_end(Transaction *transaction)
{
        g_autoptr(GPtrArray) networks = g_ptr_array_new();

        joint_free(transaction->joint);
        if (transaction->names)
                group_end(transaction->manager->host, transaction->serial,
                          (const char *const *)transaction->names);
        g_strfreev(transaction->names);
        for (guint i = 0; i < transaction->made->len; i++)
                g_ptr_array_add(networks, ((Done *)transaction->made->pdata[i])->network);
        transaction->done(transaction->error ? NULL : networks, transaction->error,
                          transaction->data);
        g_ptr_array_unref(transaction->configs);
        g_ptr_array_unref(transaction->made);
        g_hash_table_unref(transaction->known);
        config_free(transaction->old);
        entries_free(transaction->old_configured);
        g_clear_error(&transaction->error);
        g_free(transaction);
}

static void rolled_back_one(const GPtrArray *networks, const GError *error, gpointer data)
{
        Transaction *transaction = data;

        if (error)
                log_error("cannot take a network's change back: %s", error->message);
        roll_back(transaction);
}

static void roll_back(Transaction *transaction)
{
        if (transaction->joint)
                joint_go_back(transaction->joint);
        if (transaction->made->len == 0) {
                transaction_end(transaction);
                return;
        }
        Done *made = g_ptr_array_steal_index(transaction->made, transaction->made->len - 1);
        g_autoptr(Network) network = network_ref(made->network);
        NetworkConfig *old = g_steal_pointer(&made->old);
        Entries *old_configured = g_steal_pointer(&made->old_configured);

        made_free(made);
        if (old)
                manager_change_configured(transaction->manager, network, old, old_configured,
                                          rolled_back_one, transaction);
        else
                manager_remove(transaction->manager, network, rolled_back_one, transaction);
}

static void fail(Transaction *transaction, GError *error)
{
        transaction->error = error;
        roll_back(transaction);
}

static void one_done(const GPtrArray *networks, const GError *error, gpointer data)
{
        Transaction *transaction = data;

        if (error) {
                fail(transaction, g_error_copy(error));
                return;
        }
        Done *made = g_new0(Done, 1);
        made->network = network_ref(networks->pdata[0]);
        made->old = g_steal_pointer(&transaction->old);
        made->old_configured = g_steal_pointer(&transaction->old_configured);
        g_ptr_array_add(transaction->made, made);
        g_hash_table_add(transaction->known, network_ref(made->network));
        if (transaction->joint)
                joint_note_done(transaction->joint, made->network);
        next(transaction);
}

/* Takes @config. */
static void make(Transaction *transaction, NetworkConfig *config)
{
        const Manager *manager = transaction->manager;
        g_autoptr(NetworkConfig) own = config;
        GError *error = NULL;

        if (transaction->names &&
            !group_note_made(manager->host, transaction->serial, own->interface, &error))
                fail(transaction, error);
        else
                manager_create(transaction->manager, g_steal_pointer(&own), NULL, one_done,
                               transaction);
}

/* Takes @config. */
static void change(Transaction *transaction, Network *network, NetworkConfig *config)
{
        g_autoptr(NetworkConfig) before = network_configured(network);
        config_free(transaction->old);
        entries_free(transaction->old_configured);
        transaction->old = config_copy(network_config(network));
        transaction->old_configured = entries_copy(before->entries);
        manager_change(transaction->manager, network, config, one_done, transaction);
}

static void next(Transaction *transaction)
{
        if (transaction->configs->len == 0) {
                transaction_end(transaction);
                return;
        }
        g_autoptr(NetworkConfig) config = g_ptr_array_steal_index(transaction->configs, 0);
        Network *network = manager_find(transaction->manager, config->interface);

        if (!network || network_is_being_removed(network))
                make(transaction, g_steal_pointer(&config));
        else if (g_hash_table_contains(transaction->known, network))
                change(transaction, network, g_steal_pointer(&config));
        else
                fail(transaction,
                     g_error_new(SERVICE_ERROR, SERVICE_ERROR_NETWORK_EXISTS,
                                 "interface: somebody else has made a network on %s meanwhile",
                                 config->interface));
}

static GHashTable *networks_known(const Manager *manager)
{
        GHashTable *known = g_hash_table_new_full(NULL, NULL, (GDestroyNotify)network_unref, NULL);
        g_autoptr(GPtrArray) networks = manager_list(manager);

        for (guint i = 0; i < networks->len; i++)
                g_hash_table_add(known, network_ref(networks->pdata[i]));
        return known;
}

static bool begin(Transaction *transaction, GError **error)
{
        const GPtrArray *configs = transaction->configs;

        if (configs->len < 2)
                return true;
        transaction->joint = joint_new(transaction->manager->host, configs);
        transaction->serial = transaction->manager->n_groups++;
        transaction->names = g_new0(char *, configs->len + 1);
        for (guint i = 0; i < configs->len; i++)
                transaction->names[i] =
                        g_strdup(((const NetworkConfig *)configs->pdata[i])->interface);
        return group_begin(transaction->manager->host, transaction->serial,
                           (const char *const *)transaction->names, error);
}

void manager_create_all(Manager *manager, GPtrArray *configs, ManagerDone done, gpointer data)
{
        Transaction *transaction = g_new0(Transaction, 1);

        transaction->manager = manager;
        transaction->configs = configs;
        transaction->known = networks_known(manager);
        transaction->made = g_ptr_array_new_with_free_func(made_free);
        transaction->done = done;
        transaction->data = data;
        if (begin(transaction, &transaction->error))
                next(transaction);
        else
                transaction_end(transaction);
}
