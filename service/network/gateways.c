/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The list of gateway addresses. A network that comes or goes changes in the tables what is its
 * own, in one transaction, however many others there are. Where somebody else has changed them, or
 * the first twin comes or the last one goes, they are replaced as a whole. */

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
        bool whole;         /* this life has made them, and they should have all places */
        bool for_twins;     /* they have what leads to twins */
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

/* The same networks make the same tables, in the order in which twins get their numbers. */
static int compare_places(gconstpointer a, gconstpointer b)
{
        const GatewayPlace *left = a, *right = b;

        if (left->twin != right->twin)
                return left->twin < right->twin ? -1 : 1;
        return g_strcmp0(left->interface, right->interface);
}

static bool has_twins(const Gateways *gateways)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, gateways->places);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                if (((const Place *)value)->twin != 0)
                        return true;
        return false;
}

static bool apply(Gateways *gateways, GError **error)
{
        if (g_hash_table_size(gateways->places) == 0) {
                if (gateways->made && !nft_remove(gateways->nft, GATEWAYS_TABLE, error))
                        return false;
                gateways->made = gateways->whole = false;
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
        gateways->whole = nft_apply(gateways->nft, ruleset, error);
        gateways->for_twins = has_twins(gateways);
        return gateways->whole;
}

/* Whether a place of the number @twin makes no difference to what is there for all. */
static bool fits(const Gateways *gateways, guint twin)
{
        return gateways->whole && (twin == 0 || gateways->for_twins);
}

static Ruleset *part_of(const Gateways *gateways, const GatewayPlace *place, const char *name)
{
        GHashTableIter iter;
        gpointer key, value;
        bool shared = false;

        g_hash_table_iter_init(&iter, gateways->places);
        while (g_hash_table_iter_next(&iter, &key, &value))
                shared |= !g_str_equal(key, name) &&
                          ((const Place *)value)->gateway_ip == place->gateway_ip;
        return ruleset_new_gateway_part(place, shared);
}

static bool add_part(Gateways *gateways, const char *name, const GatewayPlace *place)
{
        if (!fits(gateways, place->twin))
                return false;
        g_autoptr(Ruleset) part = part_of(gateways, place, name);
        return nft_add_part(gateways->nft, part, NULL);
}

static bool remove_part(Gateways *gateways, const char *name, const Place *place)
{
        const GatewayPlace copy = { place->interface, place->gateway_ip, place->twin };

        if (!fits(gateways, place->twin) || g_hash_table_size(gateways->places) == 0 ||
            gateways->for_twins != has_twins(gateways))
                return false;
        g_autoptr(Ruleset) part = part_of(gateways, &copy, name);
        return nft_remove_part(gateways->nft, part, NULL);
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

        if ((!old && add_part(gateways, name, place)) || apply(gateways, error)) {
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

        if (!has || !place)
                return has != NULL;
        return gateways->whole && g_str_equal(has->interface, place->interface) &&
               has->gateway_ip == place->gateway_ip && has->twin == place->twin;
}

bool gateways_remove(Gateways *gateways, const char *name, GError **error)
{
        gpointer key = NULL, place = NULL;

        if (!g_hash_table_steal_extended(gateways->places, name, &key, &place))
                return true;
        bool removed = remove_part(gateways, name, place) || apply(gateways, error);
        g_free(key);
        place_free(place);
        return removed;
}

bool gateways_forget_others(Gateways *gateways, GError **error)
{
        return g_hash_table_size(gateways->places) > 0 || apply(gateways, error);
}
