/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The configuration as an object: made of settings, changed, copied, compared, written out. What a
 * key is lies in config-keys.c, what stands in for it in config-defaults.c, and what goes together
 * in config-check.c. */

#include "model/config.h"

#include "model/config-check.h"
#include "model/config-defaults.h"
#include "model/config-keys.h"
#include "model/tap-owner.h"

/* Keys whose values live in `entries`, which change without being given. */
#define GIVEN_ENTRIES                                                                              \
        (CONFIG_GIVEN(CONFIG_KEY_ADDRESSES) | CONFIG_GIVEN(CONFIG_KEY_DNS_ENTRIES) |               \
         CONFIG_GIVEN(CONFIG_KEY_FORWARDS))

const char *nat_mode_to_string(NatMode mode)
{
        switch (mode) {
        case NAT_MODE_MASQUERADE:
                return "masquerade";
        case NAT_MODE_1TO1:
                return "1to1";
        case NAT_MODE_DISABLED:
                return "disabled";
        case NAT_MODE_NONE:
                return "none";
        case NAT_MODE_MAX:
                break;
        }
        return "unknown";
}

bool nat_mode_forwards(NatMode mode)
{
        return mode == NAT_MODE_MASQUERADE || mode == NAT_MODE_1TO1;
}

const char *create_to_string(Create create)
{
        switch (create) {
        case CREATE_NOTHING:
                return "";
        case CREATE_BRIDGE:
                return "bridge";
        case CREATE_TAP:
                return "tap";
        case CREATE_MAX:
                break;
        }
        return "unknown";
}

static bool name_after_owner(NetworkConfig *config, const Value *settings, GError **error)
{
        g_autofree char *name = tap_owner_interface(config->owner, 0);

        if (config_interface_is_valid(name)) {
                config->interface = g_steal_pointer(&name);
                return true;
        }
        value_set_error(error, settings,
                        "interface: is missing, and \"%s\", after the owner, cannot be one", name);
        return false;
}

/* Sees to it that the network has a name, for the keys that use it. */
static bool config_name(NetworkConfig *config, const Value *settings, GError **error)
{
        if (config->interface)
                return true;
        if (!link_match_is_empty(&config->match)) {
                config->interface = link_match_name(&config->match);
                return true;
        }
        if (config->create == CREATE_TAP && config->owner)
                return name_after_owner(config, settings, error);
        value_set_error(
                error, settings,
                config->create == CREATE_TAP
                        ? "owner: is missing: create: \"tap\" needs the user who may open it"
                        : "interface: is missing, and so is match");
        return false;
}

static bool parse_settings(NetworkConfig *config, const Value *settings, ConfigSource source,
                           GError **error)
{
        if (settings->type != VALUE_MAP) {
                g_autofree char *got = value_describe(settings);
                value_set_error(error, settings, "%s is not a mapping of settings", got);
                return false;
        }
        if (!config_keys_check_known(settings, source, error))
                return false;

        for (ConfigKeyId id = 0; id < CONFIG_KEY_MAX; id++) {
                const Value *value = value_get(settings, config_keys[id].name);
                if (value && !config_key_parse(config, id, value, error))
                        return false;
                if (id == CONFIG_KEY_OWNER && !config_name(config, settings, error))
                        return false;
        }
        return true;
}

/* What the pool chose and has no longer is chosen anew. */
static void forget_choices(NetworkConfig *config)
{
        for (guint i = 0; i < entries_n_addresses(config->entries); i++) {
                const AddressEntry *entry = entries_address_at(config->entries, i);
                if (entry->public_auto &&
                    !public_pool_contains(&config->public_pool, entry->public_ip))
                        entries_choose_public(config->entries, entry->ip, 0);
        }
}

bool config_has_ipv6(const NetworkConfig *config)
{
        return config->ipv6_subnet.prefix > 0;
}

bool config_forwards_ipv6(const NetworkConfig *config)
{
        return config_has_ipv6(config) && nat_mode_forwards(config->nat_mode);
}

void config_keep_choices(NetworkConfig *config, const Entries *before)
{
        entries_keep_choices(config->entries, before);
        forget_choices(config);
}

