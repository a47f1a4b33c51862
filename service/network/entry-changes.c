/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Changes of single entries, made for many a second: each is checked, put into the kernel's maps,
 * appended to the log and remembered in constant time. dnsmasq's files are written once for all the
 * changes that came together, before any of them is answered; where that fails, all of them are
 * taken back. */

#include <string.h>

#include "model/dnsmasq-conf.h"
#include "model/entry-log.h"
#include "network/entry-change.h"
#include "network/entry-log-file.h"
#include "network/forwards.h"
#include "network/guests.h"
#include "network/names-table.h"
#include "network/network-private.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* A log longer than its entries need is written anew. */
#define LOG_SPARE_LINES 1000

struct EntryChanges {
        Network *network;
        EntryLogFile *log;
        GPtrArray *pending;   /* EntryChange*, made and not yet in dnsmasq's files */
        GPtrArray *waiting;   /* EntryChange*, for those: to be made after them */
        gsize pending_length; /* of their lines in the log */
        guint flush_id;
        bool hosts_differ, names_differ;
};

/* The log */

/* The shortest log that leads to the present entries, and holds what is held. */
static char *short_log(const Network *network)
{
        g_autofree char *log = entry_log_compact(network->configured, network->config->entries);
        g_autofree char *held = held_entries_text(network->held, HELD_MARK);
        return g_strconcat(log, held, NULL);
}

static char *log_path(const Network *network)
{
        return g_build_filename(network->config->state_dir, "entries.log", NULL);
}

EntryChanges *entry_changes_new(Network *network)
{
        EntryChanges *changes = g_new0(EntryChanges, 1);
        g_autofree char *path = log_path(network);

        changes->network = network;
        changes->log = entry_log_file_new(path, network->host->disk);
        changes->pending = g_ptr_array_new_with_free_func((GDestroyNotify)entry_change_free);
        changes->waiting = g_ptr_array_new();
        return changes;
}

bool entry_changes_load(EntryChanges *changes, GError **error)
{
        Network *network = changes->network;
        g_autoptr(Entries) entries = entries_copy(network->configured);
        g_autoptr(HeldEntries) before = network->held;
        guint n_bad;

        network->held = held_entries_new();
        if (!entry_log_file_load(changes->log, entries, network->held, &n_bad, error))
                return false;
        entry_overlay_adopt(network->config, entries, network->configured, network->held);
        entry_overlay_tell(network, network->held, before);
        if (n_bad > 0)
                log_network_warning(network->name,
                                    "%s: %u lines make no sense, and were passed over",
                                    entry_log_file_path(changes->log), n_bad);
        return true;
}

void entry_changes_free(EntryChanges *changes)
{
        if (!changes)
                return;
        entry_changes_flush_now(changes);
        if (changes->flush_id)
                g_source_remove(changes->flush_id);
        entry_log_file_free(changes->log);
        g_ptr_array_unref(changes->pending);
        g_ptr_array_unref(changes->waiting);
        g_free(changes);
}

void entry_changes_delete(Network *network)
{
        EntryChanges *changes = network->changes;
        g_autoptr(GError) error = NULL;

        if (!changes)
                return;
        g_autofree char *path = g_strdup(entry_log_file_path(changes->log));
        entry_changes_free(changes); /* answers what is pending */
        network->changes = NULL;
        guests_forget_notes(network);
        if (!file_remove(path, &error))
                log_network_warning(network->name, "%s", error->message);
        file_drop(path); /* one that was being shortened */
}

void entry_changes_stage_reset(Network *network, FileSyncDone done, gpointer data)
{
        g_autofree char *path = log_path(network);
        entry_log_file_stage(network->changes->log, path, short_log(network), done, data);
}

void entry_changes_commit_reset(Network *network, FileSyncDone done, gpointer data)
{
        entry_log_file_commit(network->changes->log, done, data);
}

void entry_changes_drop_reset(Network *network, FileSyncDone done, gpointer data)
{
        entry_log_file_drop(network->changes->log, done, data);
}

