/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tables of networks, leases and entries, and the status page. Pure: values in, text out. Every
 * text of the service is escaped on its way. */

#include "cli/view.h"

#include "cli/limit-options.h"
#include "cli/map.h"
#include "cli/table.h"
#include "cli/text.h"

#define STATUS_MAX_ROWS    10
#define STATUS_LABEL_WIDTH 12

/* The contract's. */
static const struct {
        const char *name;
        Style style;
} states[] = {
        { "inactive", STYLE_FAINT },     { "waiting", STYLE_WARNING },
        { "activating", STYLE_WARNING }, { "active", STYLE_GOOD },
        { "degraded", STYLE_WARNING },   { "deactivating", STYLE_WARNING },
        { "failed", STYLE_BAD },
};

Style view_state_style(const char *state)
{
        for (guint i = 0; i < G_N_ELEMENTS(states); i++)
                if (g_str_equal(states[i].name, state))
                        return states[i].style;
        return STYLE_PLAIN;
}

const char *view_state_name(guint i)
{
        return i < G_N_ELEMENTS(states) ? states[i].name : NULL;
}

static const Value *item_at(const Value *list, guint i)
{
        return g_ptr_array_index(list->items, i);
}

void view_networks(const Value *networks, const Terminal *terminal, GString *out)
{
        static const Column columns[] = {
                { "INTERFACE" }, { "STATE" }, { "SUBNET" }, { "UPSTREAM" }, { "NAT" }
        };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < networks->items->len; i++) {
                const Value *network = item_at(networks, i);
                const char *state = map_get_text(network, "state");
                table_add(table, map_get_text(network, "interface"));
                table_add_styled(table, view_state_style(state), state);
                table_add(table, map_get_text(network, "subnet"));
                table_add(table, map_get_text(network, "upstream"));
                table_add(table, map_get_text(network, "nat_mode"));
        }
        table_append(table, terminal, 0, 0, out);
}

void view_leases(const Value *leases, gint64 now_sec, const Terminal *terminal, guint indent,
                 guint max_rows, GString *out)
{
        static const Column columns[] = {
                { "MAC" }, { "IP" }, { "HOSTNAME", .is_prose = true }, { "EXPIRES" }
        };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < leases->items->len; i++) {
                const Value *lease = item_at(leases, i);
                const Value *expiry = lease->type == VALUE_MAP ? value_get(lease, "expiry") : NULL;
                g_autofree char *remaining = expiry && expiry->type == VALUE_NUMBER
                                                     ? text_remaining(expiry->number, now_sec)
                                                     : NULL;
                table_add(table, map_get_text(lease, "mac"));
                table_add(table, map_get_text(lease, "ip"));
                table_add(table, map_get_text(lease, "hostname"));
                table_add(table, remaining);
        }
        table_append(table, terminal, indent, max_rows, out);
}

void view_dns_entries(const Value *entries, const Terminal *terminal, guint indent, guint max_rows,
                      GString *out)
{
        static const Column columns[] = { { "HOSTNAME", .is_prose = true }, { "IP" } };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < entries->items->len; i++) {
                const Value *entry = item_at(entries, i);
                table_add(table, map_get_text(entry, "hostname"));
                table_add(table, map_get_text(entry, "ip"));
        }
        table_append(table, terminal, indent, max_rows, out);
}

/* The address, and the name that it was given by. */
static char *public_text(const Value *entry)
{
        const char *ip = map_get_text(entry, "public_ip");
        const char *name = map_get_text(entry, "public_name");

        if (!*name)
                return g_strdup(ip);
        return *ip ? g_strdup_printf("%s (%s)", ip, name) : g_strdup_printf("(%s)", name);
}

/* The text of the number @key; NULL where there is none. The caller's. */
static char *number_text(const Value *map, const char *key)
{
        const Value *number = value_get(map, key);
        bool is_one = number && number->type == VALUE_NUMBER;
        return is_one ? g_strdup_printf("%" G_GINT64_FORMAT, number->number) : NULL;
}

/* Whether any of @items has limits of its own: a column for them is the last one. */
static bool has_limits(const Value *items)
{
        for (guint i = 0; i < items->items->len; i++) {
                g_autofree char *limits = limits_text(item_at(items, i));
                if (*limits)
                        return true;
        }
        return false;
}

static void add_limits(Table *table, const Value *item)
{
        g_autofree char *limits = limits_text(item);

        table_add(table, limits);
}

