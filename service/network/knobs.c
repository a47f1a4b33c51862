/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Counted sysctls. A knob belongs to an interface, by its index: it goes along when that is
 * renamed. Who holds it says which value it wants; where two differ, the value of the safer side
 * wins, whoever came first, and the other's comes when that one goes. The journal is written before
 * a knob is turned, so a crash in between costs nothing: giving back a value that is still there
 * changes nothing. */

#include "network/knobs.h"

#include <errno.h>
#include <net/if.h>

#include "network/knobs-private.h"
#include "util/error.h"

Knobs *knobs_new(const char *run_dir)
{
        Knobs *knobs = g_new0(Knobs, 1);
        knobs->directory = g_strdup(run_dir);
        knobs->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, held_free);
        knobs_load(knobs);
        return knobs;
}

void knobs_free(Knobs *knobs)
{
        if (!knobs)
                return;
        g_hash_table_unref(knobs->held);
        g_free(knobs->directory);
        g_free(knobs);
}

static bool sysctl_is_optional(Sysctl sysctl)
{
        return sysctl == SYSCTL_IPV6_ACCEPT_RA || sysctl == SYSCTL_IPV6_ACCEPT_REDIRECTS ||
               sysctl == SYSCTL_IPV6_FORCE_FORWARDING;
}

/* Of two values: a board must not be the host's router, nor tell it one, and a network needs the
 * family that it has; what else is turned on for one network is needed on, and nobody needs it off
 * (a loose rp_filter lets through what one that is off does). */
static bool smaller_wins(Sysctl sysctl)
{
        switch (sysctl) {
        case SYSCTL_IPV4_SEND_REDIRECTS:
        case SYSCTL_IPV4_ACCEPT_REDIRECTS:
        case SYSCTL_IPV6_ACCEPT_RA:
        case SYSCTL_IPV6_ACCEPT_REDIRECTS:
        case SYSCTL_IPV6_DISABLE:
                return true;
        case SYSCTL_IPV4_FORWARDING:
        case SYSCTL_IPV4_RP_FILTER:
        case SYSCTL_IPV4_ACCEPT_LOCAL:
        case SYSCTL_IPV4_FWMARK_REFLECT:
        case SYSCTL_IPV6_FORWARDING:
        case SYSCTL_IPV6_FORCE_FORWARDING:
        case SYSCTL_IPV6_FORWARDING_ALL:
        case SYSCTL_IPV6_ADDR_GEN_MODE:
        case SYSCTL_MAX:
                break;
        }
        return false;
}

/* Has it be set next to what its holders, of whom there are some, want. True if that is another
 * value. */
static bool settle(Held *held)
{
        GHashTableIter iter;
        gpointer wanted;
        bool is_first = true;
        int value = held->set;

        g_hash_table_iter_init(&iter, held->holders);
        while (g_hash_table_iter_next(&iter, NULL, &wanted)) {
                int other = GPOINTER_TO_INT(wanted);
                if (is_first || (other < value) == smaller_wins(held->sysctl))
                        value = other;
                is_first = false;
        }
        if (value == held->set)
                return false;
        held->left = held->set;
        held->set = value;
        return true;
}

static bool turn(const Held *held, GError **error)
{
        char interface[IF_NAMESIZE];

        return !if_indextoname(held->index, interface) ||
               sysctl_set(held->sysctl, interface, held->set, error);
}

/* Gives the value found back, unless somebody else has set it since or the interface is gone. */
static bool give_back(const Knobs *knobs, Held *held, GError **error)
{
        char interface[IF_NAMESIZE];
        int now;

        if (!if_indextoname(held->index, interface) ||
            sysctl_get(held->sysctl, interface, &now) < 0 ||
            (now != held->set && now != held->left))
                return true;
        return held->each ? each_give_back(knobs, held, error)
                          : sysctl_set(held->sysctl, interface, held->found, error);
}

/* Lets @key go of knob @group: what the others want comes, or else what was found. */
static bool let_go(Knobs *knobs, const char *group, const char *key, GError **error)
{
        Held *held = g_hash_table_lookup(knobs->held, group);
        if (!held || !g_hash_table_contains(held->holders, key))
                return true;
        if (g_hash_table_size(held->holders) > 1) {
                g_hash_table_remove(held->holders, key);
                return !settle(held) || turn(held, error);
        }
        bool given_back = give_back(knobs, held, error);
        g_hash_table_remove(knobs->held, group);
        return given_back;
}

/* What @key held of a knob before. */
typedef struct Before {
        bool looked_at; /* else nothing has changed yet */
        bool held;
        int value;
} Before;

/* Has @key hold @knob, in memory. *ret_before: how it was; *ret_changed: it is another way now.
 * What was found first is what is given back. */
