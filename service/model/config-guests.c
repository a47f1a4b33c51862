/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Guests beside the settings: they come and go by themselves, and are no setting. */

#include "model/config.h"

/* Those that were attached when @entries were copied, and have been detached since. */
static void forget_old_guests(Entries *entries, const Entries *now)
{
        for (guint i = entries_n_addresses(entries); i-- > 0;) {
                const AddressEntry *entry = entries_address_at(entries, i);
                const AddressEntry *same =
                        entry->guest ? entries_find_guest(now, entry->guest->id) : NULL;
                if (entry->guest && (!same || !address_entry_equal(same, entry)))
                        address_entry_free(entries_take_address(entries, entry->ip));
        }
}

bool config_keep_guests(NetworkConfig *config, const Entries *before, GError **error)
{
        forget_old_guests(config->entries, before);
        for (guint i = 0; i < entries_n_addresses(before); i++) {
                const AddressEntry *entry = entries_address_at(before, i);
                if (!entry->guest || entries_find_guest(config->entries, entry->guest->id))
                        continue;
                if (!config_check_address(config, entry, error)) {
                        g_autofree char *id = g_strescape(entry->guest->id, NULL);
                        g_prefix_error(error, "guest \"%s\" is attached: ", id);
                        return false;
                }
                entries_put_address(config->entries, address_entry_copy(entry));
        }
        return true;
}