NetworkConfig *config_new(const Value *settings, ConfigSource source, GError **error)
{
        g_autoptr(NetworkConfig) config = g_new0(NetworkConfig, 1);
        config->dns_servers = g_array_new(FALSE, FALSE, sizeof(guint32));
        config->entries = entries_new();

        if (!parse_settings(config, settings, source, error))
                return NULL;
        config_fill_defaults(config);
        forget_choices(config);
        if (!config_check(config, settings, error))
                return NULL;
        if (source != CONFIG_SOURCE_STATE && (!config_check_complete(config, settings, error) ||
                                              !config_check_filter_rules(config, settings, error)))
                return NULL;
        return g_steal_pointer(&config);
}

static bool refuse_change(const Value *changes, ConfigKeyId id, GError **error)
{
        const Value *value = value_get(changes, config_keys[id].name);
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "%s: cannot be changed to %s", config_keys[id].name, got);
        return false;
}

static bool has_any(const Value *changes, const ConfigKeyId *ids, guint n)
{
        for (guint i = 0; i < n; i++)
                if (value_get(changes, config_keys[ids[i]].name))
                        return true;
        return false;
}

static bool check_changes(const NetworkConfig *old, const NetworkConfig *changed,
                          const Value *changes, GError **error)
{
        static const ConfigKeyId fixed[] = { CONFIG_KEY_INTERFACE, CONFIG_KEY_MATCH,
                                             CONFIG_KEY_CREATE, CONFIG_KEY_OWNER,
                                             CONFIG_KEY_TRANSIENT };

        for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
                if (!config_key_equal(old, changed, fixed[i]))
                        return refuse_change(changes, fixed[i], error);
        if (!config_check(changed, changes, error))
                return false;

        /* A change of something else must not stumble over what was removed earlier. */
        static const ConfigKeyId about_nat[] = { CONFIG_KEY_NAT_MODE, CONFIG_KEY_ADDRESSES };
        static const ConfigKeyId about_filter[] = { CONFIG_KEY_FILTER, CONFIG_KEY_SUBNET,
                                                    CONFIG_KEY_IPV6_SUBNET };
        return (!has_any(changes, about_nat, G_N_ELEMENTS(about_nat)) ||
                config_check_complete(changed, changes, error)) &&
               (!has_any(changes, about_filter, G_N_ELEMENTS(about_filter)) ||
                config_check_filter_rules(changed, changes, error));
}

NetworkConfig *config_with_changes(const NetworkConfig *config, const Value *changes,
                                   GError **error)
{
        g_autoptr(NetworkConfig) changed = config_copy(config);
        g_autoptr(Value) own = NULL;

        if (!config_pass_guests_over(config, changes, &own, error) ||
            !parse_settings(changed, own ? own : changes, CONFIG_SOURCE_BUS, error))
                return NULL;
        config_fill_defaults(changed);
        if (!config_keep_guests(changed, config->entries, error))
                return NULL;
        config_keep_choices(changed, config->entries);
        if (!check_changes(config, changed, changes, error))
                return NULL;
        return g_steal_pointer(&changed);
}

bool config_is_named_after_owner(const NetworkConfig *config)
{
        return config->create == CREATE_TAP &&
               !(config->given & CONFIG_GIVEN(CONFIG_KEY_INTERFACE));
}

NetworkConfig *config_copy(const NetworkConfig *config)
{
        NetworkConfig *copy = g_new(NetworkConfig, 1);
        *copy = *config;
        copy->interface = g_strdup(config->interface);
        copy->match = link_match_copy(&config->match);
        copy->upstream_interface = g_strdup(config->upstream_interface);
        copy->public_interface = g_strdup(config->public_interface);
        copy->owner = g_strdup(config->owner);
        copy->dhcp_lease_time = g_strdup(config->dhcp_lease_time);
        copy->dns_servers = g_array_copy(config->dns_servers);
        copy->state_dir = g_strdup(config->state_dir);
        copy->filter = filter_copy(config->filter);
        copy->entries = entries_copy(config->entries);
        return copy;
}

bool config_equal(const NetworkConfig *a, const NetworkConfig *b)
{
        return config_diff(a, b) == CONFIG_CHANGE_NONE;
}

void config_free(NetworkConfig *config)
{
        if (!config)
                return;

        g_free(config->interface);
        link_match_clear(&config->match);
        g_free(config->owner);
        g_free(config->upstream_interface);
        g_free(config->public_interface);
        g_free(config->dhcp_lease_time);
        g_clear_pointer(&config->dns_servers, g_array_unref);
        g_free(config->state_dir);
        filter_free(config->filter);
        entries_free(config->entries);
        g_free(config);
}