void view_guests(const Value *guests, const Terminal *terminal, GString *out)
{
        static const Column columns[] = {
                { "ID", .is_prose = true },
                { "TAP" },
                { "IP" },
                { "MAC" },
                { "PUBLIC IP" },
                { "OWNER" },
                { "QUEUES" },
                { "LIMITS", .is_prose = true },
        };
        bool with_limits = has_limits(guests);

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns) - (with_limits ? 0 : 1));
        for (guint i = 0; i < guests->items->len; i++) {
                const Value *guest = item_at(guests, i);
                g_autofree char *owner = number_text(guest, "owner");
                g_autofree char *queues = number_text(guest, "queues");
                table_add(table, map_get_text(guest, "id"));
                table_add(table, map_get_text(guest, "tap_name"));
                table_add(table, map_get_text(guest, "guest_ip"));
                table_add(table, map_get_text(guest, "guest_mac"));
                table_add(table, map_get_text(guest, "public_ip"));
                table_add(table, owner);
                table_add(table, queues);
                if (with_limits)
                        add_limits(table, guest);
        }
        table_append(table, terminal, 0, 0, out);
}

static bool any_has(const Value *list, const char *key)
{
        for (guint i = 0; i < list->items->len; i++)
                if (*map_get_text(item_at(list, i), key))
                        return true;
        return false;
}

void view_addresses(const Value *addresses, const Terminal *terminal, guint indent, guint max_rows,
                    GString *out)
{
        static const Column columns[] = {
                { "IP" },        { "MAC" },  { "HOSTNAME", .is_prose = true },
                { "PUBLIC IP" }, { "IPV6" }, { "LIMITS", .is_prose = true },
        };
        bool with_ipv6 = any_has(addresses, "ipv6"), with_limits = has_limits(addresses);
        Column shown[G_N_ELEMENTS(columns)];
        guint n = 0;

        for (guint i = 0; i < G_N_ELEMENTS(columns); i++)
                if (i < 4 || (i == 4 ? with_ipv6 : with_limits))
                        shown[n++] = columns[i];
        g_autoptr(Table) table = table_new(shown, n);
        for (guint i = 0; i < addresses->items->len; i++) {
                const Value *entry = item_at(addresses, i);
                table_add(table, map_get_text(entry, "ip"));
                table_add(table, map_get_text(entry, "mac"));
                table_add(table, map_get_text(entry, "hostname"));
                g_autofree char *public_ip = public_text(entry);
                table_add(table, public_ip);
                if (with_ipv6)
                        table_add(table, map_get_text(entry, "ipv6"));
                if (with_limits)
                        add_limits(table, entry);
        }
        table_append(table, terminal, indent, max_rows, out);
}

/* A port is a number, a range text. The caller's. */
static char *ports_of(const Value *forward, const char *key)
{
        const Value *ports = value_get(forward, key);

        return ports && ports->type == VALUE_NUMBER
                       ? g_strdup_printf("%" G_GINT64_FORMAT, ports->number)
                       : g_strdup(map_get_text(forward, key));
}

/* "board (192.168.100.10):22" */
static char *target_of(const Value *forward)
{
        const char *ip = map_get_text(forward, "ip"), *name = map_get_text(forward, "hostname");
        g_autofree char *to_ports = ports_of(forward, "to_port");

        if (!*name)
                return g_strdup_printf("%s:%s", ip, to_ports);
        return *ip ? g_strdup_printf("%s (%s):%s", name, ip, to_ports)
                   : g_strdup_printf("%s:%s", name, to_ports);
}

static const char *state_of(const Value *forward)
{
        const Value *in_force = value_get(forward, "in_force");
        const char *fault = map_get_text(forward, "error");

        if (*fault)
                return fault;
        if (in_force && in_force->boolean)
                return "in force";
        return *map_get_text(forward, "ip") ? "not in force" : "no lease or entry of that name";
}

void view_forwards(const Value *forwards, const Terminal *terminal, guint indent, guint max_rows,
                   GString *out)
{
        static const Column columns[] = {
                { "PROTOCOL" }, { "PORT" }, { "TO" }, { "FROM" }, { "STATE", .is_prose = true }
        };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < forwards->items->len; i++) {
                const Value *forward = item_at(forwards, i);
                if (forward->type != VALUE_MAP)
                        continue;
                g_autofree char *ports = ports_of(forward, "port");
                g_autofree char *target = target_of(forward);
                table_add(table, map_get_text(forward, "protocol"));
                table_add(table, ports);
                table_add(table, target);
                table_add(table, map_get_text(forward, "from"));
                table_add(table, state_of(forward));
        }
        table_append(table, terminal, indent, max_rows, out);
}

