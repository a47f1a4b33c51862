/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each address is asked for three times, by nobody (sender 0.0.0.0), so that no cache learns
 * anything. It is in use where somebody else speaks as it, or probes for it as well. One packet
 * socket serves for ever, since closing one, or binding it anew, waits for the kernel's readers
 * (synchronize_net()); while nothing is probed a filter keeps the LAN's ARP from waking us. The
 * times are shorter than the RFC's, which are for hosts that nobody waits for. */

#include "host/arp-probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <linux/filter.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/arp-packet.h"
#include "model/address.h"
#include "util/error.h"

#define N_PASSES 3
#define PASS_MS  50
/* More would not fit into the send buffer at once; the rest follows from the loop. */
#define BURST         64
#define BURST_WAIT_MS 2

struct ArpProber {
        int fd;
        guint source_id;
        GPtrArray *probes; /* ArpProbe*, borrowed: under way */
};

struct ArpProbe {
        ArpProber *prober;
        struct sockaddr_ll own;
        GArray *addresses;  /* guint32 */
        GHashTable *asked;  /* the same, as a set */
        GHashTable *in_use; /* address -> MAC */
        guint next, n_passes;
        gint64 pass_usec; /* when the pass began (monotonic) */
        guint timer_id;
        ArpProbeDone done;
        gpointer data;
};

/* Lets all ARP in, or nothing. */
static int set_filter(int fd, bool listens)
{
        struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, listens ? G_MAXUINT16 : 0);
        struct sock_fprog program = { .len = 1, .filter = &code };

        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? -errno
                                                                                          : 0;
}

static void take_note(ArpProbe *probe, const struct ether_arp *packet)
{
        const guint8 *mac = packet->arp_sha;
        guint32 wire, sender, target;

        if (memcmp(mac, probe->own.sll_addr, ETH_ALEN) == 0)
                return; /* a switch that sends us our own */
        memcpy(&wire, packet->arp_spa, sizeof wire);
        sender = ntohl(wire);
        memcpy(&wire, packet->arp_tpa, sizeof wire);
        target = ntohl(wire);
        guint32 claimed = sender;
        if (sender == 0 && packet->ea_hdr.ar_op == htons(ARPOP_REQUEST))
                claimed = target;
        gpointer key = GUINT_TO_POINTER(claimed);
        if (g_hash_table_contains(probe->asked, key) && !g_hash_table_contains(probe->in_use, key))
                g_hash_table_insert(probe->in_use, key,
                                    g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
                                                    mac[2], mac[3], mac[4], mac[5]));
}

static bool is_good(const struct ether_arp *packet, gssize length)
{
        return length >= (gssize)sizeof *packet && packet->ea_hdr.ar_hrd == htons(ARPHRD_ETHER) &&
               packet->ea_hdr.ar_pro == htons(ETH_P_IP) && packet->ea_hdr.ar_hln == ETH_ALEN &&
               packet->ea_hdr.ar_pln == sizeof(guint32);
}

/* Takes what is waiting at the socket. */
static void read_all(ArpProber *prober)
{
        for (;;) {
                struct sockaddr_ll from;
                socklen_t size = sizeof from;
                struct ether_arp packet;
                gssize length = recvfrom(prober->fd, &packet, sizeof packet, 0,
                                         (struct sockaddr *)&from, &size);
                if (length < 0 && (errno == EINTR || errno == ENETDOWN))
                        continue; /* an interface that went down, once */
                if (length < 0)
                        return;
                if (!is_good(&packet, length))
                        continue;
                for (guint i = 0; i < prober->probes->len; i++) {
                        ArpProbe *probe = prober->probes->pdata[i];
                        if (probe->own.sll_ifindex == from.sll_ifindex)
                                take_note(probe, &packet);
                }
        }
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data)
{
        read_all(data);
        return G_SOURCE_CONTINUE;
}

/* Until the first probe begins, and after the last one has ended, the socket is deaf. */
static void listen_if_needed(ArpProber *prober)
{
        bool listens = prober->probes->len > 0;

        if (listens == (prober->source_id != 0))
                return;
        if (listens) {
                (void)set_filter(prober->fd, true); /* worked before, with another number */
                prober->source_id = g_unix_fd_add(prober->fd, G_IO_IN, on_readable, prober);
                return;
        }
        (void)set_filter(prober->fd, false); /* else it wakes nobody either: no source */
        read_all(prober);
        g_clear_handle_id(&prober->source_id, g_source_remove);
}