void entry_changes_log_choices(Network *network)
{
        bool known = true;

        for (guint i = 0; known && network->changes && i < network->chosen->len; i++) {
                g_autoptr(GError) error = NULL;
                guint32 ip = g_array_index(network->chosen, guint32, i);
                const AddressEntry *entry = entries_find_ip(network->config->entries, ip);
                if (!entry || !entry->public_auto || entry->public_ip == 0)
                        continue;
                g_autofree char *line = entry_log_line_choose_public(entry);
                known = entry_log_file_append(network->changes->log, line, &error);
                if (!known) /* then the next start chooses again: most often the same */
                        log_network_warning(network->name, "%s", error->message);
        }
        g_array_set_size(network->chosen, 0);
}

/* One change */

/* The addresses of guests whose detaching is not through; NULL for none. The caller's. */
static GHashTable *leaving_addresses(const EntryChanges *changes)
{
        g_autoptr(GHashTable) leaving = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < changes->pending->len; i++) {
                const EntryChange *change = changes->pending->pdata[i];
                if (change->type == DETACH_GUEST && change->old_address)
                        g_hash_table_add(leaving, GUINT_TO_POINTER(change->old_address->ip));
        }
        return g_hash_table_size(leaving) > 0 ? g_steal_pointer(&leaving) : NULL;
}

/* The guest that @change attaches or detaches; NULL for another change. Borrowed. */
static const char *guest_of(const EntryChange *change)
{
        if (change->type == ATTACH_GUEST)
                return change->wish->entry->guest->id;
        return change->type == DETACH_GUEST ? change->guest : NULL;
}

/* Takes @entry's TAP, and what else there is, away. */
static void forget_guest(Network *network, AddressEntry *entry)
{
        g_autoptr(GPtrArray) one = g_ptr_array_new();

        g_ptr_array_add(one, entry);
        guests_forget(network, one);
}

/* Maps and log: what is undone by the other way round. */
static bool note(Network *network, const EntryChange *change, const char *line, GError **error)
{
        if (!entry_change_kernel(network, change, false, error))
                return false;
        if (entry_log_file_append(network->changes->log, line, error))
                return true;
        (void)entry_change_kernel(network, change, true, NULL); /* the first error counts */
        return false;
}

/* Kernel, log, memory. On an error nothing has changed. A TAP without a line in the log is a stray,
 * and swept by the next life (guests_sync()). */
static bool make(Network *network, const EntryChange *change, GError **error)
{
        g_autofree char *line = entry_change_line(change);

        if (change->type == ATTACH_GUEST &&
            !guests_make_tap(network, change->address->guest, error))
                return false;
        if (change->type == DETACH_GUEST &&
            !guests_note_leaving(network, change->old_address, error))
                return false;
        if (!note(network, change, line, error)) {
                if (change->type == ATTACH_GUEST && !change->old_address)
                        forget_guest(network, change->address);
                return false;
        }
        held_entries_note(network->held, line, strlen(line) - 1);
        network->changes->pending_length += strlen(line);
        entry_change_remember(network, change);
        entry_change_end_connections(network, change);
        return true;
}

/* Writing dnsmasq's files for all that is pending */

/* The names of the filter have them before dnsmasq answers with what they put. */
static bool follow_names(Network *network, GError **error)
{
        return !network_is_up(network) || names_table_follow_entries(network, error);
}

static bool write_files(EntryChanges *changes, GError **error)
{
        Network *network = changes->network;
        const Entries *entries = network->config->entries;
        g_autoptr(GArray) taken = leases_taken_addresses(network);
        g_autofree char *hosts = changes->hosts_differ ? dnsmasq_hosts_text(entries, taken) : NULL;
        g_autofree char *names = changes->names_differ ? dnsmasq_dns_text(entries) : NULL;

        if (!network->dnsmasq || !(hosts || names))
                return true; /* written when it starts */
        if (!follow_names(network, error) ||
            !dnsmasq_write(network->dnsmasq, NULL, hosts, names, error))
                return false;
        dnsmasq_reload(network->dnsmasq);
        return true;
}