static bool hold(Knobs *knobs, const Knob *knob, guint index, const char *key, Before *ret_before,
                 bool *ret_changed, GError **error)
{
        g_autofree char *group = knobs_group(knob->sysctl, index);
        Held *held = g_hash_table_lookup(knobs->held, group);
        gpointer value = NULL;

        if (!held) {
                int found;
                int r = sysctl_get(knob->sysctl, knob->interface, &found);
                if (r == -ENOENT && sysctl_is_optional(knob->sysctl))
                        return true;
                if (r < 0) {
                        g_autofree char *name = sysctl_name(knob->sysctl, knob->interface);
                        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                                    "cannot read %s: %s", name, g_strerror(-r));
                        return false;
                }
                held = held_new(knob->sysctl, index, found);
                if (knob->sysctl == SYSCTL_IPV6_FORWARDING_ALL && found != knob->value)
                        held->each = each_read();
                g_hash_table_insert(knobs->held, g_strdup(group), held);
        }
        ret_before->looked_at = true;
        ret_before->held = g_hash_table_lookup_extended(held->holders, key, NULL, &value);
        ret_before->value = GPOINTER_TO_INT(value);
        *ret_changed = !ret_before->held || ret_before->value != knob->value;
        g_hash_table_insert(held->holders, g_strdup(key), GINT_TO_POINTER(knob->value));
        (void)settle(held); /* what is new is in *ret_changed already */
        return true;
}

/* Writes down who holds @wanted now, before any of them is turned. */
static bool hold_all(Knobs *knobs, const char *key, const Knob *wanted, const guint *indexes,
                     guint n_wanted, Before *before, GError **error)
{
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);

        for (guint i = 0; i < n_wanted; i++) {
                bool is_changed = false;
                if (!hold(knobs, &wanted[i], indexes[i], key, &before[i], &is_changed, error))
                        return false;
                if (is_changed)
                        g_hash_table_add(changed, GUINT_TO_POINTER(indexes[i]));
        }
        return knobs_save_all(knobs, changed, error);
}

/* One that is held already is set again, for somebody else may have turned it. */
static bool set_all(const Knobs *knobs, const Knob *wanted, const guint *indexes, guint n_wanted,
                    GError **error)
{
        for (guint i = 0; i < n_wanted; i++) {
                g_autofree char *group = knobs_group(wanted[i].sysctl, indexes[i]);
                const Held *held = g_hash_table_lookup(knobs->held, group);
                if (held && !sysctl_set(held->sysctl, wanted[i].interface, held->set, error))
                        return false;
        }
        return true;
}

/* The groups of @wanted, as a set. */
static GHashTable *groups_of(const Knob *wanted, const guint *indexes, guint n_wanted)
{
        GHashTable *groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; i < n_wanted; i++)
                g_hash_table_add(groups, knobs_group(wanted[i].sysctl, indexes[i]));
        return groups;
}

typedef struct Leaving {
        const char *key;
        GHashTable *kept;    /* groups that it does not leave */
        GHashTable *changed; /* indexes of interfaces */
        GError *error;       /* the first one */
} Leaving;

static void leave(Knobs *knobs, const char *group, Leaving *leaving)
{
        Held *held = g_hash_table_lookup(knobs->held, group);
        bool is_wanted = !g_hash_table_contains(held->holders, leaving->key) ||
                         g_hash_table_contains(leaving->kept, group);
        const char *in_vain = kept_in_vain(knobs, held);

        if (is_wanted && !in_vain)
                return;
        g_autofree char *name = g_strdup(group); /* it goes with the last one */
        g_hash_table_add(leaving->changed, GUINT_TO_POINTER(held->index));
        if (in_vain)
                (void)let_go(knobs, name, in_vain, error_first(&leaving->error));
        if (!is_wanted && !kept_instead(knobs, held, leaving->key))
                (void)let_go(knobs, name, leaving->key, error_first(&leaving->error));
}

/* Lets @key go of every knob that is not in @wanted; the first error counts. That of the whole host
 * comes first: while it is on others have to stay, and an interface's own that is turned on after
 * it drops default routes that these keep. */
static bool let_go_of_others(Knobs *knobs, const char *key, const Knob *wanted,
                             const guint *indexes, guint n_wanted, GError **error)
{
        g_autoptr(GHashTable) kept = groups_of(wanted, indexes, n_wanted);
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);
        g_autofree char *first = knobs_whole_host();
        Leaving leaving = { .key = key, .kept = kept, .changed = changed };
        guint n;

        if (g_hash_table_contains(knobs->held, first))
                leave(knobs, first, &leaving);
        g_autofree gpointer *groups = g_hash_table_get_keys_as_array(knobs->held, &n);
        for (guint i = 0; i < n; i++)
                leave(knobs, groups[i], &leaving);
        (void)knobs_save_all(knobs, changed, error_first(&leaving.error));
        if (leaving.error)
                g_propagate_error(error, leaving.error);
        return !leaving.error;
}

