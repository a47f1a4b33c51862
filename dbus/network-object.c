/* SPDX-License-Identifier: GPL-2.0-or-later */

/* org.jumpstarter.DutNetwork, one object for each network: methods and signals. Its properties are
 * in network-properties.c. */

#include <errno.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/network-properties.h"
#include "dbus/variant.h"
#include "model/name.h"
#include "network/filter-table.h"
#include "util/error.h"
#include "util/log.h"

/* Looks the message's network up and asks whether the caller may. Returns 1 with the network, 0
 * when the handler is to return 1 (it will run again), negative with @error set. */
static int authorize(Bus *bus, sd_bus_message *message, sd_bus_message_handler_t again,
                     Network **ret_network, sd_bus_error *error)
{
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        int r = bus_authorize(bus, message, network, (AuthorityObject){ 0 }, again, error);
        if (r > 0)
                *ret_network = network;
        return r;
}

static int method_up(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;

        int r = authorize(bus, message, method_up, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_up(network, call_network_done, call_new(bus, message));
        return 1;
}

static int method_down(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;

        int r = authorize(bus, message, method_down, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_down(network, call_network_done, call_new(bus, message));
        return 1;
}

static void updated(const GPtrArray *networks, const GError *error, gpointer data)
{
        call_network_done(NULL, error, data);
}

/* Takes @changes. @again: the handler. */
static int update(Bus *bus, sd_bus_message *message, Value *changes, sd_bus_message_handler_t again,
                  sd_bus_error *error)
{
        g_autoptr(Value) given = changes;
        g_autoptr(GError) cause = NULL;
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        g_autoptr(NetworkConfig) config =
                config_with_changes(network_config(network), given, &cause);
        if (!config)
                return bus_error_set(error, cause);
        int r = authorize(bus, message, again, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (!bus_check_changed(bus, message, network_config(network), config, &cause))
                return bus_error_set(error, cause);
        manager_update(bus->manager, network, config, g_steal_pointer(&given), updated,
                       call_new(bus, message));
        return 1;
}

static int method_update(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        g_autoptr(GError) cause = NULL;
        Value *changes = NULL;

        if (!bus_message_network(userdata, message, error))
                return -ENOENT;
        int r = variant_read_map(message, &changes, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        return update(userdata, message, changes, method_update, error);
}

/* Update with one key. */
static int method_set_filter(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        g_autoptr(GError) cause = NULL;
        Value *filter = NULL;

        if (!bus_message_network(userdata, message, error))
                return -ENOENT;
        int r = variant_read_map(message, &filter, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        Value *changes = value_new_map();
        value_set(changes, "filter", filter);
        return update(userdata, message, changes, method_set_filter, error);
}

/* Methods that only read */

static int reply_with(Bus *bus, sd_bus_message *message,
                      int (*append)(sd_bus_message *reply, const Value *value), const Value *value)
{
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append(reply, value);
        if (r >= 0)
                r = sd_bus_send(bus->bus, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static int method_get_status(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;

        int r = authorize(bus, message, method_get_status, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(Value) status = status_of_network(bus, network);
        manager_trim(bus->manager);
        return reply_with(bus, message, variant_append_map, status);
}

static int method_get_ntp_status(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;

        int r = authorize(bus, message, method_get_ntp_status, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(Value) status = status_ntp(network);
        return reply_with(bus, message, variant_append_map, status);
}

static int method_get_leases(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;

        int r = authorize(bus, message, method_get_leases, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(Value) leases = status_leases(network);
        return reply_with(bus, message, variant_append_maps, leases);
}

static int method_get_dut_ip(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(GError) cause = NULL;
        char mac[MAC_TEXT_SIZE], text[ADDRESS_TEXT_SIZE];
        const char *given;
        guint32 ip;

        int r = sd_bus_message_read(message, "s", &given);
        if (r < 0)
                return r;
        if (!mac_parse(given, mac)) {
                g_autofree char *shown = g_strescape(given, NULL);
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS,
                        "mac: \"%s\" is not six pairs of hexadecimal digits with colons", shown);
        }
        r = authorize(bus, message, method_get_dut_ip, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (!network_find_dut(network, mac, &ip, &cause))
                return bus_error_set(error, cause);
        return sd_bus_reply_method_return(message, "s", address_format(ip, text));
}

static int method_get_nat_rules(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(GError) cause = NULL;

        int r = authorize(bus, message, method_get_nat_rules, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autofree char *rules = status_rules(network, &cause);
        return rules ? sd_bus_reply_method_return(message, "s", rules)
                     : bus_error_set(error, cause);
}

static int method_get_filter(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        Network *network;

        int r = authorize(bus, message, method_get_filter, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        g_autoptr(Value) filter = filter_table_counted(network, &cause);
        if (!filter)
                return bus_error_set(error, cause);
        return reply_with(bus, message, variant_append_map, filter);
}

static int method_get_dns_entries(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        sd_bus_message *reply = NULL;

        int r = authorize(bus, message, method_get_dns_entries, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = network_append_dns_entries(reply, network);
        if (r >= 0)
                r = sd_bus_send(bus->bus, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

/* Entries */

static int method_add_address(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(Value) options = NULL;
        g_autoptr(GError) cause = NULL;
        const char *ip;

        int r = sd_bus_message_read(message, "s", &ip);
        if (r >= 0)
                r = variant_read_map(message, &options, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        if (value_get(options, "ip"))
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "ip: given twice, among the options too");
        value_set(options, "ip", value_new_text(ip));
        g_autoptr(AddressEntry) entry = address_entry_from_value(options, &cause);
        if (!entry)
                return bus_error_set(error, cause);
        r = authorize(bus, message, method_add_address, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_put_address(network, g_steal_pointer(&entry), call_network_done,
                            call_new(bus, message));
        return 1;
}

static int method_remove_address(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        const char *text;
        guint32 ip;

        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        if (!address_parse(text, &ip)) {
                g_autofree char *shown = g_strescape(text, NULL);
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "ip: \"%s\" is not an IPv4 address", shown);
        }
        r = authorize(bus, message, method_remove_address, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_remove_address(network, ip, call_network_done, call_new(bus, message));
        return 1;
}

typedef void (*DnsChange)(Network *network, DnsEntry *entry, NetworkDone done, gpointer data);

static int change_dns(sd_bus_message *message, Bus *bus, sd_bus_message_handler_t method,
                      DnsChange change, sd_bus_error *error)
{
        Network *network;
        g_autoptr(GError) cause = NULL;
        const char *hostname, *ip;

        int r = sd_bus_message_read(message, "ss", &hostname, &ip);
        if (r < 0)
                return r;
        g_autoptr(DnsEntry) entry = dns_entry_from_text(hostname, ip, &cause);
        if (!entry)
                return bus_error_set(error, cause);
        r = authorize(bus, message, method, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        change(network, g_steal_pointer(&entry), call_network_done, call_new(bus, message));
        return 1;
}

static int method_add_dns_entry(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return change_dns(message, userdata, method_add_dns_entry, network_put_dns, error);
}

static int method_remove_dns_address(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        return change_dns(message, userdata, method_remove_dns_address, network_remove_dns_address,
                          error);
}

static int method_remove_dns_entry(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        Network *network;
        g_autoptr(GError) cause = NULL;
        const char *text;

        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        g_autofree char *hostname = hostname_normalise(text, &cause);
        if (!hostname) {
                g_prefix_error(&cause, "hostname: ");
                return bus_error_set(error, cause);
        }
        r = authorize(bus, message, method_remove_dns_entry, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_remove_dns(network, hostname, call_network_done, call_new(bus, message));
        return 1;
}

/* Signals */

/* Takes @map. */
static void emit_map(Bus *bus, const Network *network, const char *member, Value *map)
{
        g_autofree char *path = bus_network_path(network_name(network));
        sd_bus_message *signal = NULL;

        int r = sd_bus_message_new_signal(bus->bus, &signal, path, BUS_NETWORK, member);
        if (r >= 0)
                r = variant_append_map(signal, map);
        if (r >= 0)
                r = sd_bus_send(bus->bus, signal, NULL);
        sd_bus_message_unref(signal);
        value_free(map);
        if (r < 0)
                log_network_warning(network_name(network), "cannot emit %s: %s", member,
                                    g_strerror(-r));
}

static void emit_lease(Network *network, LeaseEvent event, const Lease *lease, gpointer data)
{
        static const char *const members[LEASE_EVENT_MAX] = {
                [LEASE_ADDED] = "LeaseAdded",
                [LEASE_CHANGED] = "LeaseChanged",
                [LEASE_REMOVED] = "LeaseRemoved",
        };
        emit_map(data, network, members[event], status_lease(lease));
}

static void emit_address(Network *network, EntryEvent event, const AddressEntry *entry,
                         gpointer data)
{
        static const char *const members[ENTRY_EVENT_MAX] = {
                [ENTRY_ADDED] = "AddressAdded",
                [ENTRY_CHANGED] = "AddressChanged",
                [ENTRY_REMOVED] = "AddressRemoved",
        };
        emit_map(data, network, members[event], address_entry_to_value(entry));
}

static void emit_guest(Network *network, EntryEvent event, const AddressEntry *entry, gpointer data)
{
        const char *member = event == ENTRY_REMOVED ? "GuestDetached" : "GuestAttached";

        emit_map(data, network, member, status_guest(network, entry));
}

static void emit_dns(Network *network, EntryEvent event, const DnsEntry *entry, gpointer data)
{
        Bus *bus = data;
        g_autofree char *path = bus_network_path(network_name(network));
        const char *member = event == ENTRY_REMOVED ? "DnsEntryRemoved" : "DnsEntryAdded";
        char text[ADDRESS6_TEXT_SIZE];

        for (guint family = 0; family < DNS_FAMILIES; family++) {
                const char *ip = dns_entry_address(entry, family, text);
                int r = ip ? sd_bus_emit_signal(bus->bus, path, BUS_NETWORK, member, "ss",
                                                entry->hostname, ip)
                           : 0;
                if (r < 0)
                        log_network_warning(network_name(network), "cannot emit %s: %s", member,
                                            g_strerror(-r));
        }
}

static void emit_forward(Network *network, EntryEvent event, const Forward *forward, gpointer data)
{
        if (event == ENTRY_REMOVED)
                emit_map(data, network, "ForwardRemoved",
                         forward_status(forward, forward->ip, false, NULL));
        else
                emit_map(data, network, "ForwardAdded", network_forward_status(network, forward));
}

static void emit_changed(Network *network, NetworkProperty properties, gpointer data)
{
        Bus *bus = data;

        if (properties & NETWORK_PROPERTY_STATE) {
                connect_state_changed(bus, network);
                capture_state_changed(bus, network);
        }
        if (!bus->manager || manager_find(bus->manager, network_name(network)) != network)
                return; /* not on the bus, or not any more */
        network_properties_emit(bus->bus, network, properties);
}

const NetworkEvents network_object_events = {
        .changed = emit_changed,
        .lease = emit_lease,
        .address = emit_address,
        .guest = emit_guest,
        .dns = emit_dns,
        .forward = emit_forward,
};

#define METHOD SD_BUS_VTABLE_UNPRIVILEGED

const sd_bus_vtable network_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Up", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_up, METHOD),
        SD_BUS_METHOD_WITH_ARGS("Down", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_down, METHOD),
        SD_BUS_METHOD_WITH_ARGS("Update", SD_BUS_ARGS("a{sv}", settings), SD_BUS_NO_RESULT,
                                method_update, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status),
                                method_get_status, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetLeases", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", leases),
                                method_get_leases, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetDutIp", SD_BUS_ARGS("s", mac), SD_BUS_RESULT("s", ip),
                                method_get_dut_ip, METHOD),
        SD_BUS_METHOD_WITH_ARGS("AddAddress", SD_BUS_ARGS("s", ip, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_add_address, METHOD),
        SD_BUS_METHOD_WITH_ARGS("RemoveAddress", SD_BUS_ARGS("s", ip), SD_BUS_NO_RESULT,
                                method_remove_address, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetNatRules", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", rules),
                                method_get_nat_rules, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetFilter", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", filter),
                                method_get_filter, METHOD),
        SD_BUS_METHOD_WITH_ARGS("SetFilter", SD_BUS_ARGS("a{sv}", filter), SD_BUS_NO_RESULT,
                                method_set_filter, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetNtpStatus", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", status),
                                method_get_ntp_status, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetDnsEntries", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", entries),
                                method_get_dns_entries, METHOD),
        SD_BUS_METHOD_WITH_ARGS("AddDnsEntry", SD_BUS_ARGS("s", hostname, "s", ip),
                                SD_BUS_NO_RESULT, method_add_dns_entry, METHOD),
        SD_BUS_METHOD_WITH_ARGS("RemoveDnsEntry", SD_BUS_ARGS("s", hostname), SD_BUS_NO_RESULT,
                                method_remove_dns_entry, METHOD),
        SD_BUS_METHOD_WITH_ARGS("RemoveDnsAddress", SD_BUS_ARGS("s", hostname, "s", ip),
                                SD_BUS_NO_RESULT, method_remove_dns_address, METHOD),
        SD_BUS_METHOD_WITH_ARGS("AddForward", SD_BUS_ARGS("a{sv}", forward), SD_BUS_NO_RESULT,
                                method_add_forward, METHOD),
        SD_BUS_METHOD_WITH_ARGS("RemoveForward", SD_BUS_ARGS("a{sv}", forward), SD_BUS_NO_RESULT,
                                method_remove_forward, METHOD),
        SD_BUS_METHOD_WITH_ARGS("Connect", SD_BUS_ARGS("s", address, "q", port),
                                SD_BUS_RESULT("h", socket), method_connect, METHOD),
        SD_BUS_METHOD_WITH_ARGS("GetConnections", SD_BUS_ARGS("a{sv}", match),
                                SD_BUS_RESULT("aa{sv}", connections), method_get_connections,
                                METHOD),
        SD_BUS_METHOD_WITH_ARGS("ExpireConnections", SD_BUS_ARGS("a{sv}", match),
                                SD_BUS_RESULT("u", n_ended), method_expire_connections, METHOD),
        SD_BUS_METHOD_WITH_ARGS("Capture", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", stream), method_capture, METHOD),
        SD_BUS_METHOD_WITH_ARGS("AttachGuest", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", guest), method_attach_guest, METHOD),
        SD_BUS_METHOD_WITH_ARGS("DetachGuest", SD_BUS_ARGS("s", id), SD_BUS_NO_RESULT,
                                method_detach_guest, METHOD),
        SD_BUS_METHOD_WITH_ARGS("OpenGuest", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("ah", queues), method_open_guest, METHOD),
        SD_BUS_SIGNAL_WITH_ARGS("LeaseAdded", SD_BUS_ARGS("a{sv}", lease), 0),
        SD_BUS_SIGNAL_WITH_ARGS("LeaseChanged", SD_BUS_ARGS("a{sv}", lease), 0),
        SD_BUS_SIGNAL_WITH_ARGS("LeaseRemoved", SD_BUS_ARGS("a{sv}", lease), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AddressAdded", SD_BUS_ARGS("a{sv}", address), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AddressChanged", SD_BUS_ARGS("a{sv}", address), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AddressRemoved", SD_BUS_ARGS("a{sv}", address), 0),
        SD_BUS_SIGNAL_WITH_ARGS("GuestAttached", SD_BUS_ARGS("a{sv}", guest), 0),
        SD_BUS_SIGNAL_WITH_ARGS("GuestDetached", SD_BUS_ARGS("a{sv}", guest), 0),
        SD_BUS_SIGNAL_WITH_ARGS("DnsEntryAdded", SD_BUS_ARGS("s", hostname, "s", ip), 0),
        SD_BUS_SIGNAL_WITH_ARGS("DnsEntryRemoved", SD_BUS_ARGS("s", hostname, "s", ip), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ForwardAdded", SD_BUS_ARGS("a{sv}", forward), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ForwardRemoved", SD_BUS_ARGS("a{sv}", forward), 0),
        NETWORK_PROPERTIES,
        SD_BUS_VTABLE_END,
};
