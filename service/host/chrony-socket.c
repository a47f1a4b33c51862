/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The kernel's table of UDP sockets says which have the address, the process's descriptors which is
 * its own: twins' have the same address. chronyd itself tells nobody when it is ready: its pid file
 * comes before its socket. */

#include "host/chrony-socket.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "util/file.h"

#define TABLE       "/proc/net/udp"
#define TABLE_LIMIT (16 * 1024 * 1024)

/* Inodes of the sockets that have the address, as a set of texts as links of descriptors have them.
 */
static GHashTable *sockets_at(guint32 address, guint16 port)
{
        GHashTable *sockets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *table = file_read(TABLE, TABLE_LIMIT, NULL, NULL);
        g_auto(GStrv) lines = g_strsplit(table ? table : "", "\n", -1);

        for (guint i = 0; lines[i]; i++) {
                guint local, local_port;
                unsigned long inode;
                if (sscanf(lines[i], " %*u: %8x:%4x %*8x:%*4x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                           &local, &local_port, &inode) == 3 &&
                    local == htonl(address) && local_port == port)
                        g_hash_table_add(sockets, g_strdup_printf("socket:[%lu]", inode));
        }
        return sockets;
}

bool chrony_socket_is_bound(pid_t pid, guint32 address, guint16 port)
{
        g_autoptr(GHashTable) sockets = sockets_at(address, port);
        g_autofree char *path = g_strdup_printf("/proc/%d/fd", pid);
        g_autoptr(GDir) directory = NULL;
        const char *name;

        if (g_hash_table_size(sockets) > 0)
                directory = g_dir_open(path, 0, NULL);
        while (directory && (name = g_dir_read_name(directory))) {
                g_autofree char *link = g_build_filename(path, name, NULL);
                g_autofree char *target = g_file_read_link(link, NULL);
                if (target && g_hash_table_contains(sockets, target))
                        return true;
        }
        return false;
}
