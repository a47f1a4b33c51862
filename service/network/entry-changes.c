/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Changes of single entries, made for many a second: each is checked, put into the kernel's maps,
 * appended to the log and remembered in constant time. dnsmasq's files are written once for all the
 * changes that came together, before any of them is answered; where that fails, all of them are
 * taken back. */

#include <string.h>

#include "model/dnsmasq-conf.h"
#include "model/entry-log.h"
#include "network/entry-log-file.h"
#include "network/forwards.h"
#include "network/names-table.h"
#include "network/network-private.h"
#include "network/public.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* A log longer than its entries need is written anew. */
#define LOG_SPARE_LINES 1000

typedef enum EntryChangeType {
        PUT_ADDRESS,
        REMOVE_ADDRESS,
        PUT_DNS,
        REMOVE_DNS,
        PUT_FORWARD,
        REMOVE_FORWARD,
} EntryChangeType;

typedef struct EntryChange {
        EntryChangeType type;
        guint32 ip;                /* REMOVE_ADDRESS */
        char *hostname;            /* REMOVE_DNS */
        AddressEntry *address;     /* PUT_ADDRESS: the new one */
        char *public_name;         /* PUT_ADDRESS: only while an entry has it, the rest as it is */
        DnsEntry *dns;             /* PUT_DNS: the new one */
        Forward *forward;          /* PUT_FORWARD: the new one; REMOVE_FORWARD: which */
        AddressEntry *old_address; /* what was there before */
        DnsEntry *old_dns;
        Forward *old_forward;
        NetworkDone done;
        gpointer data;
} EntryChange;

struct EntryChanges {
        Network *network;
        EntryLogFile *log;
        GPtrArray *pending;   /* EntryChange*, made and not yet in dnsmasq's files */
        gsize pending_length; /* of their lines in the log */
        guint flush_id;
        bool hosts_differ, names_differ;
};

static void entry_change_free(EntryChange *change)
{
        if (!change)
                return;
        address_entry_free(change->address);
        address_entry_free(change->old_address);
        dns_entry_free(change->dns);
        dns_entry_free(change->old_dns);
        forward_free(change->forward);
        forward_free(change->old_forward);
        g_free(change->hostname);
        g_free(change->public_name);
        g_free(change);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EntryChange, entry_change_free)

/* The log */

/* The shortest log that leads to the present entries. */
static char *short_log(const Network *network)
{
        return entry_log_compact(network->configured, network->config->entries);
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
        return changes;
}

