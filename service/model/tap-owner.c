/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A name of digits alone is a uid: useradd(8) makes none of the kind. */

#include "model/tap-owner.h"

#include <string.h>

#define NAME_MAX_BYTES   255
#define PREFIX_MAX_BYTES 10

/* What users' names may have and config_interface_is_valid() does not take. */
#define NO_INTERFACES "%,*#\"\\"

bool tap_owner_is_uid(const char *owner, guint32 *ret_uid)
{
        guint64 uid;

        /* (uid_t)-1 is nobody. */
        if (!g_ascii_string_to_unsigned(owner, 10, 0, G_MAXUINT32 - 1, &uid, NULL))
                return false;
        *ret_uid = (guint32)uid;
        return true;
}

bool tap_owner_is_valid(const char *text)
{
        gsize length = strnlen(text, NAME_MAX_BYTES + 1);
        guint32 uid;

        if (length < 1 || length > NAME_MAX_BYTES || text[0] == '-')
                return false;
        if (strspn(text, "0123456789") == length)
                return tap_owner_is_uid(text, &uid);
        for (const char *p = text; *p; p++)
                if (!g_ascii_isgraph(*p) || strchr("/:", *p))
                        return false;
        return true;
}

char *tap_owner_interface(const char *owner, guint nth)
{
        char *name = g_strdup_printf("%.*sTAP%u", PREFIX_MAX_BYTES, owner, nth);

        return g_strdelimit(name, NO_INTERFACES, '_');
}
