/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is owed to NetworkManager, as a key file below /run/jumpstarter, a group for each interface.
 * NetworkManager remembers Managed=false over its restart, by the interface's index: so is a debt,
 * and one whose interface has gone is none. It ends when NetworkManager has taken the device back,
 * or has said why it does not. */

#include "network/owed.h"

#include <net/if.h>

#include "util/file.h"
#include "util/log.h"

typedef struct Debt {
        guint index; /* of the interface */
        NmHeld *held;
        bool asked; /* NetworkManager is being asked to take it */
} Debt;

struct Owed {
        char *path;
        Nm *nm;
        GHashTable *debts; /* interface -> Debt */
};

/* One debt that is being given back; it may be forgotten meanwhile, and another take its place. */
typedef struct Return {
        Owed *owed;
        char *interface;
        const Debt *debt; /* only to be compared */
} Return;

static void debt_free(gpointer data)
{
        Debt *debt = data;

        nm_held_free(debt->held);
        g_free(debt);
}

static bool debt_is_live(const Debt *debt, const char *interface)
{
        return debt->index != 0 && if_nametoindex(interface) == debt->index;
}

static bool owed_save(const Owed *owed, GError **error)
{
        g_autoptr(GKeyFile) file = g_key_file_new();
        GHashTableIter iter;
        gpointer interface, value;

        if (g_hash_table_size(owed->debts) == 0)
                return file_remove(owed->path, error);
        g_hash_table_iter_init(&iter, owed->debts);
        while (g_hash_table_iter_next(&iter, &interface, &value)) {
                const Debt *debt = value;

                g_key_file_set_uint64(file, interface, "index", debt->index);
                if (debt->held->connection_uuid)
                        g_key_file_set_string(file, interface, "uuid", debt->held->connection_uuid);
                if (debt->held->connection_id)
                        g_key_file_set_string(file, interface, "id", debt->held->connection_id);
        }
        gsize length;
        g_autofree char *text = g_key_file_to_data(file, &length, NULL);
        return file_replace(owed->path, text, (gssize)length, 0644, error);
}

static void owed_load(Owed *owed)
{
        g_autoptr(GKeyFile) file = g_key_file_new();

        if (!g_key_file_load_from_file(file, owed->path, G_KEY_FILE_NONE, NULL))
                return; /* an earlier life owes nothing */
        g_auto(GStrv) interfaces = g_key_file_get_groups(file, NULL);
        for (char **interface = interfaces; *interface; interface++) {
                Debt *debt = g_new0(Debt, 1);
                debt->index = (guint)g_key_file_get_uint64(file, *interface, "index", NULL);
                debt->held = g_new0(NmHeld, 1);
                debt->held->managed = true;
                debt->held->connection_uuid = g_key_file_get_string(file, *interface, "uuid", NULL);
                debt->held->connection_id = g_key_file_get_string(file, *interface, "id", NULL);
                g_hash_table_insert(owed->debts, g_strdup(*interface), debt);
        }
}

Owed *owed_new(const char *run_dir, Nm *nm)
{
        Owed *owed = g_new0(Owed, 1);

        owed->path = g_build_filename(run_dir, "network-manager.owed", NULL);
        owed->nm = nm;
        owed->debts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, debt_free);
        owed_load(owed);
        return owed;
}

void owed_free(Owed *owed)
{
        if (!owed)
                return;
        g_hash_table_unref(owed->debts);
        g_free(owed->path);
        g_free(owed);
}

bool owed_is_empty(const Owed *owed)
{
        GHashTableIter iter;
        gpointer interface, debt;

        g_hash_table_iter_init(&iter, owed->debts);
        while (g_hash_table_iter_next(&iter, &interface, &debt))
                if (debt_is_live(debt, interface))
                        return false;
        return true;
}

bool owed_add(Owed *owed, const char *interface, const NmHeld *held, GError **error)
{
        Debt *debt = g_new0(Debt, 1);

        debt->index = if_nametoindex(interface);
        debt->held = nm_held_copy(held);
        g_hash_table_replace(owed->debts, g_strdup(interface), debt);
        return owed_save(owed, error);
}

const NmHeld *owed_find(const Owed *owed, const char *interface)
{
        const Debt *debt = g_hash_table_lookup(owed->debts, interface);

        return debt && debt_is_live(debt, interface) ? debt->held : NULL;
}

bool owed_forget(Owed *owed, const char *interface, GError **error)
{
        return !g_hash_table_remove(owed->debts, interface) || owed_save(owed, error);
}

static void given_back(const GError *error, gpointer data)
{
        Return *back = data;
        Owed *owed = back->owed;
        Debt *debt = g_hash_table_lookup(owed->debts, back->interface);
        g_autoptr(GError) save = NULL;

        if (debt && debt == back->debt) {
                debt->asked = false;
                if (!error)
                        log_network_notice(back->interface, "given back to NetworkManager");
                else if (nm_answers(owed->nm))
                        log_network_warning(back->interface, "%s", error->message);
                if ((!error || nm_answers(owed->nm)) && !owed_forget(owed, back->interface, &save))
                        log_network_warning(back->interface, "%s", save->message);
        }
        g_free(back->interface);
        g_free(back);
}

void owed_give_back(Owed *owed, const char *interface)
{
        Debt *debt = g_hash_table_lookup(owed->debts, interface);

        if (!debt || debt->asked)
                return;
        if (!debt_is_live(debt, interface)) { /* NetworkManager knows nothing of this one */
                (void)owed_forget(owed, interface, NULL); /* not written: found out again */
                return;
        }
        Return *back = g_new0(Return, 1);
        debt->asked = true;
        *back = (Return){ .owed = owed, .interface = g_strdup(interface), .debt = debt };
        nm_give_back(owed->nm, interface, debt->held, given_back, back);
}
