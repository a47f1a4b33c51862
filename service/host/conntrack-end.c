/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is searched for, by whose connections it is. */

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "host/conntrack-private.h"
#include "util/error.h"

static gpointer key_of(guint32 address)
{
        return GUINT_TO_POINTER(ntohl(address));
}

static bool is_source_translated(const ConntrackEntry *entry)
{
        return entry->original.src != entry->reply.dst;
}

static bool is_destination_translated(const ConntrackEntry *entry)
{
        return entry->original.dst != entry->reply.src;
}

static bool succeeds(int r, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Whether it does; the error says what of, and why. */
static bool succeeds(int r, GError **error, const char *format, ...)
{
        va_list arguments;

        if (r >= 0)
                return true;
        va_start(arguments, format);
        g_autofree char *attempt = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s: %s", attempt,
                    g_strerror(-r));
        return false;
}

/* A network's */

static bool succeeds_of(int r, const ConntrackScope *scope, const char *attempt, GError **error)
{
        g_autofree char *text = subnet_to_string(&scope->subnet);

        return succeeds(r, error, "%s the connections of %s", attempt, text);
}

typedef struct Judged {
        const ConntrackScope *scope;
        ConntrackJudge judge;
        gpointer data;
} Judged;

static bool is_judged_to_end(const ConntrackEntry *entry, gconstpointer data)
{
        const Judged *judged = data;
        Connection connection;

        return conntrack_entry_get_connection(entry, judged->scope, &connection) &&
               judged->judge(&connection, judged->data);
}

bool conntrack_end_judged(Conntrack *conntrack, const ConntrackScope *scope,
                          ConntrackJudge is_to_end, gpointer data, guint *ret_n, GError **error)
{
        const Judged judged = { scope, is_to_end, data };
        const ConntrackSearch search = {
                .mark = scope->mark, .mask = scope->mask, .judge = is_judged_to_end, .data = &judged
        };
        guint n = 0;

        if (!succeeds_of(conntrack_end(conntrack, &search, &n), scope, "end", error))
                return false;
        if (ret_n)
                *ret_n = n;
        return true;
}

bool conntrack_for_each(Conntrack *conntrack, const ConntrackScope *scope, ConntrackJudge visit,
                        gpointer data, GError **error)
{
        const Judged judged = { scope, visit, data };
        ConntrackSearch search = {
                .mark = scope->mark, .mask = scope->mask, .judge = is_judged_to_end, .data = &judged
        };

        return succeeds_of(conntrack_show(conntrack, &search), scope, "read", error);
}

static bool is_stray(const ConntrackEntry *entry, gconstpointer data)
{
        const Subnet *subnet = data;

        return !is_source_translated(entry) && !is_destination_translated(entry) &&
               subnet_contains(subnet, ntohl(entry->original.src)) &&
               !subnet_contains(subnet, ntohl(entry->original.dst));
}

bool conntrack_end_untranslated_from(Conntrack *conntrack, const ConntrackScope *scope,
                                     GError **error)
{
        const ConntrackSearch search = {
                .mark = scope->mark, .mask = scope->mask, .judge = is_stray, .data = &scope->subnet
        };
        guint n = 0;

        return succeeds_of(conntrack_end(conntrack, &search, &n), scope, "end untranslated ones of",
                           error);
}

static bool is_stray6(const ConntrackEntry *entry, gconstpointer data)
{
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        const Subnet6 *subnet = data;

        return address6_equal(&original->src6, &reply->dst6) &&
               address6_equal(&original->dst6, &reply->src6) &&
               subnet6_contains(subnet, &original->src6) &&
               !subnet6_contains(subnet, &original->dst6);
}

static bool end6(Conntrack *conntrack, const Subnet6 *subnet, ConntrackEntryJudge judge,
                 gconstpointer data, GError **error)
{
        const ConntrackSearch search = { .family = NFPROTO_IPV6, .judge = judge, .data = data };
        g_autofree char *text = subnet6_to_string(subnet);
        guint n = 0;

        return succeeds(conntrack_end(conntrack, &search, &n), error, "end connections of %s",
                        text);
}

bool conntrack_end_untranslated_from6(Conntrack *conntrack, const Subnet6 *subnet, GError **error)
{
        return end6(conntrack, subnet, is_stray6, subnet, error);
}

/* Between a board and who is beyond the host, translated or not. */
static bool is_of_boards6(const ConntrackEntry *entry, gconstpointer data)
{
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        const Subnet6 *subnet = data;

        return (subnet6_contains(subnet, &original->src6) &&
                !subnet6_contains(subnet, &original->dst6)) ||
               (subnet6_contains(subnet, &reply->src6) &&
                !subnet6_contains(subnet, &original->src6));
}

