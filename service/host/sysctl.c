/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The knobs this service turns, as files below /proc/sys/net. CAP_NET_ADMIN is enough
 * to write them. Who needs which value, and what to give back, is for the callers to know. */

#include "host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/error.h"

static const struct {
        const char *family;
        const char *key;
} knobs[SYSCTL_MAX] = {
        [SYSCTL_IPV4_FORWARDING] = { "ipv4", "forwarding" },
        [SYSCTL_IPV4_RP_FILTER] = { "ipv4", "rp_filter" },
        [SYSCTL_IPV4_ACCEPT_LOCAL] = { "ipv4", "accept_local" },
        [SYSCTL_IPV4_SEND_REDIRECTS] = { "ipv4", "send_redirects" },
        [SYSCTL_IPV4_ACCEPT_REDIRECTS] = { "ipv4", "accept_redirects" },
        [SYSCTL_IPV6_ACCEPT_RA] = { "ipv6", "accept_ra" },
        [SYSCTL_IPV6_ACCEPT_REDIRECTS] = { "ipv6", "accept_redirects" },
        [SYSCTL_IPV6_DISABLE] = { "ipv6", "disable_ipv6" },
        [SYSCTL_IPV4_FWMARK_REFLECT] = { "ipv4", "fwmark_reflect" },
        [SYSCTL_IPV6_FORWARDING] = { "ipv6", "forwarding" },
        [SYSCTL_IPV6_FORCE_FORWARDING] = { "ipv6", "force_forwarding" },
        [SYSCTL_IPV6_FORWARDING_ALL] = { "ipv6", "conf/all/forwarding" },
        [SYSCTL_IPV6_ADDR_GEN_MODE] = { "ipv6", "addr_gen_mode" },
};

static bool is_global(Sysctl sysctl)
{
        return sysctl == SYSCTL_IPV4_FWMARK_REFLECT || sysctl == SYSCTL_IPV6_FORWARDING_ALL;
}

static char *knob_path(Sysctl sysctl, const char *interface)
{
        if (is_global(sysctl))
                return g_strdup_printf("/proc/sys/net/%s/%s", knobs[sysctl].family,
                                       knobs[sysctl].key);
        return g_strdup_printf("/proc/sys/net/%s/conf/%s/%s", knobs[sysctl].family, interface,
                               knobs[sysctl].key);
}

char *sysctl_name(Sysctl sysctl, const char *interface)
{
        if (is_global(sysctl))
                return g_strdelimit(
                        g_strdup_printf("net.%s.%s", knobs[sysctl].family, knobs[sysctl].key), "/",
                        '.');
        return g_strdup_printf("net.%s.conf.%s.%s", knobs[sysctl].family, interface,
                               knobs[sysctl].key);
}

/* The descriptor, or a negative errno. */
static int open_knob(Sysctl sysctl, const char *interface, int flags)
{
        if (interface[0] == '\0' || strchr(interface, '/') || g_str_equal(interface, ".") ||
            g_str_equal(interface, ".."))
                return -ENOENT; /* no interface has such a name, and it would change the path */

        g_autofree char *path = knob_path(sysctl, interface);
        int fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int sysctl_get(Sysctl sysctl, const char *interface, int *ret_value)
{
        char text[32];
        char *end;

        int fd = open_knob(sysctl, interface, O_RDONLY);
        if (fd < 0)
                return fd;
        ssize_t n = read(fd, text, sizeof text - 1);
        int r = n < 0 ? -errno : 0;
        close(fd);
        if (r < 0)
                return r;

        text[n] = '\0';
        long value = strtol(text, &end, 10);
        if (end == text || (*end != '\n' && *end != '\0'))
                return -EBADMSG;
        *ret_value = (int)value;
        return 0;
}

static int put(Sysctl sysctl, const char *interface, int value)
{
        char text[16];
        int length = g_snprintf(text, sizeof text, "%d\n", value);

        int fd = open_knob(sysctl, interface, O_WRONLY);
        if (fd < 0)
                return fd;
        int r = write(fd, text, (size_t)length) < 0 ? -errno : 0;
        close(fd);
        return r;
}

bool sysctl_set(Sysctl sysctl, const char *interface, int value, GError **error)
{
        int current;

        int r = sysctl_get(sysctl, interface, &current);
        if (r == 0 && current == value)
                return true;
        if (r == 0)
                r = put(sysctl, interface, value);
        if (r == 0)
                return true;

        g_autofree char *name = sysctl_name(sysctl, interface);
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: cannot set to %d: %s", name,
                    value, g_strerror(-r));
        return false;
}
