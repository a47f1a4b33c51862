/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The types of the keys that say which interface a network is on, which one it makes, and which
 * ones of the host it follows. */

#include "model/config-keys.h"

#include <string.h>

#include "model/name.h"
#include "model/tap-owner.h"

static bool parse_interface_name(NetworkConfig *config, const ConfigKey *key, const Value *value,
                                 GError **error)
{
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;
        if (!interface_name_is_valid(text))
                return config_refuse(
                        key, value,
                        "is not an interface's name: 1 to 15 printable bytes without spaces, "
                        "'/', ':' and '%', and not \"all\" or \"default\"",
                        error);

        config_replace_text(config_field_of(config, key), g_strdup(text));
        return true;
}

/* What dnsmasq's configuration has no way to quote, and has to name. */
#define UNQUOTABLE ",*#\"\\"

bool config_interface_is_valid(const char *name)
{
        return interface_name_is_valid(name) && !strpbrk(name, UNQUOTABLE);
}

/* The network's own. */
static bool parse_interface(NetworkConfig *config, const ConfigKey *key, const Value *value,
                            GError **error)
{
        if (value->type == VALUE_TEXT && strpbrk(value->text, UNQUOTABLE))
                return config_refuse(
                        key, value,
                        "cannot be served: dnsmasq does not take ',', '*', '#', '\"' and '\\'",
                        error);
        return parse_interface_name(config, key, value, error);
}

static bool parse_match(NetworkConfig *config, const ConfigKey *key, const Value *value,
                        GError **error)
{
        LinkMatch match = { 0 };

        if (!link_match_parse(key->name, value, &match, error)) {
                link_match_clear(&match);
                return false;
        }
        link_match_clear(config_field_of(config, key));
        *(LinkMatch *)config_field_of(config, key) = match;
        return true;
}

static Value *print_match(const void *field)
{
        return link_match_to_value(field);
}

static bool equal_match(const void *a, const void *b)
{
        return link_match_equal(a, b);
}

/* Null or empty: nothing. */
static bool parse_create(NetworkConfig *config, const ConfigKey *key, const Value *value,
                         GError **error)
{
        if (config_is_unset(value)) {
                config->create = CREATE_NOTHING;
                config_unset(config, key);
                return true;
        }
        const char *text = config_text_of(key, value, error);
        if (!text)
                return false;

        for (Create create = CREATE_NOTHING + 1; create < CREATE_MAX; create++)
                if (g_str_equal(text, create_to_string(create))) {
                        config->create = create;
                        return true;
                }
        return config_refuse(key, value, "is nothing that can be made: bridge and tap are", error);
}

static Value *print_create(const void *field)
{
        const Create *create = field;
        return *create == CREATE_NOTHING ? NULL : value_new_text(create_to_string(*create));
}

static bool equal_create(const void *a, const void *b)
{
        return *(const Create *)a == *(const Create *)b;
}

/* Null or empty: nobody. A number is a uid. */
static bool parse_owner(NetworkConfig *config, const ConfigKey *key, const Value *value,
                        GError **error)
{
        guint uid;

        if (config_is_unset(value)) {
                config_replace_text(config_field_of(config, key), NULL);
                config_unset(config, key);
                return true;
        }
        if (value_get_number(value, 0, G_MAXUINT32 - 1, &uid)) {
                config_replace_text(config_field_of(config, key), g_strdup_printf("%u", uid));
                return true;
        }
        if (value->type != VALUE_TEXT || !tap_owner_is_valid(value->text))
                return config_refuse(key, value, "is no user: neither a name nor a uid", error);
        config_replace_text(config_field_of(config, key), g_strdup(value->text));
        return true;
}

static bool parse_mtu(NetworkConfig *config, const ConfigKey *key, const Value *value,
                      GError **error)
{
        return value_get_number(value, CONFIG_MIN_MTU, CONFIG_MAX_MTU,
                                config_field_of(config, key)) ||
               config_refuse(key, value, "is not a number of bytes from 576 to 65521", error);
}

/* None where nothing is made. */
static Value *print_mtu(const void *field)
{
        const guint *mtu = field;
        return *mtu == 0 ? NULL : value_new_number(*mtu);
}

static bool equal_mtu(const void *a, const void *b)
{
        return *(const guint *)a == *(const guint *)b;
}

/* Another one, or, if null or empty, whichever the host uses. */
static bool parse_followed(NetworkConfig *config, const ConfigKey *key, const Value *value,
                           GError **error)
{
        if (!config_is_unset(value))
                return parse_interface_name(config, key, value, error);

        config_replace_text(config_field_of(config, key), NULL);
        config_unset(config, key);
        return true;
}

const ConfigType config_type_interface = { parse_interface, config_print_text, config_equal_text };
const ConfigType config_type_match = { parse_match, print_match, equal_match };
const ConfigType config_type_create = { parse_create, print_create, equal_create };
const ConfigType config_type_owner = { parse_owner, config_print_text, config_equal_text };
const ConfigType config_type_mtu = { parse_mtu, print_mtu, equal_mtu };
const ConfigType config_type_followed = { parse_followed, config_print_text, config_equal_text };
