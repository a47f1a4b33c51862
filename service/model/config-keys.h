/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The keys of a network's settings: the one table of their names, how each is read from a value,
 * written to one and compared, and what a change of it touches. For config*.c alone. */

#include "model/config.h"

typedef enum ConfigKeyId {
        CONFIG_KEY_INTERFACE,
        CONFIG_KEY_MATCH,
        CONFIG_KEY_CREATE,
        CONFIG_KEY_OWNER,
        CONFIG_KEY_MTU,
        CONFIG_KEY_ISOLATE_GUESTS,
        CONFIG_KEY_SUBNET,
        CONFIG_KEY_GATEWAY_IP,
        CONFIG_KEY_UPSTREAM_INTERFACE,
        CONFIG_KEY_PUBLIC_INTERFACE,
        CONFIG_KEY_NAT_MODE,
        CONFIG_KEY_FILTER,
        CONFIG_KEY_PUBLIC_POOL,
        CONFIG_KEY_NAT_PORT_RANGE,
        CONFIG_KEY_CONNECTION_TIMEOUT,
        CONFIG_KEY_MAX_CONNECTIONS,
        CONFIG_KEY_DHCP_ENABLED,
        CONFIG_KEY_DHCP_RANGE_START,
        CONFIG_KEY_DHCP_RANGE_END,
        CONFIG_KEY_DHCP_LEASE_TIME,
        CONFIG_KEY_DHCP_PING_CHECK,
        CONFIG_KEY_IPV6_SUBNET,
        CONFIG_KEY_IPV6_GATEWAY,
        CONFIG_KEY_IPV6_MODE,
        CONFIG_KEY_IPV6_NAT,
        CONFIG_KEY_ADDRESSES,
        CONFIG_KEY_DNS_SERVERS,
        CONFIG_KEY_DNS_ENTRIES,
        CONFIG_KEY_FORWARDS,
        CONFIG_KEY_DNS_INTERCEPT,
        CONFIG_KEY_LOCAL_NTP,
        CONFIG_KEY_STATE_DIR,
        CONFIG_KEY_DHCP_FORCE,
        CONFIG_KEY_TAKE_DEFAULT_ROUTE,
        CONFIG_KEY_ENABLE_TCPDUMP,
        CONFIG_KEY_TRANSIENT,
        CONFIG_KEY_MAX,
} ConfigKeyId;

#define CONFIG_GIVEN(id) (G_GUINT64_CONSTANT(1) << (id))

typedef struct ConfigType ConfigType;

typedef struct ConfigKey {
        const char *name;
        const ConfigType *type;
        gsize offset;     /* of the field in NetworkConfig */
        guint changes;    /* ConfigChange bits that another value means */
        bool not_in_file; /* only over the bus, and in what we wrote ourselves */
} ConfigKey;

extern const ConfigKey config_keys[CONFIG_KEY_MAX];

struct ConfigType {
        bool (*parse)(NetworkConfig *config, const ConfigKey *key, const Value *value,
                      GError **error);
        Value *(*print)(const void *field); /* NULL: unset */
        bool (*equal)(const void *a, const void *b);
};

/* What the types have in common. The field of @key: */
void *config_field_of(NetworkConfig *config, const ConfigKey *key);
/* Says what is wrong with @value for @key. Returns false. */
bool config_refuse(const ConfigKey *key, const Value *value, const char *complaint, GError **error);
/* The text of @value (borrowed); NULL, with the error, for what is none. */
const char *config_text_of(const ConfigKey *key, const Value *value, GError **error);
/* Whether @value is null or an empty text: follow the default again. */
bool config_is_unset(const Value *value);
/* The key was not given, or is taken back. */
void config_unset(NetworkConfig *config, const ConfigKey *key);
/* A field that is a text: puts @with (taken over) there, prints it, and compares it. */
void config_replace_text(char **text, char *with);
Value *config_print_text(const void *field);
bool config_equal_text(const void *a, const void *b);

/* config-keys-interface.c */
extern const ConfigType config_type_interface, config_type_match, config_type_create,
        config_type_owner, config_type_mtu, config_type_followed;
/* config-keys-nat.c */
extern const ConfigType config_type_nat_mode, config_type_pool, config_type_filter,
        config_type_nat_ports, config_type_timeout, config_type_max_connections;
/* config-keys-value.c */
extern const ConfigType config_type_bool, config_type_subnet, config_type_address,
        config_type_lease_time, config_type_state_dir, config_type_local_ntp, config_type_servers;
/* config-keys-entries.c */
extern const ConfigType config_type_addresses, config_type_dns_entries, config_type_forwards;
/* config-keys-ipv6.c */
extern const ConfigType config_type_subnet6, config_type_address6, config_type_ipv6_mode,
        config_type_ipv6_nat;

/* Reads @value into the field of @id, and remembers that it was given (a null, or an empty text, of
 * a key that stands for "follow the host" takes that back). `interface`, `match`, `create`
 * and `owner` must be read already, in this order.
 * INVALID_ARGS or LIMIT_EXCEEDED, with key, value and position, else. */
bool config_key_parse(NetworkConfig *config, ConfigKeyId id, const Value *value, GError **error);
/* The field of @id as a value (the caller's); NULL when it is unset. */
Value *config_key_print(const NetworkConfig *config, ConfigKeyId id);
bool config_key_equal(const NetworkConfig *a, const NetworkConfig *b, ConfigKeyId id);

/* Whether a network can have an interface of that name. */
bool config_interface_is_valid(const char *name);

/* Refuses a key of @settings that @source does not know. */
bool config_keys_check_known(const Value *settings, ConfigSource source, GError **error);
