/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The record as a key file below /run/jumpstarter. It describes this boot's host, and goes with it.
 * Saved before each change that it describes takes effect, so it may name a change that never
 * happened: every undo takes "not there" for success. */

#include "network/record.h"

#include <string.h>

#include "host/ip-address.h"
#include "host/ip6-address.h"
#include "host/route.h"
#include "model/twin.h"
#include "util/file.h"

Record *record_new(void)
{
        Record *record = g_new0(Record, 1);
        record->addresses_found = g_array_new(FALSE, TRUE, sizeof(IpAddress));
        record->routes_found = g_array_new(FALSE, TRUE, sizeof(Route));
        record->ipv6_found = g_array_new(FALSE, TRUE, sizeof(Ip6Address));
        record->public_added = g_array_new(FALSE, TRUE, sizeof(guint32));
        record->wanted_up = true;
        return record;
}

void record_free(Record *record)
{
        if (!record)
                return;
        g_free(record->origin);
        g_free(record->caller);
        g_free(record->interface);
        g_free(record->twin_of);
        nm_held_free(record->held);
        g_free(record->table);
        g_free(record->filter_table);
        g_free(record->filter_interface);
        g_free(record->names_interface);
        g_array_unref(record->addresses_found);
        g_array_unref(record->routes_found);
        g_array_unref(record->ipv6_found);
        g_free(record->public_interface);
        g_array_unref(record->public_added);
        g_free(record->state_dir);
        g_free(record->moving_from);
        g_free(record->moving_to);
        g_free(record->foreign_interface);
        g_free(record->foreign_upstream);
        g_free(record->foreign_public);
        g_free(record->firewalld_zone);
        g_free(record);
}

bool record_is_clean(const Record *record)
{
        return !record->made && !record->guests && !record->taken && !record->table &&
               record->decided_gateway == 0 && !record->filter_table && !record->names_interface &&
               !record->link_found && record->routed == 0 && record->public_added->len == 0 &&
               !record->foreign_upstream && !record->foreign_public && !record->firewalld;
}

char *record_path(const char *run_dir, const char *interface)
{
        g_autofree char *name = g_strdup_printf("%s.journal", interface);
        return g_build_filename(run_dir, name, NULL);
}

static void set_text(GKeyFile *file, const char *group, const char *key, const char *text)
{
        if (text)
                g_key_file_set_string(file, group, key, text);
}

static char *get_text(GKeyFile *file, const char *group, const char *key)
{
        return g_key_file_get_string(file, group, key, NULL);
}

static bool get_bool(GKeyFile *file, const char *group, const char *key)
{
        return g_key_file_get_boolean(file, group, key, NULL);
}

/* Nine numbers and a label. */
#define ADDRESS_FIELDS 10

/* An address with all that the kernel keeps of it, as a list of numbers and its label. */
static void save_address(GKeyFile *file, guint index, const IpAddress *address)
{
        g_autofree char *key = g_strdup_printf("address%u", index);
        g_autofree char *text = g_strdup_printf(
                "%u %u %u %u %u %u %u %u %u %s", address->address, address->prefix,
                address->broadcast, address->scope, address->flags, address->valid_sec,
                address->preferred_sec, address->peer, address->metric, address->label);
        g_key_file_set_string(file, "link", key, text);
        if (address->protocol == 0)
                return;
        g_autofree char *protocol = g_strdup_printf("protocol%u", index);
        g_key_file_set_integer(file, "link", protocol, address->protocol);
}

/* The value of the @index-th @prefix key, as @n_fields fields; NULL after the last one. A value
 * that has another number of fields is an empty list. */
static char **load_fields(GKeyFile *file, const char *prefix, guint index, guint n_fields)
{
        g_autofree char *key = g_strdup_printf("%s%u", prefix, index);
        g_autofree char *text = get_text(file, "link", key);
        g_auto(GStrv) fields = text ? g_strsplit(text, " ", (int)n_fields) : NULL;

        if (fields && g_strv_length(fields) != n_fields)
                return g_new0(char *, 1);
        return g_steal_pointer(&fields);
}

static guint32 number(char **fields, guint index)
{
        return (guint32)g_ascii_strtoull(fields[index], NULL, 10);
}

