/* SPDX-License-Identifier: GPL-2.0-or-later */

/* nf_tables' notifications, of which only the name of the table is read: another program's ten
 * thousand rules are as many comparisons and one call. What has changed, and whether it matters,
 * its user finds out by looking. What dnsmasq adds to the sets of names is told apart, by set: it
 * is nobody's interference. */

#include "host/nft-watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "host/netlink.h"
#include "model/ruleset.h"

/* A transaction comes in several datagrams, but all at once; until a table of ours is back, packets
 * go as they should not. */
#define SETTLE_MS 1
/* A program that goes on and on is told of so often. */
#define STORM_MS 100

/* In messages of every kind that tell of a change, the table's name is the attribute 1. */
G_STATIC_ASSERT((guint)NFTA_TABLE_NAME == 1 && (guint)NFTA_CHAIN_TABLE == 1 &&
                (guint)NFTA_RULE_TABLE == 1 && (guint)NFTA_SET_TABLE == 1 &&
                (guint)NFTA_SET_ELEM_LIST_TABLE == 1 && (guint)NFTA_OBJ_TABLE == 1 &&
                (guint)NFTA_FLOWTABLE_TABLE == 1);

typedef struct Touched {
        guint8 family;
        char name[NFT_TABLE_MAXNAMELEN];
        char set[NFT_SET_MAXNAMELEN]; /* "": none */
} Touched;

struct NftWatch {
        NetlinkMonitor *monitor;
        NftChanged changed;
        gpointer data;
        GArray *touched; /* Touched, each table once */
        bool lost;
        guint timer;
        gint64 told_usec; /* when something was told last (monotonic) */
};

static gboolean on_settled(gpointer data)
{
        NftWatch *watch = data;
        g_autoptr(GArray) touched = g_steal_pointer(&watch->touched);
        bool lost = watch->lost;

        watch->touched = g_array_new(FALSE, FALSE, sizeof(Touched));
        watch->lost = false;
        watch->timer = 0;
        watch->told_usec = g_get_monotonic_time();
        if (lost) {
                watch->changed(0, NULL, NULL, watch->data);
                return G_SOURCE_REMOVE;
        }
        for (guint i = 0; i < touched->len; i++) {
                const Touched *table = &g_array_index(touched, Touched, i);
                watch->changed(table->family, table->name, *table->set ? table->set : NULL,
                               watch->data);
        }
        return G_SOURCE_REMOVE;
}

static void schedule(NftWatch *watch)
{
        gint64 quiet_usec = g_get_monotonic_time() - watch->told_usec;
        bool storm = watch->told_usec != 0 && quiet_usec < STORM_MS * G_TIME_SPAN_MILLISECOND;

        if (watch->timer == 0)
                watch->timer = g_timeout_add(storm ? STORM_MS : SETTLE_MS, on_settled, watch);
}

static void note(NftWatch *watch, guint8 family, const char *name, const char *set)
{
        Touched table = { .family = family };

        /* The last one first: a program's changes are most often of one table. */
        for (guint i = watch->touched->len; i-- > 0;) {
                const Touched *other = &g_array_index(watch->touched, Touched, i);
                if (other->family == family && g_str_equal(other->name, name) &&
                    g_str_equal(other->set, set))
                        return;
        }
        g_strlcpy(table.name, name, sizeof table.name);
        g_strlcpy(table.set, set, sizeof table.set);
        g_array_append_val(watch->touched, table);
        schedule(watch);
}

typedef struct Names {
        const char *table, *set; /* NULL: none */
} Names;

static int take_table(const struct nlattr *attribute, void *data)
{
        Names *names = data;

        if (mnl_attr_get_type(attribute) != NFTA_TABLE_NAME)
                return MNL_CB_OK;
        if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
                names->table = mnl_attr_get_str(attribute);
        return MNL_CB_STOP;
}

/* Of a message about a set's elements. */
static int take_set(const struct nlattr *attribute, void *data)
{
        Names *names = data;

        if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_SET)
                return MNL_CB_OK;
        if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
                names->set = mnl_attr_get_str(attribute);
        return MNL_CB_STOP;
}

static bool tells_of_table(guint8 type)
{
        return type != NFT_MSG_NEWGEN && type != NFT_MSG_TRACE;
}

static void on_message(const struct nlmsghdr *message, gpointer data)
{
        NftWatch *watch = data;
        const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
        Names names = { 0 };
        guint8 type = NFNL_MSG_TYPE(message->nlmsg_type);

        if (NFNL_SUBSYS_ID(message->nlmsg_type) != NFNL_SUBSYS_NFTABLES ||
            mnl_nlmsg_get_payload_len(message) < sizeof *header || !tells_of_table(type))
                return;
        (void)mnl_attr_parse(message, sizeof *header, take_table, &names); /* none: not ours */
        if (!names.table)
                return;
        if (type == NFT_MSG_NEWSETELEM && g_str_equal(names.table, NAMES_TABLE))
                (void)mnl_attr_parse(message, sizeof *header, take_set,
                                     &names); /* none: a change */
        note(watch, header->nfgen_family, names.table, names.set ? names.set : "");
}

static void on_overrun(gpointer data)
{
        NftWatch *watch = data;

        watch->lost = true;
        schedule(watch);
}

NftWatch *nft_watch_new(const guint32 *own_ports, guint n_own_ports, NftChanged changed,
                        gpointer data, GError **error)
{
        g_autoptr(NftWatch) watch = g_new0(NftWatch, 1);

        watch->changed = changed;
        watch->data = data;
        watch->touched = g_array_new(FALSE, FALSE, sizeof(Touched));
        watch->monitor = netlink_monitor_new(NETLINK_NETFILTER, 1 << (NFNLGRP_NFTABLES - 1),
                                             on_message, on_overrun, watch, error);
        if (!watch->monitor ||
            !netlink_monitor_ignore(watch->monitor, own_ports, n_own_ports, error))
                return NULL;
        return g_steal_pointer(&watch);
}

void nft_watch_free(NftWatch *watch)
{
        if (!watch)
                return;
        netlink_monitor_free(watch->monitor);
        g_clear_handle_id(&watch->timer, g_source_remove);
        g_array_unref(watch->touched);
        g_free(watch);
}