bool entry_changes_load(EntryChanges *changes, GError **error)
{
        Network *network = changes->network;
        g_autoptr(Entries) entries = entries_copy(network->configured);
        guint n_bad;

        if (!entry_log_file_load(changes->log, entries, &n_bad, error))
                return false;
        n_bad += config_adopt_entries(network->config, entries);
        if (n_bad > 0)
                log_network_warning(network->name, "%s: %u changes do not fit and were passed over",
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

/* The host */

static bool maps_are_in_force(const Network *network)
{
        return network_is_up(network) && network->config->nat_mode == NAT_MODE_1TO1 &&
               network->record->table;
}

/* The kernel refuses where somebody else has changed the table and we are not told of that yet: it
 * is then made anew, of the entries as they are before this change. */
static bool change_maps(Network *network, NftMapping removed, NftMapping added, GError **error)
{
        Nft *nft = network->host->nft;
        const char *table = network->record->table;
        guint n_removed = removed.public_ip ? 1 : 0;
        guint n_added = added.public_ip ? 1 : 0;

        bool is_twin = network->record->twin != 0;

        if (nft_change_mappings(nft, table, is_twin, &removed, n_removed, &added, n_added, NULL))
                return true;
        return firewall_apply(network, error) &&
               nft_change_mappings(nft, table, is_twin, &removed, n_removed, &added, n_added,
                                   error);
}

/* Exchanges @old for @new_entry (either may be NULL) in the maps and among the public addresses. An
 * address is on only while the maps have it: else the host would answer in the board's place. */
static bool swap_mapping(Network *network, const AddressEntry *old, const AddressEntry *new_entry,
                         GError **error)
{
        guint32 ip = new_entry ? new_entry->ip : old->ip;
        NftMapping removed = { ip, old ? old->public_ip : 0 };
        NftMapping added = { ip, new_entry ? new_entry->public_ip : 0 };

        if (!maps_are_in_force(network) || removed.public_ip == added.public_ip)
                return true;
        if (!public_take_off(network, removed.public_ip, error))
                return false;
        bool exchanged = change_maps(network, removed, added, error);
        if (exchanged && public_put_on(network, added.public_ip, error))
                return true;
        /* As it was; the first error counts. */
        if (exchanged)
                (void)change_maps(network, added, removed, NULL);
        (void)public_put_on(network, removed.public_ip, NULL);
        return false;
}

/* A mapping that went takes its connections with it. */
static void end_connections(Network *network, const AddressEntry *old,
                            const AddressEntry *new_entry)
{
        g_autoptr(GError) error = NULL;

        if (!old || !old->public_ip || (new_entry && new_entry->public_ip == old->public_ip) ||
            !maps_are_in_force(network))
                return;
        if (!conntrack_end_mapping(network->host->conntrack, old->ip, old->public_ip, NULL, &error))
                log_network_warning(network->name, "%s", error->message);
}

/* One change */

static char *log_line(const EntryChange *change)
{
        switch (change->type) {
        case PUT_ADDRESS:
                return change->public_name ? entry_log_line_choose_public(change->address)
                                           : entry_log_line_put_address(change->address);
        case REMOVE_ADDRESS:
                return entry_log_line_remove_address(change->ip);
        case PUT_DNS:
                return entry_log_line_put_dns(change->dns);
        case REMOVE_DNS:
                return entry_log_line_remove_dns(change->hostname);
        case PUT_FORWARD:
                return entry_log_line_put_forward(change->forward);
        case REMOVE_FORWARD:
                return entry_log_line_remove_forward(change->forward);
        }
        g_assert_not_reached();
}

/* The pool's choice for an entry that wants one and has none that it can keep, or what its name was
 * until now. */
static bool choose_public_ip(Network *network, const EntryChange *change, GError **error)
{
        AddressEntry *entry = change->address;
        const NetworkConfig *config = network->config;

        if (entry->public_name && entry->public_ip == 0 && !change->public_name)
                entry->public_ip = entries_choice_of(config->entries, entry);
        if (!entry->public_auto)
                return true;
        g_autoptr(PublicCheck) check = public_check_new(network, error);
        if (!check)
                return false;
        if (entry->public_ip == 0)
                entry->public_ip = entries_choice_of(config->entries, entry);
        if (entry->public_ip == 0 || !public_check(check, entry->public_ip, NULL))
                entry->public_ip = public_choose(check, config, entry, NULL, error);
        return entry->public_ip != 0;
}

static bool check_public_ip(Network *network, const EntryChange *change, GError **error)
{
        guint32 before = change->old_address ? change->old_address->public_ip : 0;

        if (!change->address->public_ip || change->address->public_ip == before)
                return true;
        g_autoptr(PublicCheck) check = public_check_new(network, error);
        return check && public_check(check, change->address->public_ip, error);
}

/* Whether the change may be made; finds what it replaces. */
static bool check(Network *network, EntryChange *change, GError **error)
{
        const Entries *entries = network->config->entries;
        const AddressEntry *address = NULL;
        const DnsEntry *dns = NULL;
        const Forward *forward = NULL;

        switch (change->type) {
        case PUT_ADDRESS:
                address = entries_find_ip(entries, change->address->ip);
                change->old_address = address ? address_entry_copy(address) : NULL;
                return config_check_address(network->config, change->address, error) &&
                       choose_public_ip(network, change, error) &&
                       check_public_ip(network, change, error);
        case REMOVE_ADDRESS:
                address = entries_find_ip(entries, change->ip);
                change->old_address = address ? address_entry_copy(address) : NULL;
                if (!address) {
                        char text[ADDRESS_TEXT_SIZE];
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ADDRESS,
                                    "%s: no entry of %s", network->name,
                                    address_format(change->ip, text));
                }
                return address != NULL;
        case PUT_DNS:
                dns = entries_find_hostname(entries, change->dns->hostname);
                change->old_dns = dns ? dns_entry_copy(dns) : NULL;
                return config_check_dns(network->config, change->dns, error);
        case REMOVE_DNS:
                dns = entries_find_hostname(entries, change->hostname);
                change->old_dns = dns ? dns_entry_copy(dns) : NULL;
                if (!dns)
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ENTRY,
                                    "%s: no DNS entry of %s", network->name, change->hostname);
                return dns != NULL;
        case PUT_FORWARD:
                forward = entries_find_forward(entries, change->forward);
                change->old_forward = forward ? forward_copy(forward) : NULL;
                return config_check_forward(network->config, change->forward, error) &&
                       forwards_check(network, change->forward, error);
        case REMOVE_FORWARD:
                forward = entries_find_forward(entries, change->forward);
                change->old_forward = forward ? forward_copy(forward) : NULL;
                if (!forward) {
                        g_autofree char *what = forward_describe(change->forward);
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_NO_SUCH_ENTRY,
                                    "%s: no forward of %s", network->name, what);
                }
                return forward != NULL;
        }
        g_assert_not_reached();
}

