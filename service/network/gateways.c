/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The list of gateway addresses. Each change replaces the tables as a whole, in one transaction:
 * no packet sees them half made, and what a repair takes is what a change takes. */

#include "network/gateways.h"

typedef struct Place {
        char *interface;
        guint32 gateway_ip;
        guint twin;
} Place;

struct Gateways {
        Nft *nft;
        GHashTable *places; /* network's name -> Place */
        bool made;          /* the tables may be there; an earlier life's count as well */
};

static void place_free(gpointer data)
{
        Place *place = data;

        if (place)
                g_free(place->interface);
        g_free(place);
}

Gateways *gateways_new(Nft *nft)
{
        Gateways *gateways = g_new0(Gateways, 1);
        gateways->nft = nft;
        gateways->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, place_free);
        gateways->made = true;
        return gateways;
}

void gateways_free(Gateways *gateways)
{
        if (!gateways)
                return;
        g_hash_table_unref(gateways->places);
        g_free(gateways);
}

/* The same networks make the same tables, whatever order they came in. */
static int compare_places(gconstpointer a, gconstpointer b)
{
        return g_strcmp0(((const GatewayPlace *)a)->interface,
                         ((const GatewayPlace *)b)->interface);
}

static bool apply(Gateways *gateways, GError **error)
{
        if (g_hash_table_size(gateways->places) == 0) {
                if (gateways->made && !nft_remove(gateways->nft, GATEWAYS_TABLE, error))
                        return false;
                gateways->made = false;
                return true;
        }

        g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(GatewayPlace));
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, gateways->places);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const Place *place = value;
                GatewayPlace copy = { place->interface, place->gateway_ip, place->twin };
                g_array_append_val(places, copy);
        }
        g_array_sort(places, compare_places);
        g_autoptr(Ruleset) ruleset =
                ruleset_new_gateways((const GatewayPlace *)(void *)places->data, places->len);
        gateways->made = true;
        return nft_apply(gateways->nft, ruleset, error);
}

/* What was there of @name before (owned; NULL: nothing). */
static Place *exchange(Gateways *gateways, const char *name, const GatewayPlace *place)
{
        gpointer old_name = NULL, old = NULL;
        Place *copy = g_new(Place, 1);

        (void)g_hash_table_steal_extended(gateways->places, name, &old_name,
                                          &old); /* none is fine */
        g_free(old_name);
        *copy = (Place){ g_strdup(place->interface), place->gateway_ip, place->twin };
        g_hash_table_insert(gateways->places, g_strdup(name), copy);
        return old;
}

bool gateways_put(Gateways *gateways, const char *name, const GatewayPlace *place, GError **error)
{
        Place *old = exchange(gateways, name, place);

        if (apply(gateways, error)) {
                place_free(old);
                return true;
        }
        if (old)
                g_hash_table_insert(gateways->places, g_strdup(name), old);
        else
                g_hash_table_remove(gateways->places, name);
        return false;
}

void gateways_expect(Gateways *gateways, const char *name, const GatewayPlace *place)
{
        place_free(exchange(gateways, name, place));
}

bool gateways_has(const Gateways *gateways, const char *name, const GatewayPlace *place)
{
        const Place *has = g_hash_table_lookup(gateways->places, name);

        return has &&
               (!place || (g_str_equal(has->interface, place->interface) &&
                           has->gateway_ip == place->gateway_ip && has->twin == place->twin));
}

bool gateways_remove(Gateways *gateways, const char *name, GError **error)
{
        return !g_hash_table_remove(gateways->places, name) || apply(gateways, error);
}

bool gateways_forget_others(Gateways *gateways, GError **error)
{
        return g_hash_table_size(gateways->places) > 0 || apply(gateways, error);
}
