/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What a monitor tells after the service has been away: the differences, each as the signal it
 * would have been. */

#include "cli/picture.h"

#include "cli/connection.h"
#include "cli/json.h"

static Value *lease_new(const char *ip, const char *mac, gint64 expiry)
{
        Value *lease = value_new_map();
        value_set(lease, "mac", value_new_text(mac));
        value_set(lease, "ip", value_new_text(ip));
        value_set(lease, "expiry", value_new_number(expiry));
        return lease;
}

/* Up to two leases, NULL for none; taken. */
static Value *properties_new(const char *state, Value *first, Value *second)
{
        Value *properties = value_new_map();
        Value *leases = value_new_list();
        if (first)
                value_append(leases, first);
        if (second)
                value_append(leases, second);
        value_set(properties, "State", value_new_text(state));
        value_set(properties, "DhcpEnabled", value_new_bool(true));
        value_set(properties, "Leases", leases);
        return properties;
}

/* Takes @properties. */
static void add_object(Value *objects, const char *path, Value *properties)
{
        Value *interfaces = value_new_map();
        value_set(interfaces, "org.freedesktop.DBus.Peer", value_new_map());
        value_set(interfaces, NETWORK_INTERFACE, properties);
        value_set(objects, path, interfaces);
}

static Value *one_network(Value *properties)
{
        Value *objects = value_new_map();
        value_set(objects, MANAGER_PATH, value_new_map());
        add_object(objects, MANAGER_PATH "/eth1", properties);
        return objects;
}

static void write_down(const Signal *signal, gpointer data)
{
        GString *told = data;
        const Value *lease = value_get(signal->arguments, "lease");
        const Value *properties = value_get(signal->arguments, "properties");
        const Value *shown = lease ? lease : properties;
        g_autofree char *text = shown ? json_format(shown, JSON_LINE) : g_strdup("");
        g_string_append_printf(told, "%s %s %s\n", signal->interface, signal->member, text);
}

/* Takes @objects. */
static void assert_told(Picture *picture, Value *objects, const char *expected)
{
        g_autoptr(GString) told = g_string_new(NULL);
        picture_update(picture, objects, write_down, told);
        g_assert_cmpstr(told->str, ==, expected);
        value_free(objects);
}

static Picture *picture_of(Value *objects)
{
        Picture *picture = picture_new();
        picture_update(picture, objects, NULL, NULL);
        value_free(objects);
        return picture;
}

static void test_same(void)
{
        g_autoptr(Picture) picture = picture_of(
                one_network(properties_new("active", lease_new("10.0.0.2", "a", 5), NULL)));
        assert_told(picture,
                    one_network(properties_new("active", lease_new("10.0.0.2", "a", 5), NULL)), "");
}

static void test_networks(void)
{
        g_autoptr(Picture) picture = picture_new();
        assert_told(picture,
                    one_network(properties_new("active", lease_new("10.0.0.2", "a", 5), NULL)),
                    "eth1 InterfacesAdded \n"
                    "eth1 PropertiesChanged {\"State\": \"active\", \"DhcpEnabled\": true}\n"
                    "eth1 LeaseAdded {\"mac\": \"a\", \"ip\": \"10.0.0.2\", \"expiry\": 5}\n");
        assert_told(picture, value_new_map(), "eth1 InterfacesRemoved \n");
        assert_told(picture, value_new_map(), "");
}

static void test_properties(void)
{
        g_autoptr(Picture) picture = picture_of(one_network(properties_new("active", NULL, NULL)));
        assert_told(picture, one_network(properties_new("failed", NULL, NULL)),
                    "eth1 PropertiesChanged {\"State\": \"failed\"}\n");
        assert_told(picture, one_network(properties_new("failed", NULL, NULL)), "");
}

static void test_leases(void)
{
        g_autoptr(Picture) picture = picture_of(
                one_network(properties_new("active", lease_new("10.0.0.2", "a", 5), NULL)));
        assert_told(picture,
                    one_network(properties_new("active", lease_new("10.0.0.2", "a", 9),
                                               lease_new("10.0.0.3", "b", 5))),
                    "eth1 LeaseChanged {\"mac\": \"a\", \"ip\": \"10.0.0.2\", \"expiry\": 9}\n"
                    "eth1 LeaseAdded {\"mac\": \"b\", \"ip\": \"10.0.0.3\", \"expiry\": 5}\n");
        assert_told(picture,
                    one_network(properties_new("active", lease_new("10.0.0.2", "a", 9), NULL)),
                    "eth1 LeaseRemoved {\"mac\": \"b\", \"ip\": \"10.0.0.3\", \"expiry\": 5}\n");
        assert_told(picture,
                    one_network(properties_new("active", lease_new("10.0.0.2", "c", 9), NULL)),
                    "eth1 LeaseRemoved {\"mac\": \"a\", \"ip\": \"10.0.0.2\", \"expiry\": 9}\n"
                    "eth1 LeaseAdded {\"mac\": \"c\", \"ip\": \"10.0.0.2\", \"expiry\": 9}\n");
}

/* @key and @value (taken) as the signal's only argument. */
static void apply(Picture *picture, const char *member, const char *key, Value *value)
{
        g_autoptr(Value) arguments = value_new_map();
        value_set(arguments, key, value);
        picture_apply(picture, &(Signal){ member, "eth1", arguments });
}

/* What a signal has told is no news afterwards. */
static void test_signals(void)
{
        g_autoptr(Picture) picture = picture_of(
                one_network(properties_new("active", lease_new("10.0.0.2", "a", 5), NULL)));
        Value *changed = value_new_map();
        value_set(changed, "State", value_new_text("degraded"));
        apply(picture, "PropertiesChanged", "properties", changed);
        apply(picture, "LeaseRemoved", "lease", lease_new("10.0.0.2", "a", 5));
        apply(picture, "LeaseAdded", "lease", lease_new("10.0.0.3", "b", 5));
        apply(picture, "LeaseChanged", "lease", lease_new("10.0.0.3", "b", 9));
        assert_told(picture,
                    one_network(properties_new("degraded", lease_new("10.0.0.3", "b", 9), NULL)),
                    "");

        apply(picture, "InterfacesRemoved", "interfaces", value_new_list());
        apply(picture, "LeaseRemoved", "lease", lease_new("10.0.0.3", "b", 9));
        assert_told(picture, value_new_map(), "");

        Value *interfaces = value_new_map();
        value_set(interfaces, NETWORK_INTERFACE, properties_new("inactive", NULL, NULL));
        apply(picture, "InterfacesAdded", "interfaces", interfaces);
        assert_told(picture, one_network(properties_new("inactive", NULL, NULL)), "");
}

/* A newer service may have more objects. */
static void test_foreign(void)
{
        g_autoptr(Picture) picture = picture_new();
        Value *objects = value_new_map();
        value_set(objects, MANAGER_PATH "/eth1", value_new_text("?"));
        value_set(objects, MANAGER_PATH "/eth2", value_new_map());
        add_object(objects, "/elsewhere", properties_new("active", NULL, NULL));
        assert_told(picture, objects, "");
        assert_told(picture, value_new_text("?"), "");
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/cli/picture/no-difference", test_same);
        g_test_add_func("/cli/picture/networks", test_networks);
        g_test_add_func("/cli/picture/properties", test_properties);
        g_test_add_func("/cli/picture/leases", test_leases);
        g_test_add_func("/cli/picture/what-signals-told", test_signals);
        g_test_add_func("/cli/picture/foreign-objects", test_foreign);
        return g_test_run();
}
