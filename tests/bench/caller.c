/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Building a message and reading its reply count as part of a call, as they do for any caller. */

#include "bench/caller.h"

#include <unistd.h>

#include "bench/bench.h"
#include "bench/program.h"

#define MANAGER_PATH      "/org/jumpstarter/DutNetwork"
#define MANAGER_INTERFACE "org.jumpstarter.DutNetwork.Manager"
#define NETWORK_INTERFACE "org.jumpstarter.DutNetwork"

#define BUS_NAME      "org.freedesktop.DBus"
#define BUS_PATH      "/org/freedesktop/DBus"
#define BUS_INTERFACE "org.freedesktop.DBus"

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ACTION    "org.jumpstarter.DutNetwork.edit-addresses"

#define TIMEOUT_USEC (60 * G_USEC_PER_SEC)

void call_check(int r, const char *attempt)
{
        if (r < 0)
                bench_die("%s: %s", attempt, g_strerror(-r));
}

/* The bus asks the kernel who connects: the effective user at that moment. */
sd_bus *caller_connect(const char *user)
{
        sd_bus *bus;

        if (user && seteuid(user_id(user)) < 0)
                bench_die("cannot become %s", user);
        call_check(sd_bus_open_system(&bus), "connect to the bus");
        call_check(sd_bus_get_unique_name(bus, &(const char *){ NULL }), "greet the bus");
        if (user && seteuid(0) < 0)
                bench_die("cannot become root again");
        return bus;
}

sd_bus_message *call_send(sd_bus *bus, sd_bus_message *message)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply;

        int r = sd_bus_call(bus, message, TIMEOUT_USEC, &error, &reply);
        if (r < 0)
                bench_die("%s: %s", sd_bus_message_get_member(message),
                          error.message ? error.message : g_strerror(-r));
        sd_bus_message_unref(message);
        return reply;
}

static sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface,
                                const char *member)
{
        sd_bus_message *message;
        call_check(sd_bus_message_new_method_call(bus, &message, SERVICE_NAME, path, interface,
                                                  member),
                   member);
        return message;
}

static void send_and_forget(sd_bus *bus, sd_bus_message *message)
{
        sd_bus_message_unref(call_send(bus, message));
}

static void append_entries(sd_bus_message *message, const NetworkSpec *spec)
{
        int r = sd_bus_message_open_container(message, 'e', "sv");

        r = r < 0 ? r : sd_bus_message_append(message, "s", "addresses");
        r = r < 0 ? r : sd_bus_message_open_container(message, 'v', "aa{sv}");
        r = r < 0 ? r : sd_bus_message_open_container(message, 'a', "a{sv}");
        for (guint i = 0; i < spec->n_entries && r >= 0; i++) {
                PlanEntry entry = plan_entry(i);
                r = spec->one_to_one
                            ? sd_bus_message_append(message, "a{sv}", 4, "ip", "s", entry.ip, "mac",
                                                    "s", entry.mac, "hostname", "s", entry.hostname,
                                                    "public_ip", "s", entry.public_ip)
                            : sd_bus_message_append(message, "a{sv}", 3, "ip", "s", entry.ip, "mac",
                                                    "s", entry.mac, "hostname", "s",
                                                    entry.hostname);
        }
        for (guint i = 0; i < 3; i++)
                r = r < 0 ? r : sd_bus_message_close_container(message);
        call_check(r, "append entries");
}

void call_create_network(sd_bus *bus, const NetworkSpec *spec)
{
        sd_bus_message *message = new_call(bus, MANAGER_PATH, MANAGER_INTERFACE, "CreateNetwork");

        int r = sd_bus_message_open_container(message, 'a', "{sv}");
        r = r < 0 ? r
                  : sd_bus_message_append(message, "{sv}{sv}{sv}{sv}", "interface", "s",
                                          spec->interface, "subnet", "s", PLAN_SUBNET, "gateway_ip",
                                          "s", PLAN_GATEWAY, "nat_mode", "s",
                                          spec->one_to_one ? "1to1" : "masquerade");
        call_check(r, "append settings");
        append_entries(message, spec);
        call_check(sd_bus_message_close_container(message), "append settings");
        send_and_forget(bus, message);
}