static void load_addresses(GKeyFile *file, GArray *addresses)
{
        for (guint i = 0;; i++) {
                g_auto(GStrv) fields = load_fields(file, "address", i, ADDRESS_FIELDS);
                if (!fields)
                        return;
                if (!fields[0])
                        continue;
                IpAddress address = {
                        .address = number(fields, 0),
                        .prefix = number(fields, 1),
                        .broadcast = number(fields, 2),
                        .scope = (guint8)number(fields, 3),
                        .flags = number(fields, 4),
                        .valid_sec = number(fields, 5),
                        .preferred_sec = number(fields, 6),
                        .peer = number(fields, 7),
                        .metric = number(fields, 8),
                };
                (void)g_strlcpy(address.label, fields[9], sizeof address.label);
                g_autofree char *protocol = g_strdup_printf("protocol%u", i);
                address.protocol = (guint8)g_key_file_get_integer(file, "link", protocol, NULL);
                g_array_append_val(addresses, address);
        }
}

#define ADDRESS6_FIELDS 9

static void save_address6(GKeyFile *file, guint index, const Ip6Address *address)
{
        char own[ADDRESS6_TEXT_SIZE], peer[ADDRESS6_TEXT_SIZE];
        g_autofree char *key = g_strdup_printf("ipv6-address%u", index);
        g_autofree char *text = g_strdup_printf(
                "%s %u %u %u %u %u %s %u %u", address6_format(&address->address, own),
                address->prefix, address->scope, address->flags, address->valid_sec,
                address->preferred_sec, address6_format(&address->peer, peer), address->metric,
                address->protocol);
        g_key_file_set_string(file, "link", key, text);
}

static void load_addresses6(GKeyFile *file, GArray *addresses)
{
        for (guint i = 0;; i++) {
                g_auto(GStrv) fields = load_fields(file, "ipv6-address", i, ADDRESS6_FIELDS);
                if (!fields)
                        return;
                Ip6Address address = { 0 };
                if (!fields[0] || !address6_parse(fields[0], &address.address) ||
                    !address6_parse(fields[6], &address.peer))
                        continue;
                address.prefix = number(fields, 1);
                address.scope = (guint8)number(fields, 2);
                address.flags = number(fields, 3);
                address.valid_sec = number(fields, 4);
                address.preferred_sec = number(fields, 5);
                address.metric = number(fields, 7);
                address.protocol = (guint8)number(fields, 8);
                g_array_append_val(addresses, address);
        }
}

#define ROUTE_FIELDS 7

static void save_route(GKeyFile *file, guint index, const Route *route)
{
        g_autofree char *key = g_strdup_printf("route%u", index);
        g_autofree char *text = g_strdup_printf(
                "%u %u %u %u %u %u %u", route->destination.network, route->destination.prefix,
                route->gateway, route->source, route->metric, route->protocol, route->scope);
        g_key_file_set_string(file, "link", key, text);
}

static void load_routes(GKeyFile *file, GArray *routes)
{
        for (guint i = 0;; i++) {
                g_auto(GStrv) fields = load_fields(file, "route", i, ROUTE_FIELDS);
                if (!fields)
                        return;
                if (!fields[0])
                        continue;
                Route route = {
                        .destination = { number(fields, 0), number(fields, 1) },
                        .gateway = number(fields, 2),
                        .source = number(fields, 3),
                        .metric = number(fields, 4),
                        .protocol = (guint8)number(fields, 5),
                        .scope = (guint8)number(fields, 6),
                };
                g_array_append_val(routes, route);
        }
}

static void save_public(GKeyFile *file, const Record *record)
{
        g_autofree int *numbers = g_new(int, record->public_added->len + 1);

        set_text(file, "public", "interface", record->public_interface);
        g_key_file_set_integer(file, "public", "index", (int)record->public_index);
        for (guint i = 0; i < record->public_added->len; i++)
                numbers[i] = (int)g_array_index(record->public_added, guint32, i);
        if (record->public_added->len > 0)
                g_key_file_set_integer_list(file, "public", "added", numbers,
                                            record->public_added->len);
}

static void load_public(GKeyFile *file, Record *record)
{
        gsize n = 0;
        g_autofree int *numbers = g_key_file_get_integer_list(file, "public", "added", &n, NULL);

        record->public_interface = get_text(file, "public", "interface");
        record->public_index = (guint)g_key_file_get_integer(file, "public", "index", NULL);
        for (gsize i = 0; i < n; i++) {
                guint32 address = (guint32)numbers[i];
                g_array_append_val(record->public_added, address);
        }
}

static void save_twin(GKeyFile *file, const Record *record)
{
        g_key_file_set_uint64(file, "claim", "subnet", record->decided_subnet.network);
        g_key_file_set_uint64(file, "claim", "prefix", record->decided_subnet.prefix);
        g_key_file_set_uint64(file, "claim", "gateway", record->decided_gateway);
        g_key_file_set_uint64(file, "claim", "twin", record->twin);
        set_text(file, "claim", "twin-of", record->twin_of);
        g_key_file_set_boolean(file, "claim", "twin-of-host", record->twin_of_host);
        g_key_file_set_int64(file, "claim", "twin-since", record->twin_since_usec);
        if (record->left_subnet.prefix > 0) {
                g_autofree char *left = subnet_to_string(&record->left_subnet);
                g_key_file_set_string(file, "claim", "left", left);
        }
        g_key_file_set_uint64(file, "routes", "made", record->routed);
        g_key_file_set_boolean(file, "routes", "main", record->main_route);
}

