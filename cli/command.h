/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What was asked for, and what every verb needs to do it. */

#include <glib.h>
#include <stdbool.h>

#include "cli/connection.h"
#include "cli/limit-options.h"
#include "cli/terminal.h"
#include "cli/wait-goal.h"
#include "model/value.h"

typedef struct Command Command;

typedef enum VerbFlags {
        VERB_CHANGES = 1 << 0,         /* may need authorization, and time */
        VERB_NETWORK = 1 << 1,         /* takes --interface */
        VERB_ENTRY_OPTIONS = 1 << 2,   /* takes --mac, --hostname, --ipv6, --public-ip, limits */
        VERB_WAIT_OPTIONS = 1 << 3,    /* takes --state, --lease, --port and --timeout */
        VERB_PASSES_ON = 1 << 4,       /* what follows its first argument is not ours to read */
        VERB_PASSES_ALL = 1 << 5,      /* nor is its first argument */
        VERB_CAPTURE_OPTIONS = 1 << 6, /* takes -w, --snaplen, --ip, -c, --seconds and --bytes */
        VERB_FORWARD_OPTIONS = 1 << 7, /* takes --from */
        VERB_GUEST_OPTIONS = 1 << 8,   /* takes --ip, --mac, --public-ip, --mtu, --queues, --owner,
                                          and limits */
        VERB_TAP_OPTIONS = 1 << 9,     /* takes --vnet-hdr */
        VERB_KERNEL_OPTIONS = 1 << 10, /* takes --taps, --memory, --modules, --timeout, --verbose */
} VerbFlags;

typedef struct Verb {
        const char *name;
        const char *arguments; /* as the help shows them */
        const char *summary;
        const char *details; /* more for the verb's own help, or NULL */
        guint min_arguments, max_arguments;
        VerbFlags flags;
        bool (*run)(Command *command, GError **error);
} Verb;

/* What of Capture's options was given, as it is; NULL: not given. */
typedef struct CaptureWishes {
        const char *file; /* not the service's: where it goes */
        const char *snaplen, *packets, *seconds, *bytes;
} CaptureWishes;

/* The same of a guest's. */
typedef struct GuestWishes {
        const char *mtu, *queues, *owner;
        bool vnet_hdr;
} GuestWishes;

/* The same of a kernel under test. */
typedef struct KernelWishes {
        const char *taps, *memory, *modules;
        bool verbose;
} KernelWishes;

/* The parsed command line. Texts are borrowed from it. */
struct Command {
        const Verb *verb;
        char **arguments; /* after the verb */
        guint n_arguments;
        const char *interface; /* NULL: not given */
        char *name;            /* owned: what command_resolve_name() found, or NULL */
        const char *host;
        const char *ip, *mac, *hostname, *public_ip, *ipv6;
        const char *from;
        LimitOptions limits;
        WaitOptions wait;
        CaptureWishes capture;
        GuestWishes guest;
        KernelWishes kernel;
        int exit_code; /* of a verb that is done; of one that failed where it is not 0 */
        bool json;
        bool no_ask_password;
        Terminal terminal;
        Connection *connection; /* owned; NULL until the first call */
};

void command_clear(Command *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Command, command_clear)

/* Connects, unless it has been done. */
bool command_connect(Command *command, GError **error);

/* Has --interface be the name of the network that is meant, where it was the present name of its
 * NIC. With @starts_service, that may have to start the service; without, and where there is no
 * such network, it stays as it is. For verbs that go by names from then on. */
void command_resolve_name(Command *command, bool starts_service);

/* The network that is meant, by its interface (the caller's): the one given, else the only one
 * there is. An error that lists them where there are several. */
bool command_find_network(Command *command, char **ret_interface, char **ret_path, GError **error);
/* Says that one of @networks (of that form) has to be chosen, or that there is none. False. */
bool command_fail_ambiguous(const Value *networks, GError **error);
/* All networks, as a LIST of MAPs (the caller's) with `interface`, `state` and `path`; of the one
 * given alone, where one is given. */
bool command_list_networks(Command *command, Value **ret_networks, GError **error);

/* Calls @member of the manager; @types and what follows are its arguments, as
 * sd_bus_message_append(3) takes them, or NULL. @ret_answer as in connection_call(). */
bool command_call_manager(Command *command, const char *member, Value **ret_answer, GError **error,
                          const char *types, ...);
/* The same for the network that is meant. */
bool command_call_network(Command *command, const char *member, Value **ret_answer, GError **error,
                          const char *types, ...);
/* The same for @member of @interface of the object at @path. */
bool command_call_path(Command *command, const char *path, const char *interface,
                       const char *member, Value **ret_answer, GError **error, const char *types,
                       ...);

/* Calls @member of the network, or the manager, at @path with @argument, unless it is NULL, and
 * @settings (a MAP). @ret_answer as in connection_call(). */
bool command_call_settings(Command *command, const char *path, const char *member,
                           const char *argument, const Value *settings, Value **ret_answer,
                           GError **error);

/* Whether @answer is of @type, as the contract says; an error else. */
bool command_check_answer(const Value *answer, ValueType type, GError **error);

/* Prints @value as JSON, indented, with a newline. */
void command_print_json(const Value *value);
/* Prints @text as it is. */
void command_print(const char *text);
