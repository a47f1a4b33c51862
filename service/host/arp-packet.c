/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Writes ARP requests, and reads nothing. */

#include "host/arp-packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if.h>

int arp_packet_find_own(int fd, guint index, struct sockaddr_ll *ret_own, guint *ret_flags)
{
        struct ifreq query = { .ifr_ifindex = (int)index };
        struct sockaddr_ll own = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };

        if (ioctl(fd, SIOCGIFNAME, &query) < 0 || ioctl(fd, SIOCGIFFLAGS, &query) < 0)
                return errno == ENODEV || errno == ENXIO ? 0 : -errno;
        if (!(query.ifr_flags & IFF_UP) || (query.ifr_flags & (IFF_NOARP | IFF_LOOPBACK)))
                return 0;
        if (ret_flags)
                *ret_flags = (guint16)query.ifr_flags;
        if (ioctl(fd, SIOCGIFHWADDR, &query) < 0)
                return errno == ENODEV ? 0 : -errno;
        if (query.ifr_hwaddr.sa_family != ARPHRD_ETHER)
                return 0;
        memcpy(own.sll_addr, query.ifr_hwaddr.sa_data, ETH_ALEN);
        *ret_own = own;
        return 1;
}

int arp_packet_send(int fd, const struct sockaddr_ll *own, guint32 sender, guint32 target)
{
        struct ether_arp packet = {
                .ea_hdr.ar_hrd = htons(ARPHRD_ETHER),
                .ea_hdr.ar_pro = htons(ETH_P_IP),
                .ea_hdr.ar_hln = ETH_ALEN,
                .ea_hdr.ar_pln = sizeof target,
                .ea_hdr.ar_op = htons(ARPOP_REQUEST),
        };
        struct sockaddr_ll to = {
                .sll_family = AF_PACKET,
                .sll_protocol = htons(ETH_P_ARP),
                .sll_ifindex = own->sll_ifindex,
                .sll_halen = ETH_ALEN,
        };
        guint32 sender_wire = htonl(sender), target_wire = htonl(target);

        memcpy(packet.arp_sha, own->sll_addr, ETH_ALEN);
        memcpy(packet.arp_spa, &sender_wire, sizeof sender_wire);
        memcpy(packet.arp_tpa, &target_wire, sizeof target_wire);
        memset(to.sll_addr, 0xff, ETH_ALEN);
        if (sendto(fd, &packet, sizeof packet, 0, (const struct sockaddr *)&to, sizeof to) < 0)
                return -errno;
        return 0;
}