/* A call whose arguments are all text. */
static void call_with_text(sd_bus *bus, const char *path, const char *interface, const char *member,
                           const char *first, const char *second)
{
        sd_bus_message *message = new_call(bus, path, interface, member);

        call_check(sd_bus_message_append(message, "s", first), member);
        if (second)
                call_check(sd_bus_message_append(message, "s", second), member);
        send_and_forget(bus, message);
}

void call_remove_network(sd_bus *bus, const char *interface)
{
        call_with_text(bus, MANAGER_PATH, MANAGER_INTERFACE, "RemoveNetwork", interface, NULL);
}

char *network_path(const char *interface)
{
        char *path;
        call_check(sd_bus_path_encode(MANAGER_PATH, interface, &path), interface);
        return path;
}

void call_add_address(sd_bus *bus, const char *path, const PlanEntry *entry, bool one_to_one)
{
        sd_bus_message *message = new_call(bus, path, NETWORK_INTERFACE, "AddAddress");

        int r = one_to_one ? sd_bus_message_append(message, "sa{sv}", entry->ip, 3, "mac", "s",
                                                   entry->mac, "hostname", "s", entry->hostname,
                                                   "public_ip", "s", entry->public_ip)
                           : sd_bus_message_append(message, "sa{sv}", entry->ip, 2, "mac", "s",
                                                   entry->mac, "hostname", "s", entry->hostname);
        call_check(r, "AddAddress");
        send_and_forget(bus, message);
}

void call_remove_address(sd_bus *bus, const char *path, const PlanEntry *entry)
{
        call_with_text(bus, path, NETWORK_INTERFACE, "RemoveAddress", entry->ip, NULL);
}

void call_add_dns_entry(sd_bus *bus, const char *path, const PlanEntry *entry)
{
        call_with_text(bus, path, NETWORK_INTERFACE, "AddDnsEntry", entry->name, entry->ip);
}

void call_remove_dns_entry(sd_bus *bus, const char *path, const PlanEntry *entry)
{
        call_with_text(bus, path, NETWORK_INTERFACE, "RemoveDnsEntry", entry->name, NULL);
}

static void call_plain(sd_bus *bus, const char *name, const char *path, const char *interface,
                       const char *member)
{
        sd_bus_message *message;

        call_check(sd_bus_message_new_method_call(bus, &message, name, path, interface, member),
                   member);
        send_and_forget(bus, message);
}

void call_bus_daemon(sd_bus *bus)
{
        call_plain(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE, "GetId");
}

void call_ping_service(sd_bus *bus)
{
        call_plain(bus, SERVICE_NAME, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping");
}

bool call_polkit(sd_bus *bus, sd_bus *subject, const char *interface)
{
        sd_bus_message *message;
        const char *name;
        int authorized = false;

        call_check(sd_bus_get_unique_name(subject, &name), "get the subject's name");
        int r = sd_bus_message_new_method_call(bus, &message, POLKIT_NAME, POLKIT_PATH,
                                               POLKIT_INTERFACE, "CheckAuthorization");
        r = r < 0 ? r
                  : sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name",
                                          "s", name, POLKIT_ACTION, 3, "interface", interface,
                                          "subnet", PLAN_SUBNET, "verb", "AddAddress", 0, "");
        call_check(r, "CheckAuthorization");
        sd_bus_message *reply = call_send(bus, message);
        r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        r = r < 0 ? r : sd_bus_message_read(reply, "b", &authorized);
        call_check(r, "read polkit's answer");
        sd_bus_message_unref(reply);
        return authorized;
}

pid_t call_pid_of(sd_bus *bus, const char *name)
{
        sd_bus_message *message;
        uint32_t pid;

        int r = sd_bus_message_new_method_call(bus, &message, BUS_NAME, BUS_PATH, BUS_INTERFACE,
                                               "GetConnectionUnixProcessID");
        r = r < 0 ? r : sd_bus_message_append(message, "s", name);
        call_check(r, "GetConnectionUnixProcessID");
        sd_bus_message *reply = call_send(bus, message);
        call_check(sd_bus_message_read(reply, "u", &pid), "read a pid");
        sd_bus_message_unref(reply);
        return (pid_t)pid;
}