static guint load_number(GKeyFile *file, const char *group, const char *key)
{
        guint64 value = g_key_file_get_uint64(file, group, key, NULL);

        return value <= TWIN_NUMBER_MAX ? (guint)value : 0;
}

static void load_twin(GKeyFile *file, Record *record)
{
        record->decided_subnet.network =
                (guint32)g_key_file_get_uint64(file, "claim", "subnet", NULL);
        record->decided_subnet.prefix = (guint)g_key_file_get_uint64(file, "claim", "prefix", NULL);
        record->decided_gateway = (guint32)g_key_file_get_uint64(file, "claim", "gateway", NULL);
        record->twin = load_number(file, "claim", "twin");
        record->twin_of = get_text(file, "claim", "twin-of");
        record->twin_of_host = get_bool(file, "claim", "twin-of-host");
        record->twin_since_usec = g_key_file_get_int64(file, "claim", "twin-since", NULL);
        g_autofree char *left = get_text(file, "claim", "left");
        if (left && !subnet_parse(left, &record->left_subnet, NULL))
                record->left_subnet = (Subnet){ 0 };
        record->routed = load_number(file, "routes", "made");
        record->main_route = get_bool(file, "routes", "main");
}

static void set_address6(GKeyFile *file, const char *key, const Address6 *address)
{
        char text[ADDRESS6_TEXT_SIZE];

        if (!address6_is_none(address))
                g_key_file_set_string(file, "ipv6", key, address6_format(address, text));
}

static void get_address6(GKeyFile *file, const char *key, Address6 *address)
{
        g_autofree char *text = get_text(file, "ipv6", key);

        if (text)
                (void)address6_parse(text, address); /* else none, as it was */
}

static void save_ipv6(GKeyFile *file, const Record *record)
{
        set_address6(file, "gateway", &record->ipv6_gateway);
        set_address6(file, "link-local", &record->link_local);
        g_key_file_set_uint64(file, "ipv6", "prefix", record->ipv6_prefix);
        g_key_file_set_boolean(file, "ipv6", "gateway-existed", record->ipv6_existed);
        if (record->ipv6_served.prefix > 0) {
                g_autofree char *served = subnet6_to_string(&record->ipv6_served);
                g_key_file_set_string(file, "ipv6", "served", served);
        }
}

static void load_ipv6(GKeyFile *file, Record *record)
{
        get_address6(file, "gateway", &record->ipv6_gateway);
        get_address6(file, "link-local", &record->link_local);
        record->ipv6_prefix = (guint)g_key_file_get_uint64(file, "ipv6", "prefix", NULL);
        record->ipv6_existed = get_bool(file, "ipv6", "gateway-existed");
        g_autofree char *served = get_text(file, "ipv6", "served");
        if (served && !subnet6_parse(served, &record->ipv6_served, NULL))
                record->ipv6_served = (Subnet6){ 0 };
}

