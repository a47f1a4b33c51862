/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names and addresses of guests, as microVM runtimes derive them, so that one that knows the id
 * knows the rest. */

#include "model/guest.h"

#include <string.h>

#include "model/digest.h"

#define MAC_FIRST 0x02 /* locally administered */
/* The gateway is most often the host before. */
#define FIRST_HOST 2

Guest *guest_copy(const Guest *guest)
{
        Guest *copy = g_new(Guest, 1);
        *copy = (Guest){
                .id = g_strdup(guest->id),
                .tap_name = g_strdup(guest->tap_name),
                .owner = guest->owner,
                .queues = guest->queues,
                .mtu = guest->mtu,
        };
        return copy;
}

bool guest_equal(const Guest *a, const Guest *b)
{
        if (!a || !b)
                return a == b;
        return a->owner == b->owner && a->queues == b->queues && a->mtu == b->mtu &&
               g_strcmp0(a->id, b->id) == 0 && g_strcmp0(a->tap_name, b->tap_name) == 0;
}

void guest_free(Guest *guest)
{
        if (!guest)
                return;

        g_free(guest->id);
        g_free(guest->tap_name);
        g_free(guest);
}

bool guest_id_check(const char *id, GError **error)
{
        if (!*id) {
                value_set_error(error, NULL, "id: is empty");
                return false;
        }
        if (strlen(id) > GUEST_MAX_ID) {
                value_set_error(error, NULL, "id: %zu bytes are more than %d", strlen(id),
                                GUEST_MAX_ID);
                return false;
        }
        for (const char *at = id; *at; at++)
                if (g_ascii_iscntrl(*at)) {
                        value_set_error(error, NULL, "id: there is a control character in it");
                        return false;
                }
        return true;
}

guint32 guest_n_addresses(const Subnet *subnet)
{
        return (guint32)((G_GUINT64_CONSTANT(1) << (32 - subnet->prefix)) - 2);
}

guint32 guest_address(const Subnet *subnet, guint64 digest, guint32 nth)
{
        guint32 n = guest_n_addresses(subnet) - 1; /* that a digest leads to */

        return subnet->network +
               (nth < n ? FIRST_HOST + (guint32)((digest % n + nth) % n) : FIRST_HOST - 1);
}

void guest_tap_name(guint64 digest, guint32 nth, char ret_name[static GUEST_TAP_SIZE])
{
        g_snprintf(ret_name, GUEST_TAP_SIZE, "tap-%08x", (guint32)(digest >> 32) + nth);
}

void guest_mac(guint64 digest, char ret_mac[static MAC_TEXT_SIZE])
{
        digest_mac(MAC_FIRST, digest, ret_mac);
}
