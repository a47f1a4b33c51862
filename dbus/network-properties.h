/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The properties of org.jumpstarter.DutNetwork: their getters, rows of the vtable, and telling of
 * changes. */

#include <systemd/sd-bus.h>

#include "network/network.h"

/* Emits PropertiesChanged for what @properties stands for. */
void network_properties_emit(sd_bus *bus, const Network *network, NetworkProperty properties);

/* Appends the DNS entries as an a(ss). */
int network_append_dns_entries(sd_bus_message *message, const Network *network);

/* One getter serves all text properties. */
int network_get_text(sd_bus *connection, const char *path, const char *interface,
                     const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *error);
int network_get_dhcp_enabled(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error);
int network_get_addresses(sd_bus *connection, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *error);
int network_get_guests(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error);
int network_get_leases(sd_bus *connection, const char *path, const char *interface,
                       const char *property, sd_bus_message *reply, void *userdata,
                       sd_bus_error *error);
int network_get_dns_entries(sd_bus *connection, const char *path, const char *interface,
                            const char *property, sd_bus_message *reply, void *userdata,
                            sd_bus_error *error);
int network_get_forwards(sd_bus *connection, const char *path, const char *interface,
                         const char *property, sd_bus_message *reply, void *userdata,
                         sd_bus_error *error);

int network_get_connection_count(sd_bus *connection, const char *path, const char *interface,
                                 const char *property, sd_bus_message *reply, void *userdata,
                                 sd_bus_error *error);

#define NETWORK_CONST       SD_BUS_VTABLE_PROPERTY_CONST
#define NETWORK_EMITS       SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define NETWORK_INVALIDATES SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION

/* The vtable's rows, in the order of the introspection file. */
#define NETWORK_PROPERTIES                                                                         \
        SD_BUS_PROPERTY("Name", "s", network_get_text, 0, NETWORK_CONST),                          \
                SD_BUS_PROPERTY("Interface", "s", network_get_text, 0, NETWORK_EMITS),             \
                SD_BUS_PROPERTY("State", "s", network_get_text, 0, NETWORK_EMITS),                 \
                SD_BUS_PROPERTY("Error", "s", network_get_text, 0, NETWORK_EMITS),                 \
                SD_BUS_PROPERTY("Subnet", "s", network_get_text, 0, NETWORK_EMITS),                \
                SD_BUS_PROPERTY("GatewayIp", "s", network_get_text, 0, NETWORK_EMITS),             \
                SD_BUS_PROPERTY("Ipv6Subnet", "s", network_get_text, 0, NETWORK_EMITS),            \
                SD_BUS_PROPERTY("Ipv6Gateway", "s", network_get_text, 0, NETWORK_EMITS),           \
                SD_BUS_PROPERTY("UpstreamInterface", "s", network_get_text, 0, NETWORK_EMITS),     \
                SD_BUS_PROPERTY("PublicInterface", "s", network_get_text, 0, NETWORK_EMITS),       \
                SD_BUS_PROPERTY("NatMode", "s", network_get_text, 0, NETWORK_EMITS),               \
                SD_BUS_PROPERTY("StateDir", "s", network_get_text, 0, NETWORK_EMITS),              \
                SD_BUS_PROPERTY("Origin", "s", network_get_text, 0, NETWORK_EMITS),                \
                SD_BUS_PROPERTY("DhcpEnabled", "b", network_get_dhcp_enabled, 0, NETWORK_EMITS),   \
                SD_BUS_PROPERTY("Addresses", "aa{sv}", network_get_addresses, 0,                   \
                                NETWORK_INVALIDATES),                                              \
                SD_BUS_PROPERTY("Guests", "aa{sv}", network_get_guests, 0, NETWORK_INVALIDATES),   \
                SD_BUS_PROPERTY("Leases", "aa{sv}", network_get_leases, 0, NETWORK_INVALIDATES),   \
                SD_BUS_PROPERTY("DnsEntries", "a(ss)", network_get_dns_entries, 0,                 \
                                NETWORK_INVALIDATES),                                              \
                SD_BUS_PROPERTY("Forwards", "aa{sv}", network_get_forwards, 0,                     \
                                NETWORK_INVALIDATES),                                              \
                SD_BUS_PROPERTY("ConnectionCount", "u", network_get_connection_count, 0,           \
                                SD_BUS_VTABLE_PROPERTY_EXPLICIT)