bool conntrack_end_boards6(Conntrack *conntrack, const Subnet6 *subnet, GError **error)
{
        return end6(conntrack, subnet, is_of_boards6, subnet, error);
}

typedef struct Judged6 {
        const Subnet6 *subnet;
        ConntrackJudge6 judge;
        gpointer data;
} Judged6;

/* One that another has announced goes with that. */
static bool is_judged_to_end6(const ConntrackEntry *entry, gconstpointer data)
{
        const Judged6 *judged = data;
        FilterDirection direction;
        FilterFlow flow;

        return !(entry->status & IPS_EXPECTED) &&
               conntrack_entry_get_flow6(entry, judged->subnet, &direction, &flow) &&
               judged->judge(direction, &flow, judged->data);
}

bool conntrack_end_judged6(Conntrack *conntrack, const Subnet6 *subnet, ConntrackJudge6 is_to_end,
                           gpointer data, GError **error)
{
        const Judged6 judged = { subnet, is_to_end, data };

        return end6(conntrack, subnet, is_judged_to_end6, &judged, error);
}

/* One that is translated at both ends is a board's to its own public address. */
static bool is_of_boards(const ConntrackEntry *entry, gconstpointer data)
{
        const Subnet *subnet = data;

        return (is_source_translated(entry) &&
                subnet_contains(subnet, ntohl(entry->original.src))) ||
               (is_destination_translated(entry) &&
                subnet_contains(subnet, ntohl(entry->reply.src))) ||
               is_stray(entry, subnet);
}

bool conntrack_end_boards(Conntrack *conntrack, const ConntrackScope *scope, GError **error)
{
        const ConntrackSearch search = { .mark = scope->mark,
                                         .mask = scope->mask,
                                         .judge = is_of_boards,
                                         .data = &scope->subnet };
        guint n = 0;

        return succeeds_of(conntrack_end(conntrack, &search, &n), scope, "end", error);
}

bool conntrack_end_marked(Conntrack *conntrack, guint32 mark, guint32 mask, GError **error)
{
        const ConntrackSearch search = { .mark = mark, .mask = mask };
        guint n = 0;

        return succeeds(conntrack_end(conntrack, &search, &n), error,
                        "end the connections of mark 0x%08x", mark);
}

/* Addresses' */

bool conntrack_end_mapping(Conntrack *conntrack, guint32 ip, guint32 public_ip, guint *ret_n,
                           GError **error)
{
        const ConntrackSearch inbound = { .ends = { .original_dst = htonl(public_ip),
                                                    .reply_src = htonl(ip) } };
        const ConntrackSearch outbound = { .ends = { .original_src = htonl(ip),
                                                     .reply_dst = htonl(public_ip) } };
        g_autofree char *private_text = address_to_string(ip);
        g_autofree char *public_text = address_to_string(public_ip);
        guint n = 0;

        int r = conntrack_end(conntrack, &inbound, &n);
        if (r == 0)
                r = conntrack_end(conntrack, &outbound, &n);
        if (!succeeds(r, error, "end the connections of %s by its public address %s", private_text,
                      public_text))
                return false;
        if (ret_n)
                *ret_n = n;
        return true;
}

static bool is_one_of(GHashTable *public_of, guint32 ip, guint32 public_ip)
{
        gpointer mapped = g_hash_table_lookup(public_of, key_of(ip));

        return mapped && mapped == key_of(public_ip);
}

static bool is_mapping(const ConntrackEntry *entry, gconstpointer data)
{
        GHashTable *public_of = (gpointer)data;

        return is_one_of(public_of, entry->reply.src, entry->original.dst) ||
               is_one_of(public_of, entry->original.src, entry->reply.dst);
}

static bool end_one_mapping(Conntrack *conntrack, GHashTable *public_of, GError **error)
{
        GHashTableIter iter;
        gpointer ip, public_ip;

        g_hash_table_iter_init(&iter, public_of);
        return !g_hash_table_iter_next(&iter, &ip, &public_ip) ||
               conntrack_end_mapping(conntrack, GPOINTER_TO_UINT(ip), GPOINTER_TO_UINT(public_ip),
                                     NULL, error);
}

bool conntrack_end_mappings(Conntrack *conntrack, GHashTable *public_of, GError **error)
{
        const ConntrackSearch search = { .judge = is_mapping, .data = public_of };
        guint n = 0;

        if (g_hash_table_size(public_of) <= 1)
                return end_one_mapping(conntrack, public_of, error);
        return succeeds(conntrack_end(conntrack, &search, &n), error,
                        "end the connections of %u public addresses", g_hash_table_size(public_of));
}

