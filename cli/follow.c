/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Subscribes first, then reads, then applies each signal. Messages of one sender keep their order,
 * so what has been read and the signals after it never contradict each other; what the signals
 * before it told is in it. When the service is away the last that is known stands, for the networks
 * stay as they are; when it is back all is read again. Nothing but the first call starts it. */

#include "cli/follow.h"

#include "cli/error.h"
#include "cli/map.h"
#include "cli/message.h"
#include "cli/signals.h"

struct Follow {
        Command *command;
        Signals *signals;
        sd_bus_slot *call; /* the one that is being answered, or was last */
        bool is_listed;    /* which networks there are has been answered */
        bool is_answered;
        char *interface;       /* NULL: none chosen yet */
        bool is_there;         /* its network, when last heard of */
        char *nic;             /* what its NIC is called now; NULL: not read */
        char *state, *error;   /* NULL: no network, or not read */
        GHashTable *leases;    /* ip -> Value* */
        GHashTable *addresses; /* ip */
        GError *failure;
        FollowChanged changed;
        gpointer data;
};

static void tell(Follow *follow, const Value *lease)
{
        follow->changed(lease, follow->data);
}

/* What is known */

static void put_lease(Follow *follow, const Value *lease)
{
        g_hash_table_replace(follow->leases, g_strdup(map_get_text(lease, "ip")),
                             value_copy(lease));
}

static void put_address(Follow *follow, const Value *address)
{
        g_hash_table_add(follow->addresses, g_strdup(map_get_text(address, "ip")));
}

static void replace_all(Follow *follow, const Value *properties, const char *key, GHashTable *table,
                        void (*put)(Follow *follow, const Value *item))
{
        const Value *list = map_get_list(properties, key);
        if (!list)
                return;

        g_hash_table_remove_all(table);
        for (guint i = 0; i < list->items->len; i++)
                put(follow, g_ptr_array_index(list->items, i));
}

static void take_text(const Value *properties, const char *key, char **text)
{
        if (!value_get(properties, key))
                return;

        g_free(*text);
        *text = g_strdup(map_get_text(properties, key));
}

/* All properties, or those that have changed. */
static void take_properties(Follow *follow, const Value *properties)
{
        if (!properties || properties->type != VALUE_MAP)
                return;

        follow->is_there = true;
        take_text(properties, "Interface", &follow->nic);
        take_text(properties, "State", &follow->state);
        take_text(properties, "Error", &follow->error);
        replace_all(follow, properties, "Leases", follow->leases, put_lease);
        replace_all(follow, properties, "Addresses", follow->addresses, put_address);
        tell(follow, NULL);
}

/* Only one that was there is missed. */
static void note_absence(Follow *follow)
{
        if (follow->is_there && !follow->failure)
                g_set_error(&follow->failure, CLI_ERROR, CLI_ERROR_FAILED,
                            "%s: the network has been removed", follow->interface);
}

/* Reading */

/* Whether the answer is an error. The service's end is none of ours: it may come back. */
static bool is_refused(Follow *follow, sd_bus_message *answer)
{
        const sd_bus_error *bus_error = sd_bus_message_get_error(answer);
        if (!bus_error)
                return false;

        bool is_away = sd_bus_error_has_name(bus_error, SD_BUS_ERROR_NO_REPLY) ||
                       sd_bus_error_has_name(bus_error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
                       (follow->is_listed &&
                        sd_bus_error_has_name(bus_error, SD_BUS_ERROR_SERVICE_UNKNOWN));
        if (!is_away && !follow->failure)
                connection_set_refusal(bus_error, -sd_bus_message_get_errno(answer),
                                       &follow->failure);
        return true;
}

static void send_call(Follow *follow, sd_bus_message *call, sd_bus_message_handler_t answered)
{
        g_clear_pointer(&follow->call, sd_bus_slot_unref);
        if (!follow->failure)
                (void)connection_send(follow->command->connection, call, answered, follow,
                                      &follow->call, &follow->failure); /* it ends with that */
}

static int on_properties(sd_bus_message *answer, void *data, sd_bus_error *bus_error)
{
        Follow *follow = data;
        if (is_refused(follow, answer))
                return 0;

        g_autoptr(Value) properties = message_read_value(answer, NULL);
        take_properties(follow, properties);
        return 0;
}

static void read_network(Follow *follow)
{
        g_autofree char *path = signals_path_of(follow->interface);
        g_autoptr(sd_bus_message) call = connection_new_call(
                follow->command->connection, path, "org.freedesktop.DBus.Properties", "GetAll");
        int r = sd_bus_message_append(call, "s", NETWORK_INTERFACE);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r < 0)
                g_error("no call of GetAll: %s", g_strerror(-r));
        send_call(follow, call, on_properties);
}

/* Which of @networks it is, unless that is known; whether it is there. */
static bool choose(Follow *follow, const Value *networks)
{
        if (!follow->interface && networks->items->len > 1) {
                (void)command_fail_ambiguous(networks, &follow->failure); /* false */
                return false;
        }

        for (guint i = 0; i < networks->items->len; i++) {
                const char *interface =
                        map_get_text(g_ptr_array_index(networks->items, i), "interface");
                if (!follow->interface)
                        follow->interface = g_strdup(interface);
                if (g_str_equal(interface, follow->interface))
                        return true;
        }
        return false;
}

