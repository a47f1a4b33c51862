/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of the bus face, for the files of dbus/. */

#include <systemd/sd-bus.h>

#include "dbus/bus.h"
#include "model/value.h"
#include "polkit/authority.h"
#include "polkit/callers.h"

#define BUS_NAME    "org.jumpstarter.DutNetwork"
#define BUS_PATH    "/org/jumpstarter/DutNetwork"
#define BUS_MANAGER "org.jumpstarter.DutNetwork.Manager"
#define BUS_NETWORK "org.jumpstarter.DutNetwork"

struct Bus {
        sd_bus *bus;
        GSource *source;
        Manager *manager;
        Host *host;
        Callers *callers;
        Authority *authority;
        const BusEvents *events;
        gpointer events_data;
        gint64 last_call_usec, leave_usec;
        char id[SD_ID128_STRING_MAX]; /* of the bus: another one after it has restarted */
        GHashTable *connecting;       /* what Connect has under way; connect-method.c's */
        GHashTable *captures;         /* what Capture has begun; capture-method.c's */
        guint n_pending;              /* messages that wait for a manager's or a network's answer */
        bool leaving;
};

/* The object path of @interface. The caller's (g_free()). */
char *bus_network_path(const char *interface);
/* What polkit's rules see as @network's interface. The caller's. */
char *bus_network_interface(const Bus *bus, const Network *network);
/* The network that @message is sent to; NULL, with NoSuchNetwork in @error, where it is gone. */
Network *bus_message_network(Bus *bus, sd_bus_message *message, sd_bus_error *error);

/* Asks whether @message's sender may do that to @network; @object has what else polkit's rules are
 * to see, its interface and subnet are filled in here. As authority_check(). */
int bus_authorize(Bus *bus, sd_bus_message *message, const Network *network, AuthorityObject object,
                  sd_bus_message_handler_t again, sd_bus_error *error);

/* UNREACHABLE, with its state, where @network is not up. */
bool bus_check_up(const Network *network, GError **error);

/* root-alone.c: whether @message's sender, who has been authorized, may have what root alone may
 * set: of a network that is made, or made anew, as @config; or of one that has been @before. The
 * error is ACCESS_DENIED, or state_dir_check()'s. */
bool bus_check_made(Bus *bus, sd_bus_message *message, const NetworkConfig *config, GError **error);
bool bus_check_changed(Bus *bus, sd_bus_message *message, const NetworkConfig *before,
                       const NetworkConfig *config, GError **error);

/* The sender of @message as networks remember it: unique names begin anew with each life of the
 * bus, so the bus is part of it. The caller's (g_free()). */
char *bus_message_caller(const Bus *bus, sd_bus_message *message);

/* Removes @network, newly made, where it is transient and its caller has left before it was there
 * to be found. */
void bus_check_caller(Bus *bus, Network *network);

/* A method that answers later. */
typedef struct Call {
        Bus *bus;
        sd_bus_message *message;
} Call;

Call *call_new(Bus *bus, sd_bus_message *message);
/* Ends the call without a reply of its own; or with an error; or with an empty reply. */
void call_free(Call *call);
void call_fail(Call *call, const GError *error);
void call_reply_empty(Call *call);
/* Ends it with @map, as an a{sv}. */
void call_reply_map(Call *call, const Value *map);
/* Ends it with a file descriptor, of which the message has a copy. */
void call_reply_fd(Call *call, int fd);
/* A NetworkDone, with a Call as data: replies empty or with the error. */
void call_network_done(Network *network, const GError *error, gpointer data);

/* manager-object.c */
extern const sd_bus_vtable manager_vtable[];
/* network-object.c */
extern const sd_bus_vtable network_vtable[];
extern const NetworkEvents network_object_events;

/* forward-methods.c */
int method_add_forward(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_remove_forward(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* connect-method.c */
int method_connect(sd_bus_message *message, void *userdata, sd_bus_error *error);
GHashTable *connect_attempts_new(void);
/* @name has left the bus: what was under way for it ends. */
void connect_caller_left(Bus *bus, const char *name);
/* Where @network is not up any more, what was under way by it fails. */
void connect_state_changed(Bus *bus, const Network *network);

/* connections-method.c */
int method_get_connections(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_expire_connections(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* guest-methods.c */
int method_attach_guest(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_detach_guest(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_open_guest(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* A guest's entry as the property Guests has it. The caller's. */
Value *status_guest(const Network *network, const AddressEntry *entry);

/* capture-method.c */
int method_capture(sd_bus_message *message, void *userdata, sd_bus_error *error);
GHashTable *captures_new(void);
/* @name has left the bus: what has not begun for it ends. */
void capture_caller_left(Bus *bus, const char *name);
/* Where @network goes, its captures end. */
void capture_state_changed(Bus *bus, const Network *network);

/* status.c: everything that GetStatus tells, as a MAP. The caller's. */
Value *status_of_network(Bus *bus, const Network *network);
/* The rules as `nft list` prints them, the filter's behind the translation's; "" where NAT is
 * disabled. NULL on an error. The caller's. */
char *status_rules(const Network *network, GError **error);
/* The leases as the bus has them: a LIST of MAPs, expired ones left out. */
Value *status_leases(const Network *network);
Value *status_lease(const Lease *lease);
/* The forwards as they are now: a LIST of MAPs. */
Value *status_forwards(const Network *network);
/* What GetNtpStatus tells. */
Value *status_ntp(const Network *network);
/* "" without IPv6. The caller's. */
char *status_ipv6_subnet(const NetworkConfig *config);
char *status_ipv6_gateway(const NetworkConfig *config);