bool record_save(const Record *record, const char *run_dir, const char *interface, GError **error)
{
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autofree char *path = record_path(run_dir, interface);

        set_text(file, "network", "origin", record->origin);
        set_text(file, "network", "caller", record->caller);
        g_key_file_set_boolean(file, "network", "up", record->wanted_up);
        g_key_file_set_boolean(file, "network", "established", record->is_up);
        set_text(file, "network", "interface", record->interface);
        g_key_file_set_integer(file, "network", "index", (int)record->index);
        g_key_file_set_boolean(file, "network", "doomed", record->doomed);

        g_key_file_set_boolean(file, "interface", "made", record->made);
        g_key_file_set_boolean(file, "guests", "there", record->guests);

        g_key_file_set_boolean(file, "hand-over", "taken", record->taken);
        if (record->held) {
                g_key_file_set_boolean(file, "hand-over", "managed", record->held->managed);
                set_text(file, "hand-over", "uuid", record->held->connection_uuid);
                set_text(file, "hand-over", "id", record->held->connection_id);
        }

        set_text(file, "firewall", "table", record->table);
        set_text(file, "firewall", "filter-table", record->filter_table);
        set_text(file, "firewall", "filter-interface", record->filter_interface);
        set_text(file, "firewall", "names-interface", record->names_interface);
        g_key_file_set_boolean(file, "firewall", "limited", record->limited);
        g_key_file_set_boolean(file, "firewall", "answers", record->answers);

        g_key_file_set_boolean(file, "link", "found", record->link_found);
        g_key_file_set_boolean(file, "link", "up", record->link_up);
        for (guint i = 0; i < record->addresses_found->len; i++)
                save_address(file, i, &g_array_index(record->addresses_found, IpAddress, i));
        for (guint i = 0; i < record->routes_found->len; i++)
                save_route(file, i, &g_array_index(record->routes_found, Route, i));
        for (guint i = 0; i < record->ipv6_found->len; i++)
                save_address6(file, i, &g_array_index(record->ipv6_found, Ip6Address, i));
        g_key_file_set_uint64(file, "link", "gateway", record->gateway_ip);
        g_key_file_set_uint64(file, "link", "prefix", record->gateway_prefix);
        g_key_file_set_boolean(file, "link", "gateway-existed", record->gateway_existed);

        save_ipv6(file, record);

        save_twin(file, record);
        save_public(file, record);

        set_text(file, "dnsmasq", "directory", record->state_dir);
        set_text(file, "dnsmasq", "moving-from", record->moving_from);
        set_text(file, "dnsmasq", "moving-to", record->moving_to);

        set_text(file, "firewalls", "interface", record->foreign_interface);
        set_text(file, "firewalls", "upstream", record->foreign_upstream);
        set_text(file, "firewalls", "public", record->foreign_public);
        g_key_file_set_boolean(file, "firewalls", "firewalld", record->firewalld);
        set_text(file, "firewalls", "zone", record->firewalld_zone);

        gsize length;
        g_autofree char *text = g_key_file_to_data(file, &length, NULL);
        return file_update(path, text, (gssize)length, 0644, error);
}

Record *record_load(const char *run_dir, const char *interface, GError **error)
{
        g_autofree char *path = record_path(run_dir, interface);
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(Record) record = record_new();

        if (!g_file_test(path, G_FILE_TEST_EXISTS))
                return NULL;
        if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
                g_prefix_error(error, "%s: ", path);
                return NULL;
        }

        record->origin = g_key_file_get_string(file, "network", "origin", error);
        if (!record->origin) { /* empty, or somebody else's */
                g_prefix_error(error, "%s: ", path);
                return NULL;
        }
        record->caller = get_text(file, "network", "caller");
        record->wanted_up = get_bool(file, "network", "up");
        record->is_up = get_bool(file, "network", "established");
        record->interface = get_text(file, "network", "interface");
        record->index = (guint)g_key_file_get_integer(file, "network", "index", NULL);
        record->doomed = get_bool(file, "network", "doomed");

        record->made = get_bool(file, "interface", "made");
        record->guests = get_bool(file, "guests", "there");

        record->taken = get_bool(file, "hand-over", "taken");
        if (g_key_file_has_key(file, "hand-over", "managed", NULL)) {
                record->held = g_new0(NmHeld, 1);
                record->held->managed = get_bool(file, "hand-over", "managed");
                record->held->connection_uuid = get_text(file, "hand-over", "uuid");
                record->held->connection_id = get_text(file, "hand-over", "id");
        }

        record->table = get_text(file, "firewall", "table");
        record->filter_table = get_text(file, "firewall", "filter-table");
        record->filter_interface = get_text(file, "firewall", "filter-interface");
        record->names_interface = get_text(file, "firewall", "names-interface");
        record->limited = get_bool(file, "firewall", "limited");
        record->answers = get_bool(file, "firewall", "answers");

        record->link_found = get_bool(file, "link", "found");
        record->link_up = get_bool(file, "link", "up");
        load_addresses(file, record->addresses_found);
        load_routes(file, record->routes_found);
        load_addresses6(file, record->ipv6_found);
        record->gateway_ip = (guint32)g_key_file_get_uint64(file, "link", "gateway", NULL);
        record->gateway_prefix = (guint)g_key_file_get_uint64(file, "link", "prefix", NULL);
        record->gateway_existed = get_bool(file, "link", "gateway-existed");

        load_ipv6(file, record);

        load_twin(file, record);
        load_public(file, record);

        record->state_dir = get_text(file, "dnsmasq", "directory");
        record->moving_from = get_text(file, "dnsmasq", "moving-from");
        record->moving_to = get_text(file, "dnsmasq", "moving-to");

        record->foreign_interface = get_text(file, "firewalls", "interface");
        record->foreign_upstream = get_text(file, "firewalls", "upstream");
        record->foreign_public = get_text(file, "firewalls", "public");
        record->firewalld = get_bool(file, "firewalls", "firewalld");
        record->firewalld_zone = get_text(file, "firewalls", "zone");
        return g_steal_pointer(&record);
}
