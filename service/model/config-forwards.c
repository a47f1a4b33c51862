/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Forwards beside each other and in their network: within the subnet, where anything is forwarded
 * at all, not more than the kernel is to hold. */

#include "model/config-forwards.h"

#include "model/config-check.h"
#include "util/error.h"

static bool add_forward(Entries *entries, const char *context, const Value *item, GError **error)
{
        g_autoptr(Forward) forward = forward_from_value(context, item, error);

        if (!forward)
                return false;
        if (entries_find_forward(entries, forward)) {
                g_autofree char *text = forward_describe(forward);
                value_set_error(error, item, "%sport: %s is listed twice", context, text);
                return false;
        }
        if (!entries_check_forward(entries, forward, error)) {
                value_prefix_error(error, item, "%s", context);
                return false;
        }
        entries_put_forward(entries, g_steal_pointer(&forward));
        return true;
}

bool config_parse_forwards(Entries *entries, const char *key, const Value *list, GError **error)
{
        g_autofree char *context = g_strconcat(key, ": ", NULL);

        if (list->items->len > FORWARD_MAX) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "%s: %u entries are more than %u", key, list->items->len, FORWARD_MAX);
                value_prefix_error(error, list, "%s", "");
                return false;
        }
        entries_clear_forwards(entries);
        for (guint i = 0; i < list->items->len; i++)
                if (!add_forward(entries, context, list->items->pdata[i], error))
                        return false;
        return true;
}

Value *config_print_forwards(const Entries *entries)
{
        const GPtrArray *forwards = entries_forwards(entries);
        Value *list = value_new_list();

        for (guint i = 0; i < forwards->len; i++)
                value_append(list, forward_to_value(forwards->pdata[i]));
        return list;
}

/* Whether @forward may be in the network, the others aside. */
static bool check_fits(const NetworkConfig *config, const Forward *forward, GError **error)
{
        char text[ADDRESS_TEXT_SIZE];

        if (!nat_mode_forwards(config->nat_mode)) {
                g_autofree char *ports = forward_describe(forward);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "port: %s cannot be forwarded with nat_mode \"%s\", which forwards "
                            "nothing; masquerade and 1to1 do",
                            ports, nat_mode_to_string(config->nat_mode));
                return false;
        }
        if (forward->hostname)
                return true;
        g_autofree char *fault = forward->ip == config->gateway_ip
                                         ? g_strdup("is the gateway_ip")
                                         : config_host_fault(&config->subnet, forward->ip);
        if (!fault)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS, "ip: %s %s",
                    address_format(forward->ip, text), fault);
        return false;
}

/* Those of @entries but the one that @but (may be NULL) would replace. */
static guint count_ports(const Entries *entries, const Forward *but)
{
        const GPtrArray *forwards = entries_forwards(entries);
        guint n = 0;

        for (guint i = 0; i < forwards->len; i++) {
                const Forward *forward = forwards->pdata[i];
                if (!but || !forward_is_same(forward, but))
                        n += port_range_length(&forward->ports);
        }
        return n;
}

static bool too_many(const char *what, guint n, GError **error)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                    "forwards: more than %u %s, which is the most", n, what);
        return false;
}

bool config_check_forwards(const NetworkConfig *config, const Value *settings, GError **error)
{
        const GPtrArray *forwards = entries_forwards(config->entries);
        const Value *list = value_get(settings, "forwards");

        for (guint i = 0; i < forwards->len; i++) {
                if (check_fits(config, forwards->pdata[i], error))
                        continue;
                value_prefix_error(error, list ? list->items->pdata[i] : settings, "forwards: ");
                return false;
        }
        return count_ports(config->entries, NULL) <= FORWARD_MAX_PORTS ||
               too_many("ports", FORWARD_MAX_PORTS, error);
}

bool config_check_forward(const NetworkConfig *config, const Forward *forward, GError **error)
{
        const Entries *entries = config->entries;

        if (!check_fits(config, forward, error) || !entries_check_forward(entries, forward, error))
                return false;
        if (!entries_find_forward(entries, forward) &&
            entries_forwards(entries)->len >= FORWARD_MAX)
                return too_many("of them", FORWARD_MAX, error);
        return count_ports(entries, forward) + port_range_length(&forward->ports) <=
                       FORWARD_MAX_PORTS ||
               too_many("ports", FORWARD_MAX_PORTS, error);
}