/* Makes the entries what they are after the change. */
static void remember(Network *network, const EntryChange *change)
{
        Entries *entries = network->config->entries;

        switch (change->type) {
        case PUT_ADDRESS:
                entries_put_address(entries, address_entry_copy(change->address));
                return;
        case REMOVE_ADDRESS:
                address_entry_free(entries_take_address(entries, change->ip));
                return;
        case PUT_DNS:
                entries_put_dns(entries, dns_entry_copy(change->dns));
                return;
        case REMOVE_DNS:
                dns_entry_free(entries_take_dns(entries, change->hostname));
                return;
        case PUT_FORWARD:
                entries_put_forward(entries, forward_copy(change->forward));
                return;
        case REMOVE_FORWARD:
                forward_free(entries_take_forward(entries, change->forward));
                return;
        }
        g_assert_not_reached();
}

static bool is_about_address(const EntryChange *change)
{
        return change->type == PUT_ADDRESS || change->type == REMOVE_ADDRESS;
}

static bool is_about_forward(const EntryChange *change)
{
        return change->type == PUT_FORWARD || change->type == REMOVE_FORWARD;
}

/* Makes the kernel what it is to be after the change; with @back, what it was before. */
static bool change_kernel(Network *network, const EntryChange *change, bool back, GError **error)
{
        const AddressEntry *address = change->address, *old_address = change->old_address;
        const Forward *forward = change->type == PUT_FORWARD ? change->forward : NULL;
        const Forward *old_forward = change->old_forward;

        if (is_about_address(change))
                return back ? swap_mapping(network, address, old_address, error)
                            : swap_mapping(network, old_address, address, error);
        if (is_about_forward(change))
                return back ? forwards_exchange(network, forward, old_forward, error)
                            : forwards_exchange(network, old_forward, forward, error);
        return true;
}

/* The change that takes @change back; NULL where it changed nothing that there is a name for. */
static EntryChange *inverse(const EntryChange *change)
{
        EntryChange *back = g_new0(EntryChange, 1);

        if (is_about_address(change)) {
                back->type = change->old_address ? PUT_ADDRESS : REMOVE_ADDRESS;
                back->ip = change->address ? change->address->ip : change->ip;
                if (change->old_address)
                        back->address = address_entry_copy(change->old_address);
                if (change->address)
                        back->old_address = address_entry_copy(change->address);
                return back;
        }
        if (is_about_forward(change)) {
                const Forward *to = change->old_forward ? change->old_forward : change->forward;
                back->type = change->old_forward ? PUT_FORWARD : REMOVE_FORWARD;
                back->forward = forward_copy(to);
                if (change->type == PUT_FORWARD)
                        back->old_forward = forward_copy(change->forward);
                return back;
        }
        back->type = change->old_dns ? PUT_DNS : REMOVE_DNS;
        back->hostname = g_strdup(change->dns ? change->dns->hostname : change->hostname);
        if (change->old_dns)
                back->dns = dns_entry_copy(change->old_dns);
        return back;
}

/* Kernel, log, memory. On an error nothing has changed. */
static bool make(Network *network, const EntryChange *change, GError **error)
{
        g_autofree char *line = log_line(change);

        if (!change_kernel(network, change, false, error))
                return false;
        if (!entry_log_file_append(network->changes->log, line, error)) {
                (void)change_kernel(network, change, true, NULL); /* the first error counts */
                return false;
        }
        network->changes->pending_length += strlen(line);
        remember(network, change);
        if (is_about_address(change))
                end_connections(network, change->old_address, change->address);
        return true;
}

/* Writing dnsmasq's files for all that is pending */

/* Before dnsmasq answers with what they put, the names of the filter have it. */
static bool answer_names(Network *network, const GPtrArray *pending, GError **error)
{
        g_autoptr(FilterAnswers) own = filter_answers_new();

        if (!network_is_up(network) || !names_table_is_wanted(network))
                return true;
        filter_answers_follow(own, network->config->filter);
        for (guint i = 0; i < pending->len; i++) {
                const EntryChange *change = pending->pdata[i];
                if (change->dns)
                        filter_answers_add(own, change->dns->hostname, change->dns->ip);
                if (change->address && change->address->hostname)
                        filter_answers_add(own, change->address->hostname, change->address->ip);
        }
        return names_table_add_own(network, own, error);
}

