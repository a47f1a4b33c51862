/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The options of AttachGuest. Those of an address entry are read as such. */

#include "model/guest-wish.h"

#include "model/config.h"
#include "util/error.h"

static const char *const known[] = { "ip",
                                     "mac",
                                     "public_ip",
                                     "mtu",
                                     "owner",
                                     "queues",
                                     "nat_port_range",
                                     "connection_timeout",
                                     "max_connections" };

static bool read_number(const Value *options, const char *key, guint min, guint max,
                        guint *ret_number, bool *ret_given, GError **error)
{
        const Value *value = value_get(options, key);

        *ret_given = value != NULL;
        if (!value || value_get_number(value, min, max, ret_number))
                return true;
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "%s: %s is not a number from %u to %u", key, got, min, max);
        return false;
}

/* An entry has an address; this one may get it later. */
static AddressEntry *read_entry(const Value *options, GError **error)
{
        static const char *const keys[] = { "ip", "mac", "public_ip" };
        g_autoptr(Value) map = value_new_map();

        value_set(map, "ip", value_new_text("0.0.0.0"));
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                const Value *value = value_get(options, keys[i]);
                if (value)
                        value_set(map, keys[i], value_copy(value));
        }
        return address_entry_from_value(map, error);
}

GuestWish *guest_wish_new(const char *id, const Value *options, guint32 caller, GError **error)
{
        g_autoptr(GuestWish) wish = g_new0(GuestWish, 1);
        Guest guest = { .id = (char *)id, .owner = caller, .queues = 1 };

        if (!guest_id_check(id, error) ||
            !value_check_keys(options, "", known, G_N_ELEMENTS(known), error) ||
            !read_number(options, "mtu", CONFIG_MIN_MTU, CONFIG_MAX_MTU, &guest.mtu,
                         &wish->mtu_given, error) ||
            !read_number(options, "owner", 0, G_MAXUINT32 - 1, &guest.owner, &wish->owner_given,
                         error) ||
            !read_number(options, "queues", 1, GUEST_MAX_QUEUES, &guest.queues, &wish->queues_given,
                         error))
                return NULL;
        wish->entry = read_entry(options, error);
        if (!wish->entry)
                return NULL;
        wish->entry->guest = guest_copy(&guest);
        for (Limit limit = 0; limit < LIMIT_MAX; limit++)
                wish->limits_given[limit] = value_get(options, limit_to_string(limit)) != NULL;
        return limits_parse(&wish->entry->limits, options, error) ? g_steal_pointer(&wish) : NULL;
}

bool guest_wish_lay_limits(const GuestWish *wish, AddressEntry *entry)
{
        bool differs_now = false;

        for (Limit limit = 0; limit < LIMIT_MAX; limit++) {
                if (!wish->limits_given[limit] ||
                    limit_equal(&entry->limits, &wish->entry->limits, limit))
                        continue;
                limit_copy(&entry->limits, &wish->entry->limits, limit);
                differs_now = true;
        }
        return differs_now;
}

void guest_wish_free(GuestWish *wish)
{
        if (!wish)
                return;

        address_entry_free(wish->entry);
        g_free(wish);
}

static bool differs(const Guest *guest, const char *key, const char *wished, const char *is,
                    GError **error)
{
        g_autofree char *id = g_strescape(guest->id, NULL);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                    "%s: %s is not what guest \"%s\" is attached with, %s; detach it first", key,
                    wished, id, is);
        return false;
}

static bool number_differs(const Guest *guest, const char *key, guint wished, guint is,
                           GError **error)
{
        g_autofree char *wished_text = g_strdup_printf("%u", wished);
        g_autofree char *is_text = g_strdup_printf("%u", is);
        return differs(guest, key, wished_text, is_text, error);
}

static bool address_differs(const Guest *guest, const char *key, guint32 wished, guint32 is,
                            GError **error)
{
        char wished_text[ADDRESS_TEXT_SIZE], is_text[ADDRESS_TEXT_SIZE];
        return differs(guest, key, address_format(wished, wished_text),
                       is ? address_format(is, is_text) : "none", error);
}

bool guest_wish_check(const GuestWish *wish, const AddressEntry *entry, GError **error)
{
        const AddressEntry *wished = wish->entry;
        const Guest *guest = wished->guest, *is = entry->guest;

        if (wished->ip != 0 && wished->ip != entry->ip)
                return address_differs(is, "ip", wished->ip, entry->ip, error);
        if (wished->mac && g_strcmp0(wished->mac, entry->mac) != 0)
                return differs(is, "mac", wished->mac, entry->mac, error);
        if (wished->public_auto && !entry->public_auto)
                return differs(is, "public_ip", "auto", entry->public_ip ? "another" : "none",
                               error);
        if (wished->public_name && g_strcmp0(wished->public_name, entry->public_name) != 0)
                return differs(is, "public_ip", wished->public_name,
                               entry->public_name ? entry->public_name : "another", error);
        if (wished->public_ip != 0 && wished->public_ip != entry->public_ip)
                return address_differs(is, "public_ip", wished->public_ip, entry->public_ip, error);
        if (wish->mtu_given && guest->mtu != is->mtu)
                return number_differs(is, "mtu", guest->mtu, is->mtu, error);
        if (wish->owner_given && guest->owner != is->owner)
                return number_differs(is, "owner", guest->owner, is->owner, error);
        return !wish->queues_given || guest->queues == is->queues ||
               number_differs(is, "queues", guest->queues, is->queues, error);
}