ArpProber *arp_prober_new(GError **error)
{
        /* Deaf before it is bound to a protocol: what comes in between is nobody's. */
        int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP) };
        int r = fd < 0 ? -errno : set_filter(fd, false);

        if (r == 0 && bind(fd, (const struct sockaddr *)&all, sizeof all) < 0)
                r = -errno;
        if (r < 0) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED,
                            "cannot open a packet socket: %s", g_strerror(-r));
                if (fd >= 0)
                        close(fd);
                return NULL;
        }
        ArpProber *prober = g_new0(ArpProber, 1);
        prober->fd = fd;
        prober->probes = g_ptr_array_new();
        return prober;
}

void arp_prober_free(ArpProber *prober)
{
        if (!prober)
                return;
        while (prober->probes->len > 0)
                arp_probe_free(prober->probes->pdata[0]);
        g_ptr_array_unref(prober->probes);
        close(prober->fd);
        g_free(prober);
}

static void finish(ArpProbe *probe)
{
        ArpProbeDone done = probe->done;
        gpointer data = probe->data;

        read_all(probe->prober); /* what has come and is not read yet counts */
        g_autoptr(GHashTable) in_use = g_steal_pointer(&probe->in_use);
        arp_probe_free(probe);
        done(in_use, data);
}

/* Sends the next burst. Returns the milliseconds until there is more to do, or -1 after all. */
static int go_on(ArpProbe *probe)
{
        const GArray *addresses = probe->addresses;
        int r = 0;

        if (probe->n_passes == N_PASSES)
                return -1;
        if (probe->next == 0)
                probe->pass_usec = g_get_monotonic_time();
        for (guint i = 0; i < BURST && r == 0 && probe->next < addresses->len; i++) {
                guint32 address = g_array_index(addresses, guint32, probe->next);
                r = arp_packet_send(probe->prober->fd, &probe->own, 0, address);
                if (r == 0)
                        probe->next++;
        }
        if (r < 0 && r != -EAGAIN && r != -ENOBUFS)
                return -1; /* down or gone just now: there is nobody to ask */
        if (probe->next < addresses->len)
                return BURST_WAIT_MS;
        probe->next = 0;
        probe->n_passes++;
        gint64 passed_usec = g_get_monotonic_time() - probe->pass_usec;
        return PASS_MS - (int)MIN(passed_usec / G_TIME_SPAN_MILLISECOND, PASS_MS / 2);
}

static gboolean on_timer(gpointer data)
{
        ArpProbe *probe = data;
        int r = go_on(probe);

        probe->timer_id = 0;
        if (r < 0)
                finish(probe);
        else
                probe->timer_id = g_timeout_add((guint)r, on_timer, probe);
        return G_SOURCE_REMOVE;
}

ArpProbe *arp_probe_new(ArpProber *prober, guint index, const GArray *addresses, ArpProbeDone done,
                        gpointer data)
{
        struct sockaddr_ll own;
        guint flags;

        if (addresses->len == 0 || arp_packet_find_own(prober->fd, index, &own, &flags) <= 0 ||
            !(flags & IFF_RUNNING))
                return NULL;
        ArpProbe *probe = g_new0(ArpProbe, 1);
        probe->prober = prober;
        probe->own = own;
        probe->addresses = g_array_copy((GArray *)addresses);
        probe->asked = g_hash_table_new(NULL, NULL);
        probe->in_use = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        probe->done = done;
        probe->data = data;
        for (guint i = 0; i < addresses->len; i++)
                g_hash_table_add(probe->asked,
                                 GUINT_TO_POINTER(g_array_index(addresses, guint32, i)));
        g_ptr_array_add(prober->probes, probe);
        listen_if_needed(prober);
        int r = go_on(probe);
        probe->timer_id = g_timeout_add((guint)MAX(r, 0), on_timer, probe);
        return probe;
}

void arp_probe_free(ArpProbe *probe)
{
        if (!probe)
                return;
        g_ptr_array_remove(probe->prober->probes, probe);
        listen_if_needed(probe->prober);
        g_clear_handle_id(&probe->timer_id, g_source_remove);
        g_array_unref(probe->addresses);
        g_hash_table_unref(probe->asked);
        g_clear_pointer(&probe->in_use, g_hash_table_unref);
        g_free(probe);
}
