/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the bus has made of the entries, over those that are configured. What does not fit is held,
 * and what is configured stands in its place. */

#include "network/network-private.h"

#include <string.h>

#include "model/entry-log.h"
#include "util/log.h"

static void hold(HeldEntries *held, char *line)
{
        g_autofree char *own = line;
        (void)held_entries_put(held, own, strlen(own) - 1); /* all but guests, which are refused */
}

static void hold_address(NetworkConfig *config, const AddressEntry *entry,
                         const AddressEntry *configured, HeldEntries *held)
{
        if (entries_find_ip(config->entries, entry->ip) || entry->guest)
                return;
        if (configured && address_entry_equal(configured, entry)) /* not the bus's */
                return;
        hold(held, entry_log_line_put_address(entry));
        if (configured && config_check_address(config, configured, NULL))
                entries_put_address(config->entries, address_entry_copy(configured));
}

static void hold_forward(NetworkConfig *config, const Forward *forward, const Forward *configured,
                         HeldEntries *held)
{
        if (entries_find_forward(config->entries, forward))
                return;
        if (configured && forward_equal(configured, forward)) /* not the bus's */
                return;
        hold(held, entry_log_line_put_forward(forward));
        if (configured && config_check_forward(config, configured, NULL))
                entries_put_forward(config->entries, forward_copy(configured));
}

/* There is no name that does not fit a network but for want of room. */
void entry_overlay_adopt(NetworkConfig *config, const Entries *entries, const Entries *configured,
                         HeldEntries *held)
{
        const GPtrArray *forwards = entries_forwards(entries);

        if (config_adopt_entries(config, entries) == 0)
                return;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                const AddressEntry *entry = entries_address_at(entries, i);
                hold_address(config, entry, entries_find_ip(configured, entry->ip), held);
        }
        for (guint i = 0; i < forwards->len; i++)
                hold_forward(config, forwards->pdata[i],
                             entries_find_forward(configured, forwards->pdata[i]), held);
}

static void replay(const char *text, Entries *entries, HeldEntries *held)
{
        guint n_bad;
        (void)entry_log_replay_holding(text, strlen(text), entries, held, &n_bad); /* our own */
}

HeldEntries *entry_overlay(const Network *network, NetworkConfig *config)
{
        g_autofree char *log = entry_log_compact(network->configured, network->config->entries);
        g_autofree char *waiting = held_entries_text(network->held, "");
        g_autoptr(Entries) configured = entries_copy(config->entries);
        g_autoptr(Entries) entries = entries_copy(config->entries);
        HeldEntries *held = held_entries_new();

        replay(log, entries, held);
        replay(waiting, entries, held);
        entry_overlay_adopt(config, entries, configured, held);
        return held;
}

void entry_overlay_tell(const Network *network, const HeldEntries *held, const HeldEntries *before)
{
        g_autofree char *names = held_entries_describe(held, before);

        if (names)
                log_network_warning(network->name,
                                    "made over the bus, but does not fit the configuration, and "
                                    "waits for one that it fits: %s",
                                    names);
}