/* The indexes of the interfaces, looked up once: a name can be another interface's, or nobody's, a
 * moment later, and what is held would be let go. The caller's; NULL on an error. */
static guint *find_indexes(const Knob *wanted, guint n_wanted, GError **error)
{
        g_autofree guint *indexes = g_new0(guint, n_wanted + 1);

        for (guint i = 0; i < n_wanted; i++) {
                indexes[i] = if_nametoindex(wanted[i].interface);
                if (indexes[i] != 0)
                        continue;
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "there is no interface %s to be set", wanted[i].interface);
                return NULL;
        }
        return g_steal_pointer(&indexes);
}

/* Has @key hold knob @group as it did @before. The first error counts, which is another. */
static void take_back(Knobs *knobs, const char *group, const char *key, const Before *before)
{
        Held *held = g_hash_table_lookup(knobs->held, group);

        if (!held || !before->looked_at)
                return;
        guint index = held->index;
        if (!before->held) {
                if (!let_go(knobs, group, key, NULL))
                        return;
        } else {
                g_hash_table_insert(held->holders, g_strdup(key), GINT_TO_POINTER(before->value));
                if (settle(held))
                        (void)turn(held, NULL);
        }
        (void)knobs_save(knobs, index, NULL);
}

bool knobs_hold(Knobs *knobs, const char *holder, const char *holder_class, const Knob *wanted,
                guint n_wanted, GError **error)
{
        g_autofree char *key = g_strdup_printf("%s %s", holder, holder_class);
        g_autofree Before *before = g_new0(Before, n_wanted);
        g_autofree guint *indexes = find_indexes(wanted, n_wanted, error);

        if (!indexes)
                return false;
        if (hold_all(knobs, key, wanted, indexes, n_wanted, before, error) &&
            set_all(knobs, wanted, indexes, n_wanted, error))
                return let_go_of_others(knobs, key, wanted, indexes, n_wanted, error);
        for (guint i = n_wanted; i-- > 0;) {
                g_autofree char *group = knobs_group(wanted[i].sysctl, indexes[i]);
                take_back(knobs, group, key, &before[i]);
        }
        return false;
}

bool knobs_release(Knobs *knobs, const char *holder, const char *holder_class, GError **error)
{
        g_autofree char *key = g_strdup_printf("%s %s", holder, holder_class);
        return let_go_of_others(knobs, key, NULL, NULL, 0, error);
}

static void check_held(const Held *held, KnobTurned turned, gpointer data)
{
        GHashTableIter iter;
        gpointer key;
        char interface[IF_NAMESIZE];
        int now;

        if (!if_indextoname(held->index, interface) ||
            sysctl_get(held->sysctl, interface, &now) < 0 || now == held->set)
                return;
        g_hash_table_iter_init(&iter, held->holders);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                g_auto(GStrv) parts = g_strsplit(key, " ", 2); /* no interface has a space */
                turned(parts[0], parts[1], data);
        }
}

void knobs_check(const Knobs *knobs, Sysctl sysctl, guint index, KnobTurned turned, gpointer data)
{
        g_autofree char *group = knobs_group(sysctl, index);
        const Held *held = g_hash_table_lookup(knobs->held, group);

        if (held)
                check_held(held, turned, data);
}

void knobs_check_all(const Knobs *knobs, KnobTurned turned, gpointer data)
{
        GHashTableIter iter;
        gpointer held;

        g_hash_table_iter_init(&iter, knobs->held);
        while (g_hash_table_iter_next(&iter, NULL, &held))
                check_held(held, turned, data);
}

static bool turned_with_all(Held *held, Sysctl sysctl, int now)
{
        if (held->sysctl != sysctl || held->found == now)
                return false;
        held->found = now;
        return true;
}

bool knobs_turned_for_all(Knobs *knobs, Sysctl sysctl, GError **error)
{
        g_autoptr(GHashTable) changed = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        gpointer value;
        int now;

        if (sysctl_get(sysctl, "all", &now) < 0)
                return true;
        g_hash_table_iter_init(&iter, knobs->held);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Held *held = value;
                if (turned_with_all(held, sysctl, now) || whole_host_turned(held, sysctl, now))
                        g_hash_table_add(changed, GUINT_TO_POINTER(held->index));
        }
        return knobs_save_all(knobs, changed, error);
}

int knobs_found(const Knobs *knobs, Sysctl sysctl, const char *interface, int *ret_value)
{
        guint index = if_nametoindex(interface);
        g_autofree char *group = knobs_group(sysctl, index);
        const Held *held = g_hash_table_lookup(knobs->held, group);
        int now;

        if (held) {
                *ret_value = held->found;
                return 0;
        }
        int r = sysctl_get(sysctl, interface, &now);
        if (r == 0)
                *ret_value = sysctl == SYSCTL_IPV6_FORWARDING ? whole_host_found(knobs, index, now)
                                                              : now;
        return r;
}