static bool write_files(EntryChanges *changes, const GPtrArray *pending, GError **error)
{
        Network *network = changes->network;
        const Entries *entries = network->config->entries;
        g_autoptr(GArray) taken = leases_taken_addresses(network);
        g_autofree char *hosts = changes->hosts_differ ? dnsmasq_hosts_text(entries, taken) : NULL;
        g_autofree char *names = changes->names_differ ? dnsmasq_dns_text(entries) : NULL;

        if (!network->dnsmasq || !(hosts || names))
                return true; /* written when it starts */
        if (!answer_names(network, pending, error) ||
            !dnsmasq_write(network->dnsmasq, NULL, hosts, names, error))
                return false;
        dnsmasq_reload(network->dnsmasq);
        return true;
}

static void tell(Network *network, const EntryChange *change)
{
        const NetworkEvents *events = network->events;
        gpointer data = network->events_data;

        switch (change->type) {
        case PUT_ADDRESS:
                events->address(network, change->old_address ? ENTRY_CHANGED : ENTRY_ADDED,
                                change->address, data);
                return;
        case REMOVE_ADDRESS:
                events->address(network, ENTRY_REMOVED, change->old_address, data);
                return;
        case PUT_DNS:
                if (change->old_dns)
                        events->dns(network, ENTRY_REMOVED, change->old_dns, data);
                events->dns(network, ENTRY_ADDED, change->dns, data);
                return;
        case REMOVE_DNS:
                events->dns(network, ENTRY_REMOVED, change->old_dns, data);
                return;
        case PUT_FORWARD:
                if (change->old_forward)
                        events->forward(network, ENTRY_REMOVED, change->old_forward, data);
                events->forward(network, ENTRY_ADDED, change->forward, data);
                return;
        case REMOVE_FORWARD:
                events->forward(network, ENTRY_REMOVED, change->old_forward, data);
                return;
        }
        g_assert_not_reached();
}

/* Last first. Their lines are the log's last ones: they are cut off, which needs no room; what it
 * says then is what there was, in its order. */
static void take_back(EntryChanges *changes, const GPtrArray *pending)
{
        Network *network = changes->network;
        g_autoptr(GError) error = NULL;

        for (guint i = pending->len; i-- > 0;) {
                g_autoptr(EntryChange) back = inverse(pending->pdata[i]);
                g_autoptr(GError) cause = NULL;
                if (!change_kernel(network, back, false, &cause))
                        log_network_error(network->name, "cannot take an entry change back: %s",
                                          cause->message);
                remember(network, back);
                end_connections(network, back->old_address, back->address);
        }
        if (!entry_log_file_take_back(changes->log, pending->len, changes->pending_length,
                                      &error) ||
            !entry_changes_load(changes, &error))
                log_network_error(network->name, "%s", error->message);
}

static void answer(Network *network, const GPtrArray *pending, const GError *error)
{
        NetworkProperty properties = 0;

        for (guint i = 0; i < pending->len; i++) {
                const EntryChange *change = pending->pdata[i];
                properties |= is_about_address(change)   ? NETWORK_PROPERTY_ADDRESSES
                              : is_about_forward(change) ? NETWORK_PROPERTY_FORWARDS
                                                         : NETWORK_PROPERTY_DNS_ENTRIES;
                if (!error)
                        tell(network, change);
                change->done(network, error, change->data);
        }
        if (!error && properties)
                network_tell(network, properties);
}

static bool has_forward(const GPtrArray *pending)
{
        for (guint i = 0; i < pending->len; i++)
                if (is_about_forward(pending->pdata[i]))
                        return true;
        return false;
}

void entry_changes_flush_now(EntryChanges *changes)
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

        if (!write_files(changes, pending, &error))
                take_back(changes, pending);
        changes->pending_length = 0;
        if (changes->names_differ || has_forward(pending))
                forwards_follow(network);
        changes->hosts_differ = false;
        changes->names_differ = false;
        guint n_entries = entries_n_addresses(network->config->entries) +
                          entries_n_dns(network->config->entries);
        if (entry_log_file_n_lines(changes->log) > 2 * n_entries + LOG_SPARE_LINES &&
            !entry_log_file_is_shortening(changes->log))
                entry_log_file_shorten(changes->log, short_log(network));
        answer(network, pending, error);
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

