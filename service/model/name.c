/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Names of interfaces, tables and hosts: what may be one, and its one spelling. Whether there is
 * such an interface or table is asked elsewhere. */

#include "model/name.h"

#include <string.h>

#include "model/address.h"
#include "model/quote.h"
#include "util/error.h"

#define INTERFACE_MAX_BYTES 15
#define HOSTNAME_MAX_BYTES  253
#define LABEL_MAX_BYTES     63

bool interface_name_is_valid(const char *name)
{
        static const char *const reserved[] = { ".", "..", "all", "default", NULL };
        gsize length = strnlen(name, INTERFACE_MAX_BYTES + 1);

        if (length < 1 || length > INTERFACE_MAX_BYTES)
                return false;
        if (g_strv_contains(reserved, name))
                return false;

        for (const char *p = name; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:%", *p))
                        return false;
        return true;
}

char *table_name(const char *interface)
{
        char *name = g_strconcat(TABLE_PREFIX, interface, NULL);
        for (char *p = name; *p; p++)
                if (!g_ascii_isalnum(*p))
                        *p = '_';
        return name;
}

char *table_name_with_suffix(const char *interface, guint nth)
{
        g_autofree char *name = table_name(interface);
        return g_strdup_printf("%s.%u", name, nth);
}

const char *table_suffix(const char *table)
{
        return g_str_has_prefix(table, TABLE_PREFIX) ? table + strlen(TABLE_PREFIX) : table;
}

/* What is wrong with the label of @length bytes at @label, or NULL. */
static const char *label_fault(const char *label, gsize length)
{
        if (length == 0)
                return "it has an empty label";
        if (length > LABEL_MAX_BYTES)
                return "it has a label of more than 63 bytes";
        for (gsize i = 0; i < length; i++)
                if (!g_ascii_isalnum(label[i]) && label[i] != '-' && label[i] != '_')
                        return "only letters, digits, '-', '_' and '.' may be in it";
        if (label[0] == '-' || label[length - 1] == '-')
                return "it has a label that begins or ends with '-'";
        return NULL;
}

static const char *hostname_fault(const char *text)
{
        if (!*text)
                return "it is empty";
        if (strnlen(text, HOSTNAME_MAX_BYTES + 1) > HOSTNAME_MAX_BYTES)
                return "it is longer than 253 bytes";

        for (const char *label = text;; label++) {
                gsize length = strcspn(label, ".");
                const char *fault = label_fault(label, length);
                if (fault)
                        return fault;
                label += length;
                if (!*label)
                        break;
        }

        /* RFC 1123, 2.1: a host name never has the form of an address, and dnsmasq would take
           this one for an address. */
        guint32 address;
        return address_parse(text, &address) ? "it is an address" : NULL;
}

char *hostname_normalise(const char *text, GError **error)
{
        const char *fault = hostname_fault(text);
        if (fault) {
                g_autofree char *quoted = quote_text(text);
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "%s is not a host name: %s", quoted, fault);
                return NULL;
        }
        return g_ascii_strdown(text, -1);
}

bool hostname_is_like_address(const char *hostname)
{
        const char *dot = strrchr(hostname, '.');
        const char *last = dot ? dot + 1 : hostname;

        return *last && strspn(last, "0123456789") == strlen(last);
}

const char *hostname_parent(const char *hostname)
{
        const char *point = strchr(hostname, '.');

        return point ? point + 1 : NULL;
}
