/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Of every byte of the text, whatever it is. */

#include "model/digest.h"

#define OFFSET_BASIS G_GUINT64_CONSTANT(14695981039346656037)
#define PRIME        G_GUINT64_CONSTANT(1099511628211)

/* Locally administered, as is a guest's 02. */
#define MADE_FIRST 0x06

guint64 digest_of(const char *text)
{
        guint64 digest = OFFSET_BASIS;

        for (const guint8 *byte = (const guint8 *)text; *byte; byte++) {
                digest ^= *byte;
                digest *= PRIME;
        }
        return digest;
}

void digest_mac(guint8 first, guint64 digest, char ret_mac[static MAC_TEXT_SIZE])
{
        g_snprintf(ret_mac, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", first,
                   (guint)(digest >> 32 & 0xff), (guint)(digest >> 24 & 0xff),
                   (guint)(digest >> 16 & 0xff), (guint)(digest >> 8 & 0xff),
                   (guint)(digest & 0xff));
}

void made_mac(const char *name, char ret_mac[static MAC_TEXT_SIZE])
{
        digest_mac(MADE_FIRST, digest_of(name), ret_mac);
}
