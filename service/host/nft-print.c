/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A table in nft's own words: libnftables is used for this alone. Whether there is a table the
 * kernel is asked first, since libnftables says why it failed only in prose. */

#include "host/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include <libnftnl/table.h>
#include <nftables/libnftables.h>

#include "host/netlink.h"
#include "util/error.h"

typedef struct nft_ctx NftContext;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftContext, nft_ctx_free)

typedef struct nftnl_table NftTable;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NftTable, nftnl_table_free)

static bool table_exists(guint16 family, const char *name, bool *ret_exists, GError **error)
{
        char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
        g_autoptr(NftTable) table = nftnl_table_alloc();
        g_autoptr(Netlink) netlink = netlink_new(NETLINK_NETFILTER, error);

        if (!netlink)
                return false;
        nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
        struct nlmsghdr *request =
                nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETTABLE, family, NLM_F_ACK, 0);
        nftnl_table_nlmsg_build_payload(request, table);

        int r = netlink_request(netlink, request, NULL, NULL, NULL);
        if (r < 0 && r != -ENOENT) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot look it up: %s",
                            name, g_strerror(-r));
                return false;
        }
        *ret_exists = r == 0;
        return true;
}

static char *print(guint16 family, const char *table, const char *command, GError **error)
{
        g_autoptr(NftContext) context = NULL;
        bool exists;

        if (!table_exists(family, table, &exists, error))
                return NULL;
        if (!exists)
                return g_strdup("");

        context = nft_ctx_new(NFT_CTX_DEFAULT);
        if (!context || nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "%s: cannot start libnftables", table);
                return NULL;
        }
        if (nft_run_cmd_from_buffer(context, command) != 0) {
                g_autofree char *reason = g_strdup(nft_ctx_get_error_buffer(context));
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot print it: %s",
                            table, g_strstrip(reason));
                return NULL;
        }
        return g_strdup(nft_ctx_get_output_buffer(context));
}

char *nft_print_table(guint16 family, const char *table, GError **error)
{
        g_autofree char *command =
                g_strdup_printf("list table %s %s", family == NFPROTO_IPV6 ? "ip6" : "ip", table);

        return print(family, table, command, error);
}

/* Where the part that begins at @line, as "\tchain NAME {", ends: behind its "\t}". NULL: none
 * begins there. */
static const char *end_of_part(const char *line)
{
        const char *brace = strstr(line, " {\n"), *newline = strchr(line, '\n');
        const char *end = strstr(line, "\n\t}\n");

        if (line[0] != '\t' || line[1] == '\t' || !brace || brace + 2 != newline || !end)
                return NULL;
        return end + strlen("\n\t}\n");
}

char *nft_print_parts(const char *table, GHashTable *parts, GError **error)
{
        g_autofree char *whole = nft_print_table(NFPROTO_IPV4, table, error);
        g_autoptr(GString) text = g_string_new(NULL);

        for (const char *line = whole; line && *line;) {
                const char *end = end_of_part(line), *newline = strchr(line, '\n');
                g_autofree char *name =
                        end ? g_strndup(line + 1, (gsize)(strstr(line, " {\n") - line) - 1) : NULL;
                if (name && g_hash_table_contains(parts, name))
                        g_string_append_printf(text, "%s%.*s", text->len > 0 ? "\n" : "",
                                               (int)(end - line), line);
                line = end ? end : newline ? newline + 1 : NULL;
        }
        if (whole && text->len > 0) {
                g_autofree char *head = g_strdup_printf("table ip %s {\n", table);
                g_string_prepend(text, head);
                g_string_append(text, "}\n");
        }
        return whole ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}