/* An entry without a MAC stands in dhcp-hosts as well: its address is kept out of the pool. */
static bool hosts_line_differs(const EntryChange *change)
{
        return change->address || change->old_address;
}

static bool names_line_differs(const EntryChange *change)
{
        return change->dns || change->old_dns || (change->address && change->address->hostname) ||
               (change->old_address && change->old_address->hostname);
}

/* Whether there still is an entry whose public_ip @change is for, and it has another one. Makes the
 * change one of that entry as it is by now. */
static bool choice_matters(const Network *network, EntryChange *change)
{
        const Entries *entries = network->config->entries;
        const AddressEntry *entry = entries_find_public_name(entries, change->public_name);
        guint32 public_ip = change->address->public_ip;

        if (!entry || entry->public_ip == public_ip)
                return false;
        address_entry_free(change->address);
        change->address = address_entry_copy(entry);
        change->address->public_ip = public_ip;
        return true;
}

void entry_changes_run(Network *network, gpointer data)
{
        g_autoptr(EntryChange) change = data;
        EntryChanges *changes = network->changes;
        g_autoptr(GError) error = NULL;

        if (change->public_name && !choice_matters(network, change)) {
                change->done(network, NULL, change->data);
                return;
        }
        if (!check(network, change, &error) || !make(network, change, &error)) {
                change->done(network, error, change->data);
                return;
        }
        changes->hosts_differ |= hosts_line_differs(change);
        changes->names_differ |= names_line_differs(change);
        g_ptr_array_add(changes->pending, g_steal_pointer(&change));
        if (!changes->flush_id) /* after what else is on the bus now, before anything slower */
                changes->flush_id =
                        g_idle_add_full(G_PRIORITY_HIGH + 1, flush_when_idle, network, NULL);
}

AddressEntry *entry_change_address(gpointer data)
{
        EntryChange *change = data;
        return change->address;
}

bool entry_change_needs_probe(Network *network, gpointer data)
{
        const AddressEntry *entry = entry_change_address(data);

        if (!entry || !(entry->public_ip || entry->public_auto) || !maps_are_in_force(network) ||
            !config_check_address(network->config, entry, NULL))
                return false;
        const AddressEntry *before = entries_find_ip(network->config->entries, entry->ip);
        guint32 wanted = entry->public_ip ? entry->public_ip
                                          : entries_choice_of(network->config->entries, entry);
        return wanted == 0 || !before || before->public_ip != wanted;
}

void entry_change_cancel(Network *network, gpointer data, const GError *error)
{
        g_autoptr(EntryChange) change = data;
        change->done(network, error, change->data);
}

static void submit(Network *network, EntryChange *change)
{
        if (operations_are_idle(network) && !network->removed &&
            !entry_change_needs_probe(network, change))
                entry_changes_run(network, change);
        else
                operations_queue_entry_change(network, change);
}

static EntryChange *entry_change_new(EntryChangeType type, NetworkDone done, gpointer data)
{
        EntryChange *change = g_new0(EntryChange, 1);
        change->type = type;
        change->done = done;
        change->data = data;
        return change;
}

void network_put_address(Network *network, AddressEntry *entry, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_ADDRESS, done, data);
        change->address = entry;
        submit(network, change);
}

void entry_changes_choose_public(Network *network, const char *public_name, guint32 public_ip,
                                 NetworkDone done, gpointer data)
{
        const Entries *entries = network->config->entries;
        const AddressEntry *entry = entries_find_public_name(entries, public_name);

        if (!entry) {
                done(network, NULL, data);
                return;
        }
        EntryChange *change = entry_change_new(PUT_ADDRESS, done, data);
        change->public_name = g_strdup(public_name);
        change->address = address_entry_copy(entry);
        change->address->public_ip = public_ip;
        submit(network, change);
}

void network_remove_address(Network *network, guint32 ip, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_ADDRESS, done, data);
        change->ip = ip;
        submit(network, change);
}

void network_put_dns(Network *network, DnsEntry *entry, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_DNS, done, data);
        change->dns = entry;
        submit(network, change);
}

void network_remove_dns(Network *network, const char *hostname, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_DNS, done, data);
        change->hostname = g_strdup(hostname);
        submit(network, change);
}

void network_put_forward(Network *network, Forward *forward, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(PUT_FORWARD, done, data);
        change->forward = forward;
        submit(network, change);
}

void network_remove_forward(Network *network, Forward *key, NetworkDone done, gpointer data)
{
        EntryChange *change = entry_change_new(REMOVE_FORWARD, done, data);
        change->forward = key;
        submit(network, change);
}