static bool is_of_address(const ConntrackEntry *entry, gconstpointer data)
{
        GHashTable *ips = (gpointer)data;

        return g_hash_table_contains(ips, key_of(entry->original.src)) ||
               g_hash_table_contains(ips, key_of(entry->reply.src));
}

/* Of one address the kernel finds them sooner than we do. */
static int end_address(Conntrack *conntrack, guint32 ip, guint32 mark, guint32 mask)
{
        const ConntrackSearch from = { .ends.original_src = htonl(ip), .mark = mark, .mask = mask };
        const ConntrackSearch to = { .ends.reply_src = htonl(ip), .mark = mark, .mask = mask };
        guint n = 0;

        int r = conntrack_end(conntrack, &from, &n);
        return r < 0 ? r : conntrack_end(conntrack, &to, &n);
}

bool conntrack_end_addresses(Conntrack *conntrack, GHashTable *ips, guint32 mark, guint32 mask,
                             GError **error)
{
        const ConntrackSearch search = {
                .mark = mark, .mask = mask, .judge = is_of_address, .data = ips
        };
        GHashTableIter iter;
        gpointer ip = NULL;
        guint n = 0;

        g_hash_table_iter_init(&iter, ips);
        if (!g_hash_table_iter_next(&iter, &ip, NULL))
                return true;
        int r = g_hash_table_size(ips) == 1
                        ? end_address(conntrack, GPOINTER_TO_UINT(ip), mark, mask)
                        : conntrack_end(conntrack, &search, &n);
        return succeeds(r, error, "end the connections of %u guests", g_hash_table_size(ips));
}

static bool is_of_address6(const ConntrackEntry *entry, gconstpointer data)
{
        GHashTable *addresses = (gpointer)data;

        return g_hash_table_contains(addresses, &entry->original.src6) ||
               g_hash_table_contains(addresses, &entry->reply.src6);
}

bool conntrack_end_addresses6(Conntrack *conntrack, GHashTable *addresses, GError **error)
{
        const ConntrackSearch search = { .family = NFPROTO_IPV6,
                                         .judge = is_of_address6,
                                         .data = addresses };
        guint n = 0;

        if (g_hash_table_size(addresses) == 0)
                return true;
        return succeeds(conntrack_end(conntrack, &search, &n), error,
                        "end the connections of %u addresses", g_hash_table_size(addresses));
}

static bool is_untranslated_to(const ConntrackEntry *entry, gconstpointer data)
{
        return !is_destination_translated(entry) &&
               g_hash_table_contains((gpointer)data, key_of(entry->original.dst));
}

bool conntrack_end_untranslated(Conntrack *conntrack, const GArray *ips, GError **error)
{
        g_autoptr(GHashTable) set = g_hash_table_new(NULL, NULL);
        ConntrackSearch search = { .judge = is_untranslated_to, .data = set };
        guint n = 0;

        if (ips->len == 0)
                return true;
        for (guint i = 0; i < ips->len; i++)
                g_hash_table_add(set, GUINT_TO_POINTER(g_array_index(ips, guint32, i)));
        if (ips->len == 1) /* the kernel finds them sooner than we do */
                search.ends.original_dst = search.ends.reply_src =
                        htonl(g_array_index(ips, guint32, 0));
        return succeeds(conntrack_end(conntrack, &search, &n), error,
                        "end old connections to public addresses");
}

/* Forwards' */

typedef struct Sentence {
        const Subnet *subnet;
        ConntrackFlowJudge judge;
        gpointer data;
} Sentence;

static bool is_sentenced(const Sentence *sentence, const ConntrackEntry *entry)
{
        const ConntrackFlow flow = {
                .source = ntohl(entry->original.src),
                .protocol = entry->original.protocol,
                .asked = ntohl(entry->original.dst),
                .asked_port = ntohs(entry->original.dst_port),
                .destination = ntohl(entry->reply.src),
                .port = ntohs(entry->reply.src_port),
                .is_answered = entry->status & IPS_SEEN_REPLY,
        };

        return sentence->judge(&flow, sentence->data);
}

static bool is_led_to_end(const ConntrackEntry *entry, gconstpointer data)
{
        const Sentence *sentence = data;

        return is_destination_translated(entry) &&
               subnet_contains(sentence->subnet, ntohl(entry->reply.src)) &&
               is_sentenced(sentence, entry);
}

