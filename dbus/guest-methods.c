/* SPDX-License-Identifier: GPL-2.0-or-later */

/* AttachGuest, DetachGuest and OpenGuest of org.jumpstarter.DutNetwork. Polkit says who may have
 * guests at all; a guest is its owner's, and root's. */

#include <errno.h>

#include "dbus/bus-error.h"
#include "dbus/bus-private.h"
#include "dbus/variant.h"
#include "model/guest-wish.h"
#include "network/guests.h"
#include "util/error.h"

Value *status_guest(const Network *network, const AddressEntry *entry)
{
        const Guest *guest = entry->guest;
        guint mtu = guests_mtu(network, guest);
        char text[ADDRESS_TEXT_SIZE];
        Value *map = value_new_map();

        value_set(map, "id", value_new_text(guest->id));
        value_set(map, "tap_name", value_new_text(guest->tap_name));
        value_set(map, "guest_ip", value_new_text(address_format(entry->ip, text)));
        value_set(map, "guest_mac", value_new_text(entry->mac));
        if (entry->public_ip != 0)
                value_set(map, "public_ip", value_new_text(address_format(entry->public_ip, text)));
        value_set(map, "owner", value_new_number(guest->owner));
        value_set(map, "queues", value_new_number(guest->queues));
        if (mtu != 0)
                value_set(map, "mtu", value_new_number(mtu));
        limits_put(&entry->limits, map);
        return map;
}

/* What a VM is started with. */
static Value *attached_guest(const Network *network, const AddressEntry *entry)
{
        const NetworkConfig *config = network_config(network);
        g_autofree char *ip = address_to_string(entry->ip);
        g_autofree char *gateway = address_to_string(config->gateway_ip);
        g_autofree char *netmask = address_to_string(subnet_netmask(&config->subnet));
        g_autofree char *kernel = g_strdup_printf("ip=%s::%s:%s::eth0:off", ip, gateway, netmask);
        Value *map = status_guest(network, entry);

        value_set(map, "gateway_ip", value_new_text(gateway));
        value_set(map, "netmask", value_new_text(netmask));
        value_set(map, "kernel_ip_arg", value_new_text(kernel));
        return map;
}

/* Whether the caller may do what @message asks for to guest @id; as authority_check(). */
static int authorize(Bus *bus, sd_bus_message *message, const char *id,
                     sd_bus_message_handler_t again, Network **ret_network, sd_bus_error *error)
{
        Network *network = bus_message_network(bus, message, error);

        if (!network)
                return -ENOENT;
        int r = bus_authorize(bus, message, network, (AuthorityObject){ .guest = id }, again,
                              error);
        if (r > 0)
                *ret_network = network;
        return r;
}

/* It has been authorized, so it is known, or gone: nobody then. */
static guint32 caller_of(const Bus *bus, sd_bus_message *message)
{
        uid_t uid = (uid_t)-1;

        (void)callers_get(bus->callers, sd_bus_message_get_sender(message), &uid);
        return uid;
}

static void attached(Network *network, const AddressEntry *entry, const GError *error,
                     gpointer data)
{
        if (error) {
                call_fail(data, error);
                return;
        }
        g_autoptr(Value) guest = attached_guest(network, entry);
        call_reply_map(data, guest);
}

/* Others' guests are root's alone to make. */
static bool take_owner(GuestWish *wish, guint32 caller, GError **error)
{
        Guest *guest = wish->entry->guest;

        if (!wish->owner_given)
                guest->owner = caller;
        if (caller == 0 || guest->owner == caller)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_ACCESS_DENIED,
                    "owner: %u is another user than the caller, and only root may name one",
                    guest->owner);
        return false;
}

int method_attach_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        g_autoptr(Value) options = NULL;
        const char *id;
        Network *network;

        int r = sd_bus_message_read(message, "s", &id);
        if (r >= 0)
                r = variant_read_map(message, &options, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        g_autoptr(GuestWish) wish = guest_wish_new(id, options, 0, &cause);
        if (!wish)
                return bus_error_set(error, cause);
        r = authorize(bus, message, id, method_attach_guest, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        guint32 caller = caller_of(bus, message);
        if (!take_owner(wish, caller, &cause))
                return bus_error_set(error, cause);

        network_attach_guest(network, g_steal_pointer(&wish), caller, attached,
                             call_new(bus, message));
        return 1;
}

int method_detach_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        const char *id;
        Network *network;

        int r = sd_bus_message_read(message, "s", &id);
        if (r < 0)
                return r;
        if (!guest_id_check(id, &cause))
                return bus_error_set(error, cause);
        r = authorize(bus, message, id, method_detach_guest, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        network_detach_guest(network, id, caller_of(bus, message), call_network_done,
                             call_new(bus, message));
        return 1;
}

/* The one option, and no other. */
static bool read_vnet_hdr(const Value *options, bool *ret_vnet_hdr, GError **error)
{
        static const char *const known[] = { "vnet_hdr" };
        const Value *value = value_get(options, known[0]);

        *ret_vnet_hdr = false;
        if (!value_check_keys(options, "", known, G_N_ELEMENTS(known), error))
                return false;
        if (!value || value_get_truth(value, ret_vnet_hdr))
                return true;
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "vnet_hdr: %s is not true or false", got);
        return false;
}

static int reply_fds(sd_bus_message *message, const GArray *fds)
{
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "h");
        for (guint i = 0; r >= 0 && i < fds->len; i++)
                r = sd_bus_message_append(reply, "h", g_array_index(fds, int, i));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

int method_open_guest(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        g_autoptr(GError) cause = NULL;
        g_autoptr(Value) options = NULL;
        const char *id;
        bool vnet_hdr;
        Network *network;

        int r = sd_bus_message_read(message, "s", &id);
        if (r >= 0)
                r = variant_read_map(message, &options, &cause);
        if (r < 0)
                return cause ? bus_error_set(error, cause) : r;
        if (!guest_id_check(id, &cause) || !read_vnet_hdr(options, &vnet_hdr, &cause))
                return bus_error_set(error, cause);
        r = authorize(bus, message, id, method_open_guest, &network, error);
        if (r <= 0)
                return r < 0 ? r : 1;
        const AddressEntry *entry =
                network_find_guest(network, id, caller_of(bus, message), &cause);
        if (!entry || !guests_check(network, &cause))
                return bus_error_set(error, cause);
        g_autoptr(GArray) fds = guests_open(network, entry->guest, vnet_hdr, &cause);
        if (!fds)
                return bus_error_set(error, cause);
        return reply_fds(message, fds);
}