/* Takes away what the guests of those that are of @type had, as one. */
static void forget_guests(Network *network, const GPtrArray *pending, EntryChangeType type)
{
        g_autoptr(GPtrArray) entries = g_ptr_array_new();

        for (guint i = 0; i < pending->len; i++) {
                const EntryChange *change = pending->pdata[i];
                if (change->type == type && !(type == ATTACH_GUEST && change->old_address))
                        g_ptr_array_add(entries, type == ATTACH_GUEST ? change->address
                                                                      : change->old_address);
        }
        guests_forget(network, entries);
}

/* Last first. Their lines are the log's last ones: they are cut off, which needs no room; what it
 * says then is what there was, in its order. */
static void take_back(EntryChanges *changes, const GPtrArray *pending)
{
        Network *network = changes->network;
        g_autoptr(GError) error = NULL;

        for (guint i = pending->len; i-- > 0;) {
                g_autoptr(EntryChange) back = entry_change_inverse(pending->pdata[i]);
                g_autoptr(GError) cause = NULL;
                if (!entry_change_kernel(network, back, false, &cause))
                        log_network_error(network->name, "cannot take an entry change back: %s",
                                          cause->message);
                entry_change_remember(network, back);
                entry_change_end_connections(network, back);
        }
        forget_guests(network, pending, ATTACH_GUEST);
        if (!entry_log_file_take_back(changes->log, pending->len, changes->pending_length,
                                      &error) ||
            !entry_changes_load(changes, &error) || !follow_names(network, &error))
                log_network_error(network->name, "%s", error->message);
}

static bool is_about_guest(const EntryChange *change)
{
        return change->type == ATTACH_GUEST || change->type == DETACH_GUEST ||
               (change->address && change->address->guest);
}

static void answer(Network *network, const GPtrArray *pending, const GError *error)
{
        NetworkProperty properties = 0;

        for (guint i = 0; i < pending->len; i++) {
                const EntryChange *change = pending->pdata[i];
                properties |= entry_change_is_address(change)   ? NETWORK_PROPERTY_ADDRESSES
                              : entry_change_is_forward(change) ? NETWORK_PROPERTY_FORWARDS
                                                                : NETWORK_PROPERTY_DNS_ENTRIES;
                if (is_about_guest(change))
                        properties |= NETWORK_PROPERTY_GUESTS;
                if (!error)
                        entry_change_tell(network, change);
                entry_change_answer(network, change, error);
        }
        if (!error && properties)
                network_tell(network, properties);
}

static bool has_forward(const GPtrArray *pending)
{
        for (guint i = 0; i < pending->len; i++)
                if (entry_change_is_forward(pending->pdata[i]))
                        return true;
        return false;
}

static bool has_detached(const GPtrArray *pending)
{
        for (guint i = 0; i < pending->len; i++)
                if (((const EntryChange *)pending->pdata[i])->type == DETACH_GUEST)
                        return true;
        return false;
}

static void flush_pending(EntryChanges *changes)
{
        Network *network = changes->network;
        g_autoptr(GPtrArray) pending = g_steal_pointer(&changes->pending);
        g_autoptr(GError) error = NULL;

        changes->pending = g_ptr_array_new_with_free_func((GDestroyNotify)entry_change_free);
        if (changes->flush_id)
                g_source_remove(changes->flush_id);
        changes->flush_id = 0;
        if (pending->len == 0)
                return;

        if (write_files(changes, &error))
                forget_guests(network, pending, DETACH_GUEST);
        else
                take_back(changes, pending);
        if (has_detached(pending))
                guests_have_left(network);
        changes->pending_length = 0;
        if (changes->names_differ || has_forward(pending))
                forwards_follow(network);
        changes->hosts_differ = false;
        changes->names_differ = false;
        guint n_entries = entries_n_addresses(network->config->entries) +
                          entries_n_dns(network->config->entries) + held_entries_n(network->held);
        if (entry_log_file_n_lines(changes->log) > 2 * n_entries + LOG_SPARE_LINES &&
            !entry_log_file_is_shortening(changes->log))
                entry_log_file_shorten(changes->log, short_log(network));
        answer(network, pending, error);
}

