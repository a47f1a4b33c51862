/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Connection tracking entries, by ctnetlink through libmnl. */

#include <glib.h>
#include <stdbool.h>

#include "model/address.h"
#include "model/address6.h"
#include "model/connection.h"
#include "model/filter.h"

typedef struct Conntrack Conntrack;

/* Of which network's connections is spoken: networks may have the same subnet. */
typedef struct ConntrackScope {
        Subnet subnet;
        guint32 mark, mask;      /* the bits @mask of a connection's mark are @mark */
        const GArray *elsewhere; /* Subnet: addresses of the subnet that no board has, where it has
                                    no mark; NULL: none */
} ConntrackScope;

Conntrack *conntrack_new(GError **error);
void conntrack_free(Conntrack *conntrack);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conntrack, conntrack_free)

/* Ends every connection of the mapping @ip <-> @public_ip: those whose original destination is
 * @public_ip and reply source @ip, or whose original source is @ip and reply destination
 * @public_ip. No other entry is touched. *ret_n (may be NULL) is how many ended. */
bool conntrack_end_mapping(Conntrack *conntrack, guint32 ip, guint32 public_ip, guint *ret_n,
                           GError **error);

/* The same for many at once: @public_of maps ip to public_ip (GUINT_TO_POINTER()). */
bool conntrack_end_mappings(Conntrack *conntrack, GHashTable *public_of, GError **error);

/* Ends every connection from or to one of @ips (a set of them), whose mark has @mark in the bits
 * @mask. */
bool conntrack_end_addresses(Conntrack *conntrack, GHashTable *ips, guint32 mark, guint32 mask,
                             GError **error);

/* The same of IPv6, where two networks never have the same: a set of Address6. */
bool conntrack_end_addresses6(Conntrack *conntrack, GHashTable *addresses, GError **error);

/* Ends every connection whose mark has @mark in the bits @mask. */
bool conntrack_end_marked(Conntrack *conntrack, guint32 mark, guint32 mask, GError **error);

/* Ends every connection to one of @ips (guint32) that is not translated: connection tracking
 * decides by the first packet, and one that came before there was a mapping would go on past it for
 * as long as its sender sends. */
bool conntrack_end_untranslated(Conntrack *conntrack, const GArray *ips, GError **error);

typedef bool (*ConntrackJudge)(const Connection *connection, gpointer data);

/* Ends every translated connection of @scope's boards that @is_to_end says so of. *ret_n (may be
 * NULL) is how many ended. */
bool conntrack_end_judged(Conntrack *conntrack, const ConntrackScope *scope,
                          ConntrackJudge is_to_end, gpointer data, guint *ret_n, GError **error);
/* Shows each of them to @visit, whose answer does not matter. Where connections come and go
 * meanwhile, one may be shown twice, or not at all. */
bool conntrack_for_each(Conntrack *conntrack, const ConntrackScope *scope, ConntrackJudge visit,
                        gpointer data, GError **error);

/* A connection as it came to the host, and as it went on from there. Host byte order. */
typedef struct ConntrackFlow {
        guint32 source;
        guint8 protocol; /* IPPROTO_* */
        guint32 asked;   /* the destination, as it came */
        guint16 asked_port;
        guint32 destination; /* as it went on */
        guint16 port;
        bool is_answered; /* by any packet */
} ConntrackFlow;
typedef bool (*ConntrackFlowJudge)(const ConntrackFlow *flow, gpointer data);

/* Ends every connection that has come to a board of @scope by another address than its own, from
 * wherever, and that @is_to_end says so of: other boards' as well. */
bool conntrack_end_led(Conntrack *conntrack, const ConntrackScope *scope,
                       ConntrackFlowJudge is_to_end, gpointer data, GError **error);
/* Ends every connection that is not translated at all and that @is_to_end says so of. */
bool conntrack_end_unled(Conntrack *conntrack, ConntrackFlowJudge is_to_end, gpointer data,
                         GError **error);

/* Who is to answer what boards ask of anybody but their gateway, by @protocol (IPPROTO_*) and
 * @port: the gateway, or who was asked. */
typedef struct ConntrackAnswerer {
        guint8 protocol;
        guint16 port;
        bool is_gateway;
} ConntrackAnswerer;

/* Ends every connection of @scope's boards to a port of @answerers whose packets go elsewhere than
 * it says, as they do after a change for as long as the board asks from the same port. None of
 * those to the gateway, or from it. */
bool conntrack_end_misled(Conntrack *conntrack, const ConntrackScope *scope, guint32 gateway,
                          const ConntrackAnswerer *answerers, guint n_answerers, GError **error);
/* The same of IPv6. */
bool conntrack_end_misled6(Conntrack *conntrack, const Subnet6 *subnet, const Address6 *gateway,
                           const ConntrackAnswerer *answerers, guint n_answerers, GError **error);

/* Ends every connection of @scope from an address of its subnet to one outside of it that is not
 * translated: one that began while the rules were gone. */
bool conntrack_end_untranslated_from(Conntrack *conntrack, const ConntrackScope *scope,
                                     GError **error);

/* Ends every connection that @scope's boards have by translation, from and to wherever, and what
 * conntrack_end_untranslated_from() ends. */
bool conntrack_end_boards(Conntrack *conntrack, const ConntrackScope *scope, GError **error);
/* The same for IPv6, where no two networks have the same subnet. */
bool conntrack_end_untranslated_from6(Conntrack *conntrack, const Subnet6 *subnet, GError **error);
/* The same of IPv6, where a subnet is nobody else's. */
bool conntrack_end_boards6(Conntrack *conntrack, const Subnet6 *subnet, GError **error);

/* @flow is between a board and an address outside of its subnet, the host's own ones included. */
typedef bool (*ConntrackJudge6)(FilterDirection direction, const FilterFlow *flow, gpointer data);
/* Ends every connection of @subnet's boards, translated or not, that @is_to_end says so of. */
bool conntrack_end_judged6(Conntrack *conntrack, const Subnet6 *subnet, ConntrackJudge6 is_to_end,
                           gpointer data, GError **error);