bool conntrack_end_led(Conntrack *conntrack, const ConntrackScope *scope,
                       ConntrackFlowJudge is_to_end, gpointer data, GError **error)
{
        const Sentence sentence = { &scope->subnet, is_to_end, data };
        const ConntrackSearch search = {
                .mark = scope->mark, .mask = scope->mask, .judge = is_led_to_end, .data = &sentence
        };
        guint n = 0;

        return succeeds_of(conntrack_end(conntrack, &search, &n), scope, "end", error);
}

static bool is_unled_to_end(const ConntrackEntry *entry, gconstpointer data)
{
        return !is_source_translated(entry) && !is_destination_translated(entry) &&
               is_sentenced(data, entry);
}

bool conntrack_end_unled(Conntrack *conntrack, ConntrackFlowJudge is_to_end, gpointer data,
                         GError **error)
{
        const Sentence sentence = { .judge = is_to_end, .data = data };
        const ConntrackSearch search = { .judge = is_unled_to_end, .data = &sentence };
        guint n = 0;

        return succeeds(conntrack_end(conntrack, &search, &n), error,
                        "end old connections to forwarded ports");
}

/* Questions' */

typedef struct Asked {
        const ConntrackScope *scope;
        guint32 gateway;
        const Subnet6 *subnet6;
        const Address6 *gateway6;
        const ConntrackAnswerer *answerers;
        guint n;
} Asked;

/* Whether the gateway is to answer @entry's question is *ret_here; false where it asks for nothing
 * that the gateway may answer. */
static bool is_question(const Asked *asked, const ConntrackEntry *entry, bool *ret_here)
{
        for (guint i = 0; i < asked->n; i++) {
                const ConntrackAnswerer *answerer = &asked->answerers[i];
                if (answerer->protocol != entry->original.protocol ||
                    answerer->port != ntohs(entry->original.dst_port))
                        continue;
                *ret_here = answerer->is_gateway;
                return true;
        }
        return false;
}

/* What is led back into the subnet where nothing is to be led was led to a gateway address, perhaps
 * one that the network had before. */
static bool is_misled(const ConntrackEntry *entry, gconstpointer data)
{
        const Asked *asked = data;
        const Subnet *subnet = &asked->scope->subnet;
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        bool here;

        if (!is_question(asked, entry, &here) || !subnet_contains(subnet, ntohl(original->src)) ||
            ntohl(original->src) == asked->gateway || ntohl(original->dst) == asked->gateway)
                return false;
        return here ? ntohl(reply->src) != asked->gateway
                    : is_destination_translated(entry) &&
                               subnet_contains(subnet, ntohl(reply->src));
}

bool conntrack_end_misled(Conntrack *conntrack, const ConntrackScope *scope, guint32 gateway,
                          const ConntrackAnswerer *answerers, guint n_answerers, GError **error)
{
        const Asked asked = {
                .scope = scope, .gateway = gateway, .answerers = answerers, .n = n_answerers
        };
        const ConntrackSearch search = {
                .mark = scope->mark, .mask = scope->mask, .judge = is_misled, .data = &asked
        };
        guint n = 0;

        return succeeds_of(conntrack_end(conntrack, &search, &n), scope, "end questions of", error);
}

static bool is_misled6(const ConntrackEntry *entry, gconstpointer data)
{
        const Asked *asked = data;
        const Subnet6 *subnet = asked->subnet6;
        const ConntrackTuple *original = &entry->original, *reply = &entry->reply;
        bool here;

        if (!is_question(asked, entry, &here) || !subnet6_contains(subnet, &original->src6) ||
            address6_equal(&original->src6, asked->gateway6) ||
            address6_equal(&original->dst6, asked->gateway6))
                return false;
        return here ? !address6_equal(&reply->src6, asked->gateway6)
                    : !address6_equal(&original->dst6, &reply->src6) &&
                               subnet6_contains(subnet, &reply->src6);
}

bool conntrack_end_misled6(Conntrack *conntrack, const Subnet6 *subnet, const Address6 *gateway,
                           const ConntrackAnswerer *answerers, guint n_answerers, GError **error)
{
        const Asked asked = {
                .subnet6 = subnet, .gateway6 = gateway, .answerers = answerers, .n = n_answerers
        };
        const ConntrackSearch search = { .family = NFPROTO_IPV6,
                                         .judge = is_misled6,
                                         .data = &asked };
        g_autofree char *text = subnet6_to_string(subnet);
        guint n = 0;

        return succeeds(conntrack_end(conntrack, &search, &n), error, "end questions of %s", text);
}