static void run_waiting(EntryChanges *changes)
{
        g_autoptr(GPtrArray) waiting = g_steal_pointer(&changes->waiting);

        changes->waiting = g_ptr_array_new();
        for (guint i = 0; i < waiting->len; i++)
                if (entry_change_needs_probe(changes->network, waiting->pdata[i]))
                        operations_queue_entry_change(changes->network, waiting->pdata[i]);
                else
                        entry_changes_run(changes->network, waiting->pdata[i]);
}

void entry_changes_flush_now(EntryChanges *changes)
{
        flush_pending(changes);
        while (changes->waiting->len > 0) {
                run_waiting(changes);
                flush_pending(changes);
        }
}

void entry_changes_flush(Network *network)
{
        if (network->changes)
                entry_changes_flush_now(network->changes);
}

static gboolean flush_when_idle(gpointer data)
{
        Network *network = data;

        network->changes->flush_id = 0;
        network_ref(network); /* an answer may let go of it */
        entry_changes_flush_now(network->changes);
        network_unref(network);
        return G_SOURCE_REMOVE;
}

/* Running them */

static bool has_guest(const GPtrArray *list, const char *id)
{
        for (guint i = 0; i < list->len; i++)
                if (g_strcmp0(guest_of(list->pdata[i]), id) == 0)
                        return true;
        return false;
}

/* Who asks after one that waits for an address gets none before it. */
static bool has_one_that_lacks(const GPtrArray *waiting)
{
        for (guint i = 0; i < waiting->len; i++)
                if (((const EntryChange *)waiting->pdata[i])->lacks_address)
                        return true;
        return false;
}

/* What is under way for a guest can still fail: until then nobody is told that it is so already.
 * One that is detached and attached again comes back to what it had; many of those go as one. */
static bool must_wait(const EntryChanges *changes, const EntryChange *change)
{
        const char *id = guest_of(change);

        return id && (has_guest(changes->pending, id) || has_guest(changes->waiting, id) ||
                      has_one_that_lacks(changes->waiting));
}

/* Whether @change, which is refused for @error, only lacks an address that is not free yet. */
static bool lacks_address(const EntryChange *change, GHashTable *leaving, const GError *error)
{
        return change->type == ATTACH_GUEST && leaving &&
               (g_error_matches(error, SERVICE_ERROR, SERVICE_ERROR_ADDRESS_IN_USE) ||
                g_error_matches(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED));
}

void entry_changes_run(Network *network, gpointer data)
{
        g_autoptr(EntryChange) change = data;
        EntryChanges *changes = network->changes;
        g_autoptr(GError) error = NULL;

        if (change->public_name && !entry_change_choice_matters(network, change)) {
                entry_change_answer(network, change, NULL);
                return;
        }
        if (must_wait(changes, change)) {
                g_ptr_array_add(changes->waiting, g_steal_pointer(&change));
                return;
        }
        g_autoptr(GHashTable) leaving = leaving_addresses(changes);
        bool good = entry_change_check(network, change, leaving, &error);
        change->lacks_address = !good && lacks_address(change, leaving, error);
        if (change->lacks_address) {
                g_ptr_array_add(changes->waiting, g_steal_pointer(&change));
                return;
        }
        if (good && change->is_done && change->type == ATTACH_GUEST)
                good = guests_have_tap(network, change->address->guest, &error);
        if (!good || change->is_done || !make(network, change, &error)) {
                entry_change_answer(network, change, error);
                return;
        }
        changes->hosts_differ |= entry_change_of_hosts(change);
        changes->names_differ |= entry_change_of_names(change);
        g_ptr_array_add(changes->pending, g_steal_pointer(&change));
        if (!changes->flush_id) /* after what else is on the bus now, before anything slower */
                changes->flush_id =
                        g_idle_add_full(G_PRIORITY_HIGH + 1, flush_when_idle, network, NULL);
}
