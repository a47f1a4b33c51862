/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One network's configuration: the keys of the reference as typed values, checked as a whole. What
 * a caller hands over (a Value) becomes a NetworkConfig here or an error that names key and value;
 * a NetworkConfig that exists has passed every check that needs no host. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/entries.h"
#include "model/filter.h"
#include "model/ipv6.h"
#include "model/nat-limits.h"
#include "model/link-match.h"
#include "model/local-ntp.h"
#include "model/public-pool.h"
#include "model/value.h"

typedef enum NatMode {
        NAT_MODE_MASQUERADE,
        NAT_MODE_1TO1,
        NAT_MODE_DISABLED,
        NAT_MODE_NONE, /* the same as disabled, by the driver's other name */
        NAT_MODE_MAX,
} NatMode;

const char *nat_mode_to_string(NatMode mode);
/* Whether a network of @mode is translated and forwarded at all. */
bool nat_mode_forwards(NatMode mode);

/* What kind of interface the network makes for itself. */
typedef enum Create {
        CREATE_NOTHING, /* it is somebody else's */
        CREATE_BRIDGE,
        CREATE_TAP, /* for one user's program, which opens it */
        CREATE_MAX,
} Create;

/* "" for nothing. */
const char *create_to_string(Create create);

typedef struct NetworkConfig {
        char *interface; /* what the network is called: its NIC's name, unless `match` finds the NIC
                          */
        LinkMatch match;
        Create create;
        char *owner;         /* who may open the TAP (model/tap-owner.h); NULL: none is made */
        guint mtu;           /* of what is made; 0: nothing is */
        bool isolate_guests; /* they reach the host and beyond, not each other */
        Subnet subnet;
        guint32 gateway_ip;
        char *upstream_interface; /* NULL: the default route's, followed */
        char *public_interface;   /* NULL: the upstream */
        NatMode nat_mode;
        Limits limits;          /* of each DUT that has none of its own */
        PublicPool public_pool; /* what entries with public_auto have their public_ip from */
        bool dhcp_enabled;
        guint32 dhcp_range_start, dhcp_range_end;
        char *dhcp_lease_time; /* as dnsmasq takes it: "30m", "12h", "7d", "2w", "infinite" */
        bool dhcp_ping_check;
        Subnet6 ipv6_subnet;   /* prefix 0: no IPv6 */
        Address6 ipv6_gateway; /* none without a subnet */
        Ipv6Mode ipv6_mode;
        Ipv6Nat ipv6_nat;
        GArray *dns_servers; /* guint32 each; empty: the host's own resolvers */
        bool dns_intercept;  /* what boards ask other name servers is asked here */
        LocalNtp local_ntp;
        char *state_dir; /* absolute, no trailing slash, "{interface}" replaced */
        bool dhcp_force;
        bool take_default_route;
        Filter *filter;      /* NULL: all that the NAT mode lets pass */
        bool enable_tcpdump; /* others than root may have Capture */
        bool transient;      /* only over the bus */
        Entries *entries;    /* addresses, dns_entries and forwards */
        guint64 given;       /* a bit for each key of config-keys that was given, not defaulted */
} NetworkConfig;

/* Whether the network has IPv6; whether that is forwarded. */
bool config_has_ipv6(const NetworkConfig *config);
bool config_forwards_ipv6(const NetworkConfig *config);

/* Limits on what a client can make us hold. */
#define CONFIG_MAX_ADDRESSES   65536
#define CONFIG_MAX_DNS_ENTRIES 65536
#define CONFIG_MAX_DNS_SERVERS 32

/* What any host must be able to receive, and the most that a TAP takes. */
#define CONFIG_MIN_MTU 576
#define CONFIG_MAX_MTU 65521

/* Who hands the settings over: decides which keys are known. */
typedef enum ConfigSource {
        CONFIG_SOURCE_FILE, /* no `transient` */
        CONFIG_SOURCE_BUS,
        CONFIG_SOURCE_STATE, /* what we wrote ourselves: may be 1to1 without a public_ip, since
                                those that were given can have been removed since */
        CONFIG_SOURCE_MAX,
} ConfigSource;

/* A configuration from @settings (a MAP). The error (INVALID_ARGS, or LIMIT_EXCEEDED for too many
 * entries) names key and value, with the nearest known key for an unknown one, and has the position
 * where the settings are from a file. */
NetworkConfig *config_new(const Value *settings, ConfigSource source, GError **error);

/* @config with @changes (a MAP of only the keys to change) laid over it: defaults that were not
 * given follow the changed keys; an empty upstream_interface or public_interface is the default
 * again. `interface`, `match`, `create`, `owner` and `transient` cannot change. What the pool chose
 * for entries stays theirs while it is in the pool. Guests stay as they are, whether `addresses`
 * has theirs or not. A new object. Errors as config_new(). */
