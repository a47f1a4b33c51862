/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Guests beside the settings: they come and go by themselves, and are no setting. */

#include "model/config.h"

#include "model/config-entry.h"
#include "model/config-keys.h"
#include "util/error.h"

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

#define GUEST "guest"

static bool is_of_guest(const Value *item)
{
        return item->type == VALUE_MAP && value_get(item, GUEST);
}

/* @item without whose it is. The caller's. */
static Value *plain(const Value *item)
{
        Value *map = value_new_map();

        for (guint i = 0; i < item->items->len; i++) {
                const Value *key = item->keys->pdata[i];
                if (!g_str_equal(key->text, GUEST))
                        value_set(map, key->text, value_copy(item->items->pdata[i]));
        }
        return map;
}

/* Whether @said is @entry; an address that was chosen for it may be another one by now. */
static bool says(AddressEntry *said, const AddressEntry *entry)
{
        if (address_entry_is_chosen(entry) && address_entry_is_chosen(said))
                said->public_ip = entry->public_ip;
        said->guest = guest_copy(entry->guest);
        return address_entry_equal(said, entry);
}

static bool check_guest(const Entries *entries, const Value *item, GError **error)
{
        const Value *id = value_get(item, GUEST);
        g_autoptr(Value) map = plain(item);
        char text[ADDRESS_TEXT_SIZE];

        if (id->type != VALUE_TEXT) {
                g_autofree char *got = value_describe(id);
                value_set_error(error, id, GUEST ": %s is not text", got);
                return false;
        }
        g_autoptr(AddressEntry) said = address_entry_from_value(map, error);
        if (!said)
                return false;
        const AddressEntry *entry = entries_find_guest(entries, id->text);
        if (!entry || says(said, entry))
                return true;
        g_autofree char *shown = g_strescape(id->text, NULL);
        value_set_error(error, id,
                        GUEST ": \"%s\" has another entry than this one of %s, and AttachGuest "
                              "alone changes it",
                        shown, address_format(said->ip, text));
        return false;
}

static bool has_guests(const Value *list)
{
        for (guint i = 0; i < list->items->len; i++)
                if (is_of_guest(list->items->pdata[i]))
                        return true;
        return false;
}

/* The rest of @list; the caller's. */
static Value *without_guests(const Value *list, const Entries *entries, GError **error)
{
        g_autoptr(Value) rest = value_new_list();

        for (guint i = 0; i < list->items->len; i++) {
                const Value *item = list->items->pdata[i];
                if (!is_of_guest(item))
                        value_append(rest, value_copy(item));
                else if (!check_guest(entries, item, error))
                        return NULL;
        }
        return g_steal_pointer(&rest);
}

bool config_pass_guests_over(const NetworkConfig *config, const Value *changes, Value **ret_changes,
                             GError **error)
{
        const char *key = config_keys[CONFIG_KEY_ADDRESSES].name;
        const Value *list = changes->type == VALUE_MAP ? value_get(changes, key) : NULL;

        *ret_changes = NULL;
        if (!list || list->type != VALUE_LIST || !has_guests(list))
                return true;
        Value *rest = without_guests(list, config->entries, error);
        if (!rest) {
                g_prefix_error(error, "%s: ", key);
                return false;
        }
        *ret_changes = value_copy(changes);
        value_set(*ret_changes, key, rest);
        return true;
}
