/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The setting `match` as a value. Looking for the NIC is host/link-find.c's. */

#include "model/link-match.h"

#include <string.h>

#include "model/address.h"

/* A path becomes part of files' names. */
#define PATH_MAX_BYTES 128

bool link_match_is_empty(const LinkMatch *match)
{
        return !match->mac && !match->path;
}

static bool refuse(const char *key, const char *name, const Value *value, const char *complaint,
                   GError **error)
{
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "%s: %s: %s %s", key, name, got, complaint);
        return false;
}

static bool parse_mac(const char *key, const Value *value, LinkMatch *match, GError **error)
{
        char mac[MAC_TEXT_SIZE];

        if (value->type != VALUE_TEXT || !mac_parse(value->text, mac))
                return refuse(key, "mac", value, "is not a MAC address", error);
        if (mac_is_multicast(mac) || g_str_equal(mac, "00:00:00:00:00:00"))
                return refuse(key, "mac", value, "is not an address that a NIC can have", error);
        match->mac = g_strdup(mac);
        return true;
}

static bool path_is_valid(const char *path)
{
        gsize length = strlen(path);

        if (length == 0 || length > PATH_MAX_BYTES || path[0] == '.')
                return false;
        for (const char *p = path; *p; p++)
                if (!g_ascii_isalnum(*p) && !strchr(":.-_+@", *p))
                        return false;
        return true;
}

static bool parse_path(const char *key, const Value *value, LinkMatch *match, GError **error)
{
        if (value->type != VALUE_TEXT || value_is_null(value) || !path_is_valid(value->text))
                return refuse(key, "path", value,
                              "is not a device's place: udev's ID_PATH, such as "
                              "\"pci-0000:00:14.0-usb-0:2:1.0\", or the kernel's name of the "
                              "device, such as \"1-2\"",
                              error);
        match->path = g_strdup(value->text);
        return true;
}

bool link_match_parse(const char *key, const Value *value, LinkMatch *match, GError **error)
{
        static const char *const known[] = { "mac", "path" };
        g_autofree char *context = g_strdup_printf("%s: ", key);

        if (value->type != VALUE_MAP || value->items->len == 0) {
                g_autofree char *got = value_describe(value);
                value_set_error(error, value, "%s: %s is not a mapping of mac or path", key, got);
                return false;
        }
        if (!value_check_keys(value, context, known, G_N_ELEMENTS(known), error))
                return false;

        const Value *mac = value_get(value, "mac"), *path = value_get(value, "path");
        return (!mac || parse_mac(key, mac, match, error)) &&
               (!path || parse_path(key, path, match, error));
}

Value *link_match_to_value(const LinkMatch *match)
{
        if (link_match_is_empty(match))
                return NULL;

        Value *map = value_new_map();
        if (match->mac)
                value_set(map, "mac", value_new_text(match->mac));
        if (match->path)
                value_set(map, "path", value_new_text(match->path));
        return map;
}

char *link_match_name(const LinkMatch *match)
{
        if (!match->mac)
                return g_strconcat("path-", match->path, NULL);

        g_auto(GStrv) pairs = g_strsplit(match->mac, ":", -1);
        g_autofree char *digits = g_strjoinv("", pairs);
        return g_strconcat("mac-", digits, match->path ? "-" : NULL, match->path, NULL);
}

bool link_match_equal(const LinkMatch *a, const LinkMatch *b)
{
        return g_strcmp0(a->mac, b->mac) == 0 && g_strcmp0(a->path, b->path) == 0;
}

LinkMatch link_match_copy(const LinkMatch *match)
{
        return (LinkMatch){ .mac = g_strdup(match->mac), .path = g_strdup(match->path) };
}

void link_match_clear(LinkMatch *match)
{
        g_clear_pointer(&match->mac, g_free);
        g_clear_pointer(&match->path, g_free);
}
