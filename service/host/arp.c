/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Gratuitous ARP: a request for our own address from our own address, by broadcast, so that
 * switches and neighbours learn where it is. One packet socket, made and closed each time; no
 * answer is read. */

#include "host/arp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_packet.h>

#include "util/error.h"

#define REPEAT_SEC 1
/* More would not fit into the send buffer at once; the rest follows from the loop. */
#define BURST         64
#define BURST_WAIT_MS 5

/* One round of announcements under way. */
typedef struct Announcement {
        guint index;
        GArray *addresses; /* guint32 */
        guint next;
        bool repeat; /* a second round follows */
} Announcement;

static void announcement_free(Announcement *announcement)
{
        g_array_unref(announcement->addresses);
        g_free(announcement);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Announcement, announcement_free)

/* The socket, bound to the interface; its MAC is in @ret_own. 0 where there is nobody to tell, or a
 * negative errno. */
static int open_socket(guint index, struct sockaddr_ll *ret_own)
{
        struct sockaddr_ll own = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };
        struct ifreq query = { .ifr_ifindex = (int)index };
        socklen_t size = sizeof own;

        /* Protocol 0: nothing is received. */
        int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        int r = 0;
        if (ioctl(fd, SIOCGIFNAME, &query) < 0 || ioctl(fd, SIOCGIFFLAGS, &query) < 0 ||
            bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
            getsockname(fd, (struct sockaddr *)&own, &size) < 0)
                r = -errno;
        bool told = r == 0 && (query.ifr_flags & IFF_UP) && !(query.ifr_flags & IFF_NOARP) &&
                    own.sll_hatype == ARPHRD_ETHER && own.sll_halen == ETH_ALEN;
        if (!told) {
                close(fd);
                return r == -ENODEV || r == -ENXIO || r == -ENETDOWN ? 0 : r;
        }
        *ret_own = own;
        return fd;
}

static int send_one(int fd, const struct sockaddr_ll *own, guint32 address)
{
        struct ether_arp packet = {
                .ea_hdr.ar_hrd = htons(ARPHRD_ETHER),
                .ea_hdr.ar_pro = htons(ETH_P_IP),
                .ea_hdr.ar_hln = ETH_ALEN,
                .ea_hdr.ar_pln = sizeof address,
                .ea_hdr.ar_op = htons(ARPOP_REQUEST),
        };
        struct sockaddr_ll to = {
                .sll_family = AF_PACKET,
                .sll_protocol = htons(ETH_P_ARP),
                .sll_ifindex = own->sll_ifindex,
                .sll_halen = ETH_ALEN,
        };
        guint32 wire = htonl(address);

        memcpy(packet.arp_sha, own->sll_addr, ETH_ALEN);
        memcpy(packet.arp_spa, &wire, sizeof wire);
        memcpy(packet.arp_tpa, &wire, sizeof wire);
        memset(to.sll_addr, 0xff, ETH_ALEN);
        if (sendto(fd, &packet, sizeof packet, 0, (const struct sockaddr *)&to, sizeof to) < 0)
                return -errno;
        return 0;
}

static gboolean on_timer(gpointer data);

/* Sends the next burst and arranges for what is left. Takes @announcement. */
static int go_on(Announcement *announcement)
{
        g_autoptr(Announcement) owned = announcement;
        struct sockaddr_ll own = { 0 };

        int fd = open_socket(owned->index, &own);
        if (fd <= 0)
                return fd;
        int r = 0;
        for (guint i = 0; i < BURST && r == 0 && owned->next < owned->addresses->len; i++) {
                r = send_one(fd, &own, g_array_index(owned->addresses, guint32, owned->next));
                if (r == 0)
                        owned->next++;
        }
        close(fd);

        if (r == -ENETDOWN || r == -ENXIO)
                return 0; /* just gone down: it is told when it comes back */
        if (r < 0 && r != -EAGAIN && r != -ENOBUFS)
                return r;
        if (owned->next < owned->addresses->len) {
                g_timeout_add(BURST_WAIT_MS, on_timer, g_steal_pointer(&owned));
        } else if (owned->repeat) {
                owned->next = 0;
                owned->repeat = false;
                g_timeout_add_seconds(REPEAT_SEC, on_timer, g_steal_pointer(&owned));
        }
        return 0;
}

static gboolean on_timer(gpointer data)
{
        (void)go_on(data); /* the first round has gone out; the interface may be gone by now */
        return G_SOURCE_REMOVE;
}

bool arp_announce(guint index, const GArray *addresses, GError **error)
{
        Announcement *announcement = g_new0(Announcement, 1);

        announcement->index = index;
        announcement->addresses = g_array_copy((GArray *)addresses);
        announcement->repeat = true;

        int r = go_on(announcement);
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "interface %u: cannot announce addresses: %s", index, g_strerror(-r));
                return false;
        }
        return true;
}