static void append_title(const Value *status, const Terminal *terminal, GString *out)
{
        const char *state = map_get_text(status, "state");
        const char *name = map_get_text(status, "name");
        const char *nic = map_get_text(status, "interface");
        bool same = !*name || !*nic || g_str_equal(name, nic);
        g_autofree char *both =
                same ? g_strdup(*name ? name : nic) : g_strdup_printf("%s (%s)", name, nic);
        g_autofree char *interface = text_escape(both);
        g_autofree char *shown_state = text_escape(state);

        terminal_append(terminal, out, view_state_style(state), terminal->unicode ? "●" : "*");
        g_string_append_c(out, ' ');
        terminal_append(terminal, out, STYLE_HEADING, interface);
        g_string_append(out, ": ");
        terminal_append(terminal, out, view_state_style(state), shown_state);
        g_string_append_c(out, '\n');
}

/* A line "   Label: text"; none for an empty text. */
static void append_field(const Terminal *terminal, const char *label, Style style, const char *text,
                         GString *out)
{
        if (!*text)
                return;

        g_autofree char *shown = text_escape(text);
        g_string_append_printf(out, "%*s: ", STATUS_LABEL_WIDTH, label);
        terminal_append(terminal, out, style, shown);
        g_string_append_c(out, '\n');
}

static void append_interface(const Value *status, const Terminal *terminal, GString *out)
{
        const Value *link = value_get(status, "interface_status");
        if (!link || link->type != VALUE_MAP)
                return;

        const Value *exists = value_get(link, "exists");
        if (exists && exists->type == VALUE_BOOL && !exists->boolean)
                append_field(terminal, "Interface", STYLE_WARNING, "not there", out);

        const Value *addresses = map_get_list(link, "addresses");
        g_autoptr(GString) all = g_string_new(NULL);
        for (guint i = 0; addresses && i < addresses->items->len; i++) {
                const Value *address = item_at(addresses, i);
                if (address->type == VALUE_TEXT)
                        g_string_append_printf(all, "%s%s", all->len > 0 ? ", " : "",
                                               address->text);
        }
        append_field(terminal, "Address", STYLE_PLAIN, all->str, out);
}

static void append_upstream(const Value *status, const Terminal *terminal, GString *out)
{
        const char *upstream = map_get_text(status, "upstream");
        append_field(terminal, "Upstream", *upstream ? STYLE_PLAIN : STYLE_FAINT,
                     *upstream ? upstream : "none", out);
}

static void append_dhcp(const Value *status, const Value *settings, const Terminal *terminal,
                        GString *out)
{
        const Value *enabled = value_get(status, "dhcp_enabled");
        if (!enabled || enabled->type != VALUE_BOOL)
                return;
        if (!enabled->boolean) {
                append_field(terminal, "DHCP", STYLE_PLAIN, "off", out);
                return;
        }

        const char *start = settings ? map_get_text(settings, "dhcp_range_start") : "";
        g_autofree char *text = *start ? g_strdup_printf("%s to %s, leases of %s", start,
                                                         map_get_text(settings, "dhcp_range_end"),
                                                         map_get_text(settings, "dhcp_lease_time"))
                                       : g_strdup("on");
        append_field(terminal, "DHCP", STYLE_PLAIN, text, out);
}

static void append_list_title(const char *title, const Value *list, const Terminal *terminal,
                              GString *out)
{
        g_autofree char *count = text_count(list->items->len);
        g_autofree char *text = g_strdup_printf("%s (%s)", title, count);
        g_string_append_c(out, '\n');
        terminal_append(terminal, out, STYLE_HEADING, text);
        g_string_append_c(out, '\n');
}

static bool is_worth_showing(const Value *list)
{
        return list && list->items->len > 0;
}

/* What devices make of the network's advertisements, if they go by their MAC. */
static void view_ra_addresses(const Value *addresses, const Terminal *terminal, guint indent,
                              guint max_rows, GString *out)
{
        static const Column columns[] = { { "MAC" }, { "IP" } };

        g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < addresses->items->len; i++) {
                const Value *address = item_at(addresses, i);
                table_add(table, map_get_text(address, "mac"));
                table_add(table, map_get_text(address, "ip"));
        }
        table_append(table, terminal, indent, max_rows, out);
}

