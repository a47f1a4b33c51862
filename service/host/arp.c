/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Gratuitous ARP: a request for our own address from our own address, by broadcast, so that
 * switches and neighbours learn where it is. One packet socket serves for ever, since closing one
 * waits for the kernel's readers (synchronize_net() in packet_release(), 10 ms and more); no answer
 * is read. */

#include "host/arp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/arp-packet.h"
#include "util/error.h"

#define REPEAT_MS 1000
/* More would not fit into the send buffer at once; the rest follows from the loop. */
#define BURST         64
#define BURST_WAIT_MS 5

struct Arp {
        int fd;
        GHashTable *announcements; /* a set of those that have a timer */
};

/* One round of announcements under way. */
typedef struct Announcement {
        Arp *arp;
        guint index;
        GArray *addresses; /* guint32 */
        guint next;
        bool repeat; /* a second round follows */
        guint timer_id;
} Announcement;

static void announcement_free(gpointer data)
{
        Announcement *announcement = data;

        if (announcement->timer_id)
                g_source_remove(announcement->timer_id);
        g_array_unref(announcement->addresses);
        g_free(announcement);
}

static gboolean on_timer(gpointer data);

static void wait_ms(Announcement *announcement, guint delay_ms)
{
        announcement->timer_id = g_timeout_add(delay_ms, on_timer, announcement);
}

/* Sends the next burst. Returns the milliseconds until what is left, 0 when nothing is, or a
 * negative errno. */
static int go_on(Announcement *announcement)
{
        const GArray *addresses = announcement->addresses;
        struct sockaddr_ll own = { 0 };

        int r = arp_packet_find_own(announcement->arp->fd, announcement->index, &own, NULL);
        if (r <= 0)
                return r;
        r = 0;
        for (guint i = 0; i < BURST && r == 0 && announcement->next < addresses->len; i++) {
                guint32 address = g_array_index(addresses, guint32, announcement->next);
                r = arp_packet_send(announcement->arp->fd, &own, address, address);
                if (r == 0)
                        announcement->next++;
        }
        if (r == -ENETDOWN || r == -ENXIO)
                return 0; /* just gone down: it is told when it comes back */
        if (r < 0 && r != -EAGAIN && r != -ENOBUFS)
                return r;
        if (announcement->next < addresses->len)
                return BURST_WAIT_MS;
        if (!announcement->repeat)
                return 0;
        announcement->next = 0;
        announcement->repeat = false;
        return REPEAT_MS;
}

static gboolean on_timer(gpointer data)
{
        Announcement *announcement = data;
        int r = go_on(announcement);

        announcement->timer_id = 0;
        if (r > 0)
                wait_ms(announcement, (guint)r);
        else /* all are out, or the interface is gone by now */
                g_hash_table_remove(announcement->arp->announcements, announcement);
        return G_SOURCE_REMOVE;
}

Arp *arp_new(GError **error)
{
        /* Protocol 0: nothing is received. */
        int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot open a packet socket: %s", g_strerror(errno));
                return NULL;
        }
        Arp *arp = g_new0(Arp, 1);
        arp->fd = fd;
        arp->announcements = g_hash_table_new_full(NULL, NULL, announcement_free, NULL);
        return arp;
}

void arp_free(Arp *arp)
{
        if (!arp)
                return;
        g_hash_table_unref(arp->announcements);
        close(arp->fd);
        g_free(arp);
}

bool arp_announce(Arp *arp, guint index, const GArray *addresses, GError **error)
{
        Announcement *announcement = g_new0(Announcement, 1);

        announcement->arp = arp;
        announcement->index = index;
        announcement->addresses = g_array_copy((GArray *)addresses);
        announcement->repeat = true;
        int r = go_on(announcement);
        if (r > 0) {
                g_hash_table_add(arp->announcements, announcement);
                wait_ms(announcement, (guint)r);
                return true;
        }
        announcement_free(announcement);
        if (r == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                    "interface %u: cannot announce addresses: %s", index, g_strerror(-r));
        return false;
}
