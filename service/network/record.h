/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What one network found on the host and what it put there: all that its undo needs, and its
 * journal. */

#include <glib.h>
#include <stdbool.h>

#include "host/nm.h"
#include "model/address.h"
#include "model/address6.h"

typedef struct Record {
        /* of the network itself */
        char *origin;    /* "bus", "transient" or a file's path */
        char *caller;    /* transient: the bus name that it lives with */
        bool wanted_up;  /* false after Down */
        bool doomed;     /* not answered for yet, or being removed: the next life takes it away */
        bool is_up;      /* it was all there once, and has not been taken down since */
        char *interface; /* its NIC's name and index, when it was touched; NULL, 0: not yet */
        guint index;

        /* interface */
        bool made; /* by us, with the name of the network and `index` */

        /* guests */
        bool guests; /* there may be TAPs of theirs */

        /* claim: what it was decided for, and whether it is a twin of something */
        Subnet decided_subnet;
        guint32 decided_gateway; /* 0: not yet */
        guint twin;              /* its number (model/twin.h); 0: it is none */
        char *twin_of;           /* what it overlaps, in words */
        bool twin_of_host;       /* and what the host routes anyway, perhaps not just now */
        gint64 twin_since_usec;  /* of this boot */
        Subnet left_subnet; /* while its NIC is away: whose connections go on; prefix 0: none */

        /* hand-over */
        bool taken;
        NmHeld *held;

        /* firewall */
        char *table;            /* NULL: none */
        char *filter_table;     /* where its part of the filter is; NULL: nowhere */
        char *filter_interface; /* what the NIC is called there */
        bool limited;           /* there may be limits of DUTs in filter_table */
        char *names_interface;  /* the same in the table of names; NULL: it is not there */
        bool answers;           /* boards may have asked others, and have been led to the gateway */

        /* link */
        bool link_found; /* the fields below say how it was */
        bool link_up;
        GArray *addresses_found; /* IpAddress each: taken away, to be given back */
        GArray *routes_found;    /* Route each: gone with the addresses, to be given back */
        guint32 gateway_ip;      /* 0: none put on */
        guint gateway_prefix;
        bool gateway_existed; /* it was there before us */
        Address6 ipv6_gateway;
        guint ipv6_prefix;   /* 0: none put on */
        GArray *ipv6_found;  /* Ip6Address each: taken away, or gone when the link is set down */
        bool ipv6_existed;   /* that gateway address was there before us */
        Address6 link_local; /* put on by us; none */
        Subnet6 ipv6_served; /* whose connections end with the network; prefix 0: none */

        /* routes */
        guint routed;    /* the number that rules and routes were made for; 0: none */
        bool main_route; /* the main table has one as well */

        /* public addresses */
        char *public_interface;
        guint public_index;
        GArray *public_added; /* guint32 each */

        /* dnsmasq */
        char *state_dir;   /* where its files and its process are; NULL: nowhere */
        char *moving_from; /* of a change, or what is left of one: neither counts any more than */
        char *moving_to;   /* the configuration says; NULL: none */

        /* other firewalls */
        char *foreign_interface; /* what the NIC was called in them */
        char *foreign_upstream;  /* NULL: nothing was opened */
        char *foreign_public;    /* the same for a public interface that is another one */
        bool firewalld;
        char *firewalld_zone; /* NULL: it was in none */
} Record;

Record *record_new(void);
void record_free(Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Record, record_free)

/* Whether it names nothing on the host that would have to be undone. */
bool record_is_clean(const Record *record);

/* The journal's file for @interface in @run_dir. The caller's string. */
char *record_path(const char *run_dir, const char *interface);

/* Writes @record as the journal of @interface; on an error the journal is as it was. */
bool record_save(const Record *record, const char *run_dir, const char *interface, GError **error);
/* Reads it. NULL without an error where there is none. */
Record *record_load(const char *run_dir, const char *interface, GError **error);