static void append_lists(const Value *status, const Value *settings, gint64 now_sec,
                         const Terminal *terminal, GString *out)
{
        guint max_rows = terminal->width > 0 ? STATUS_MAX_ROWS : 0;
        const Value *leases = map_get_list(status, "leases");
        const Value *addresses = settings ? map_get_list(settings, "addresses") : NULL;
        const Value *entries = map_get_list(status, "dns_entries");
        const Value *forwards = map_get_list(status, "forwards");
        const Value *advertised = map_get_list(status, "ra_addresses");

        if (is_worth_showing(leases)) {
                append_list_title("Leases", leases, terminal, out);
                view_leases(leases, now_sec, terminal, 2, max_rows, out);
        }
        if (is_worth_showing(addresses)) {
                append_list_title("Addresses", addresses, terminal, out);
                view_addresses(addresses, terminal, 2, max_rows, out);
        }
        if (is_worth_showing(advertised)) {
                append_list_title("IPv6 by advertisement", advertised, terminal, out);
                view_ra_addresses(advertised, terminal, 2, max_rows, out);
        }
        if (is_worth_showing(entries)) {
                append_list_title("DNS entries", entries, terminal, out);
                view_dns_entries(entries, terminal, 2, max_rows, out);
        }
        if (is_worth_showing(forwards)) {
                append_list_title("Forwards", forwards, terminal, out);
                view_forwards(forwards, terminal, 2, max_rows, out);
        }
}

/* Appends the public addresses of @addresses to @text. */
static void append_public(GString *text, const Value *addresses)
{
        for (guint i = 0; addresses && i < addresses->items->len; i++) {
                const char *ip = map_get_text(addresses->items->pdata[i], "public_ip");
                if (*ip)
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "", ip);
        }
}

/* The host itself has another way to the same addresses: how this network's are reached. */
static void append_twin(const Value *status, const Value *settings, const Terminal *terminal,
                        GString *out)
{
        const Value *twin = value_get(status, "twin");
        g_autoptr(GString) ways = g_string_new(NULL);

        if (!twin || twin->type != VALUE_NUMBER || twin->number == 0)
                return;
        append_public(ways, settings ? map_get_list(settings, "addresses") : NULL);
        g_autofree char *text =
                g_strdup_printf("%s; reached by %s%sdutnetctl -i %s connect ADDRESS PORT",
                                map_get_text(status, "twin_of"), ways->str,
                                ways->len > 0 ? " or " : "", map_get_text(status, "name"));
        append_field(terminal, "Twin of", STYLE_PLAIN, text, out);
}

static void append_ipv6(const Value *status, const Value *settings, const Terminal *terminal,
                        GString *out)
{
        const char *subnet = map_get_text(status, "ipv6_subnet");
        const char *nat = settings ? map_get_text(settings, "ipv6_nat") : "";

        if (!*subnet)
                return;
        g_autofree char *text = g_strdup_printf(
                "%s, gateway %s, %s%s%s", subnet, map_get_text(status, "ipv6_gateway"),
                map_get_text(status, "ipv6_mode"), *nat ? ", " : "", nat);
        append_field(terminal, "IPv6", STYLE_PLAIN, text, out);
}

void view_status(const Value *status, gint64 now_sec, const Terminal *terminal, GString *out)
{
        const Value *settings = value_get(status, "settings");
        if (settings && settings->type != VALUE_MAP)
                settings = NULL;

        append_title(status, terminal, out);
        append_field(terminal, "Error",
                     view_state_style(map_get_text(status, "state")) == STYLE_BAD ? STYLE_BAD
                                                                                  : STYLE_WARNING,
                     map_get_text(status, "error"), out);
        append_interface(status, terminal, out);
        append_field(terminal, "Subnet", STYLE_PLAIN, map_get_text(status, "subnet"), out);
        append_ipv6(status, settings, terminal, out);
        append_twin(status, settings, terminal, out);
        append_upstream(status, terminal, out);
        append_field(terminal, "NAT", STYLE_PLAIN, map_get_text(status, "nat_mode"), out);
        g_autofree char *limits = settings ? limits_text(settings) : g_strdup("");
        append_field(terminal, "Limits", STYLE_PLAIN, limits, out);
        append_dhcp(status, settings, terminal, out);
        append_lists(status, settings, now_sec, terminal, out);
}