NetworkConfig *config_with_changes(const NetworkConfig *config, const Value *changes,
                                   GError **error);

/* Whether nobody has said what the network is called, so that it is after the owner of its TAP. */
bool config_is_named_after_owner(const NetworkConfig *config);

NetworkConfig *config_copy(const NetworkConfig *config);
bool config_equal(const NetworkConfig *a, const NetworkConfig *b);
void config_free(NetworkConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NetworkConfig, config_free)

/* The settings as a MAP in the reference's order: only the keys that were given, and the lists of
 * entries where there are any, or, with @all, every key with the value in force (keys that stand
 * for "follow the host", unset, are left out). The caller's. */
Value *config_to_value(const NetworkConfig *config, bool all);

/* One entry as the bus and YAML have it, and back. The MAP has `ip`, and `mac`, `hostname`,
 * `public_ip`, `guest` where known; with `public_auto: true` that is the pool's choice, which is
 * kept while it can be, and "auto" is one that is yet to be made. An unknown key is refused by
 * name. */
Value *address_entry_to_value(const AddressEntry *entry);
AddressEntry *address_entry_from_value(const Value *map, GError **error);
/* @hostname and @ip as text. */
/* The DNS entries as a list, one with an address of either family as two. The caller's. */
Value *config_print_dns_entries(const Entries *entries);
DnsEntry *dns_entry_from_text(const char *hostname, const char *ip, GError **error);

/* Whether @entry may be put into @config's network: inside the subnet, not its network, gateway or
 * broadcast address, a public_ip in 1to1 only, outside the subnet and not special, the pool's
 * choice from the pool, no clash with the other entries, room for one more. INVALID_ARGS or
 * LIMIT_EXCEEDED else. */
bool config_check_address(const NetworkConfig *config, const AddressEntry *entry, GError **error);
bool config_check_dns(const NetworkConfig *config, const DnsEntry *entry, GError **error);
/* Its address inside the subnet, and nobody's but a board's; a nat_mode that forwards; no overlap
 * with another forward; room for its ports. INVALID_ARGS or LIMIT_EXCEEDED else. */
bool config_check_forward(const NetworkConfig *config, const Forward *forward, GError **error);

/* Replaces the entries of @config by those of @entries that may be in its network, in their order;
 * returns how many may not. For entries that were kept while the rest of the settings could
 * change. */
guint config_adopt_entries(NetworkConfig *config, const Entries *entries);

/* Has entries that want an address of the pool keep those that @before has for the same boards, as
 * long as they are in the pool; forgets those that are not. */
void config_keep_choices(NetworkConfig *config, const Entries *before);

/* Guests are attached, and no setting: has @config have those of @before. INVALID_ARGS, with the
 * guest, where one does not go with what is set. */
bool config_keep_guests(NetworkConfig *config, const Entries *before, GError **error);
/* *ret_changes (the caller's) is @changes without the addresses that are of guests, so that a list
 * that was read can be given back; NULL where there are none. Those of guests that are not attached
 * (any more) are passed over; INVALID_ARGS where one that is has another entry. */
bool config_pass_guests_over(const NetworkConfig *config, const Value *changes, Value **ret_changes,
                             GError **error);

/* The keys, by name and with commas, entries aside, whose values in @changed are neither those of
 * @base, from which it was changed, nor those of @new_config; NULL where there are none. The
 * caller's. */
char *config_changes_lost(const NetworkConfig *base, const NetworkConfig *changed,
                          const NetworkConfig *new_config);

/* What a change from @old to @new touches. */
typedef enum ConfigChange {
        CONFIG_CHANGE_NONE = 0,
        CONFIG_CHANGE_ADDRESSES = 1 << 0, /* entries alone: map elements, dhcp-hosts, hosts.local */
        CONFIG_CHANGE_DNS_ENTRIES = 1 << 1, /* hosts.local */
        CONFIG_CHANGE_DNSMASQ = 1 << 2,     /* dnsmasq.conf: ranges, servers, lease time */
        CONFIG_CHANGE_RULES = 1 << 3,       /* the rule set and forwarding: NAT mode, upstream */
        CONFIG_CHANGE_LINK = 1 << 4,        /* gateway address, subnet: everything below it too */
        CONFIG_CHANGE_STATE_DIR = 1 << 5,
        CONFIG_CHANGE_OTHER = 1 << 6,     /* only remembered: dhcp_force, enable_tcpdump */
        CONFIG_CHANGE_TIME = 1 << 7,      /* how time is served */
        CONFIG_CHANGE_INTERFACE = 1 << 8, /* the interface that the network makes */
        CONFIG_CHANGE_GUESTS = 1 << 9,    /* what is the same for all guests */
        CONFIG_CHANGE_FORWARDS = 1 << 10,
} ConfigChange;

ConfigChange config_diff(const NetworkConfig *old, const NetworkConfig *new_config);