static int on_networks(sd_bus_message *answer, void *data, sd_bus_error *bus_error)
{
        static const char *const keys[] = { "interface", NULL };

        Follow *follow = data;
        if (is_refused(follow, answer))
                return 0;

        follow->is_listed = true;
        follow->is_answered = true;
        g_autoptr(Value) list = message_read_value(answer, &follow->failure);
        if (!list || !command_check_answer(list, VALUE_LIST, &follow->failure))
                return 0;

        g_autoptr(Value) networks = list_name_fields(list, keys);
        if (!choose(follow, networks)) {
                note_absence(follow); /* removed while the service was away */
                return 0;
        }
        follow->is_there = true;
        read_network(follow);
        return 0;
}

static void read_networks(Follow *follow, bool starts_service)
{
        g_autoptr(sd_bus_message) call = connection_new_call(
                follow->command->connection, MANAGER_PATH, MANAGER_INTERFACE, "ListNetworks");
        int r = sd_bus_message_set_auto_start(call, starts_service);
        if (r < 0)
                g_error("no call of ListNetworks: %s", g_strerror(-r));
        send_call(follow, call, on_networks);
}

/* Signals */

static void on_owner_changed(Follow *follow, const Value *arguments)
{
        follow->is_answered = false;
        if (*map_get_text(arguments, "new_owner"))
                read_networks(follow, false);
}

static void on_network_added(Follow *follow, const Signal *signal)
{
        const Value *interfaces = value_get(signal->arguments, "interfaces");
        if (interfaces->type != VALUE_MAP)
                return;

        if (!follow->interface)
                follow->interface = g_strdup(signal->interface);
        take_properties(follow, value_get(interfaces, NETWORK_INTERFACE));
}

static void on_network_signal(Follow *follow, const char *member, const Value *arguments)
{
        const Value *lease = value_get(arguments, "lease");
        const Value *address = value_get(arguments, "address");

        if (g_str_equal(member, "PropertiesChanged")) {
                take_properties(follow, value_get(arguments, "properties"));
        } else if (g_str_equal(member, "InterfacesRemoved")) {
                note_absence(follow);
        } else if (g_str_equal(member, "LeaseRemoved")) {
                g_hash_table_remove(follow->leases, map_get_text(lease, "ip"));
                tell(follow, NULL);
        } else if (lease) {
                put_lease(follow, lease);
                tell(follow, lease);
        } else if (g_str_equal(member, "AddressRemoved")) {
                g_hash_table_remove(follow->addresses, map_get_text(address, "ip"));
                tell(follow, NULL);
        } else if (address) {
                put_address(follow, address);
                tell(follow, NULL);
        }
}

static void on_signal(const Signal *signal, gpointer data)
{
        Follow *follow = data;
        if (g_str_equal(signal->member, "NameOwnerChanged")) {
                on_owner_changed(follow, signal->arguments);
                return;
        }

        /* Before the answer to which networks there are, none is the first that comes. */
        bool is_ours = signal->interface &&
                       (follow->interface ? g_str_equal(signal->interface, follow->interface)
                                          : follow->is_listed);
        if (!is_ours)
                return;
        if (g_str_equal(signal->member, "InterfacesAdded"))
                on_network_added(follow, signal);
        else if (follow->interface)
                on_network_signal(follow, signal->member, signal->arguments);
}

Follow *follow_new(Command *command, FollowChanged changed, gpointer data, GError **error)
{
        if (!command_connect(command, error))
                return NULL;

        command_resolve_name(command, true);
        g_autoptr(Follow) follow = g_new0(Follow, 1);
        follow->command = command;
        follow->interface = g_strdup(command->interface);
        follow->leases =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)value_free);
        follow->addresses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        follow->changed = changed;
        follow->data = data;
        follow->signals = signals_new(command->connection, on_signal, follow, error);
        if (!follow->signals)
                return NULL;

        read_networks(follow, true);
        return g_steal_pointer(&follow);
}

void follow_free(Follow *follow)
{
        if (!follow)
                return;

        signals_free(follow->signals);
        sd_bus_slot_unref(follow->call);
        g_hash_table_unref(follow->leases);
        g_hash_table_unref(follow->addresses);
        g_free(follow->interface);
        g_free(follow->nic);
        g_free(follow->state);
        g_free(follow->error);
        g_clear_error(&follow->failure);
        g_free(follow);
}

bool follow_process(Follow *follow, int fd, gint64 deadline_usec, GError **error)
{
        if (!connection_process(follow->command->connection, fd, deadline_usec, error))
                return false;
        if (!follow->failure)
                return true;

        g_propagate_error(error, g_steal_pointer(&follow->failure));
        return false;
}

const char *follow_interface(const Follow *follow)
{
        return follow->interface;
}

const char *follow_nic(const Follow *follow)
{
        return follow->nic ? follow->nic : "";
}

const char *follow_state(const Follow *follow)
{
        return follow->state;
}

const char *follow_error(const Follow *follow)
{
        return follow->error ? follow->error : "";
}

bool follow_is_answered(const Follow *follow)
{
        return follow->is_answered;
}

GHashTable *follow_leases(const Follow *follow)
{
        return follow->leases;
}

GHashTable *follow_addresses(const Follow *follow)
{
        return follow->addresses;
}