static bool is_worth_printing(const NetworkConfig *config, ConfigKeyId id)
{
        if (config->given & CONFIG_GIVEN(id))
                return true;
        if (id == CONFIG_KEY_ADDRESSES)
                return entries_n_addresses(config->entries) > entries_n_guests(config->entries);
        if (id == CONFIG_KEY_FORWARDS)
                return entries_forwards(config->entries)->len > 0;
        return id == CONFIG_KEY_DNS_ENTRIES && entries_n_dns(config->entries) > 0;
}

Value *config_to_value(const NetworkConfig *config, bool all)
{
        Value *map = value_new_map();
        for (ConfigKeyId id = 0; id < CONFIG_KEY_MAX; id++) {
                if (!all && !is_worth_printing(config, id))
                        continue;
                Value *value = config_key_print(config, id);
                if (value)
                        value_set(map, config_keys[id].name, value);
        }
        return map;
}

static guint adopt_forwards(NetworkConfig *config, const Entries *entries)
{
        const GPtrArray *forwards = entries_forwards(entries);
        guint n_refused = 0;

        for (guint i = 0; i < forwards->len; i++) {
                if (config_check_forward(config, forwards->pdata[i], NULL))
                        entries_put_forward(config->entries, forward_copy(forwards->pdata[i]));
                else
                        n_refused++;
        }
        return n_refused;
}

/* What the pool or the IPv6 subnet does not have any more goes; the rest of the entry stays. */
static AddressEntry *adapted(const NetworkConfig *config, const AddressEntry *entry)
{
        AddressEntry *own = address_entry_copy(entry);

        if (own->public_auto && !public_pool_contains(&config->public_pool, own->public_ip))
                own->public_ip = 0;
        if (!config_check_entry_ipv6(config, own, NULL))
                own->ipv6 = (Address6){ 0 };
        return own;
}

guint config_adopt_entries(NetworkConfig *config, const Entries *entries)
{
        Entries *before = config->entries; /* can be @entries */
        config->entries = entries_new();

        guint n_refused = 0;
        for (guint i = 0; i < entries_n_addresses(entries); i++) {
                g_autoptr(AddressEntry) own = adapted(config, entries_address_at(entries, i));
                if (config_check_address(config, own, NULL))
                        entries_put_address(config->entries, g_steal_pointer(&own));
                else
                        n_refused++;
        }
        for (guint i = 0; i < entries_n_dns(entries); i++) {
                const DnsEntry *entry = entries_dns_at(entries, i);
                if (config_check_dns(config, entry, NULL))
                        entries_put_dns(config->entries, dns_entry_copy(entry));
                else
                        n_refused++;
        }
        n_refused += adopt_forwards(config, entries);
        entries_free(before);
        return n_refused;
}

char *config_changes_lost(const NetworkConfig *base, const NetworkConfig *changed,
                          const NetworkConfig *new_config)
{
        guint64 given = (base->given | changed->given) & ~GIVEN_ENTRIES; /* no mere default */
        g_autoptr(GString) names = g_string_new(NULL);

        for (ConfigKeyId id = 0; id < CONFIG_KEY_MAX; id++)
                if ((given & CONFIG_GIVEN(id)) && !config_key_equal(base, changed, id) &&
                    !config_key_equal(changed, new_config, id))
                        g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
                                               config_keys[id].name);
        return names->len > 0 ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}

ConfigChange config_diff(const NetworkConfig *old, const NetworkConfig *new_config)
{
        guint changes = CONFIG_CHANGE_NONE;
        for (ConfigKeyId id = 0; id < CONFIG_KEY_MAX; id++)
                if (!config_key_equal(old, new_config, id))
                        changes |= config_keys[id].changes;

        if (!filter_equal_names(old->filter, new_config->filter))
                changes |= CONFIG_CHANGE_DNSMASQ;
        if (config_forwards_ipv6(old) != config_forwards_ipv6(new_config)) /* advertised or not */
                changes |= CONFIG_CHANGE_DNSMASQ;
        if ((old->given ^ new_config->given) & ~GIVEN_ENTRIES)
                changes |= CONFIG_CHANGE_OTHER;
        return (ConfigChange)changes;
}
