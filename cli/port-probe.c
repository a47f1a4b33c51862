/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Non-blocking connects, many at a time. Each address is tried every 250 ms, whatever has become of
 * the try before: a board that is booting drops what it gets, and the kernel would ask again after
 * a second at the earliest. So up to four tries of one address are under way; a board that needs as
 * long as that to answer is found all the same. One epoll descriptor stands for all of it. */

#include "cli/port-probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cli/error.h"
#include "model/address.h"

#define RETRY_USEC    (250 * 1000)
#define TRY_LIFE_USEC (1000 * 1000)
/* Beyond that addresses wait for their turn. The kernel looks for each silent one for three
 * seconds, and has room for 1024 neighbours of all networks together. */
#define MAX_TRIES        128
#define EVENTS_AT_A_TIME 64

typedef struct Target {
        guint32 address;
        char *text;
        gint64 due_usec;
        GList link; /* in targets, by due_usec */
        guint n_tries;
} Target;

typedef struct Try {
        int fd;
        Target *target; /* outlives it */
        gint64 end_usec;
        GList link; /* in tries, by end_usec */
} Try;

struct PortProbe {
        char *interface;
        guint16 port;
        int epoll_fd, timer_fd;
        GHashTable *by_address; /* text -> Target*, owned */
        GQueue targets, tries;
};

static bool fail(GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot watch connections: %s",
                    g_strerror(errno));
        return false;
}

static bool watch(PortProbe *probe, int fd, guint32 events, void *data)
{
        struct epoll_event event = { .events = events, .data.ptr = data };
        return epoll_ctl(probe->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* Tries */

static void try_end(PortProbe *probe, Try *try)
{
        g_queue_unlink(&probe->tries, &try->link);
        try->target->n_tries--;
        close(try->fd);
        g_free(try);
}

/* A socket that is connecting, or -1. */
static int connect_to(const PortProbe *probe, guint32 address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -1;

        /* Everybody may since Linux 5.7; before that, the route leads to the interface all the
         * same, as long as no other network has the subnet. Whatever else is wrong, the packet must
         * not go elsewhere. */
        const struct sockaddr_in peer = {
                .sin_family = AF_INET,
                .sin_port = htons(probe->port),
                .sin_addr.s_addr = htonl(address),
        };
        bool is_bound = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, probe->interface,
                                   (socklen_t)strlen(probe->interface)) == 0 ||
                        errno == EPERM;
        if (is_bound &&
            (connect(fd, (const struct sockaddr *)&peer, sizeof peer) == 0 || errno == EINPROGRESS))
                return fd;
        close(fd);
        return -1;
}

/* What cannot be tried now is tried again like what failed. */
static void target_try(PortProbe *probe, Target *target, gint64 now_usec)
{
        int fd = connect_to(probe, target->address);
        if (fd < 0)
                return;

        Try *try = g_new0(Try, 1);
        *try = (Try){
                .fd = fd,
                .target = target,
                .end_usec = now_usec + TRY_LIFE_USEC,
                .link.data = try,
        };
        target->n_tries++;
        g_queue_push_tail_link(&probe->tries, &try->link);
        if (!watch(probe, fd, EPOLLOUT, try))
                try_end(probe, try);
}

static bool is_connected(int fd)
{
        int cause = 0;
        socklen_t size = sizeof cause;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &size) == 0 && cause == 0;
}

/* Time */

static void end_old_tries(PortProbe *probe, gint64 now_usec)
{
        for (GList *link; (link = probe->tries.head);) {
                Try *try = link->data;
                if (try->end_usec > now_usec)
                        return;
                try_end(probe, try);
        }
}

static void try_due_targets(PortProbe *probe, gint64 now_usec)
{
        for (GList *link; (link = probe->targets.head) && probe->tries.length < MAX_TRIES;) {
                Target *target = link->data;
                if (target->due_usec > now_usec)
                        return;
                g_queue_unlink(&probe->targets, link);
                target->due_usec = now_usec + RETRY_USEC;
                g_queue_push_tail_link(&probe->targets, link);
                target_try(probe, target, now_usec);
        }
}

static void set_timer(PortProbe *probe)
{
        gint64 next_usec = G_MAXINT64;
        if (probe->tries.head)
                next_usec = ((const Try *)probe->tries.head->data)->end_usec;
        if (probe->targets.head && probe->tries.length < MAX_TRIES)
                next_usec = MIN(next_usec, ((const Target *)probe->targets.head->data)->due_usec);

        struct itimerspec spec = { 0 }; /* never */
        if (next_usec < G_MAXINT64) {
                next_usec = MAX(next_usec, 1);
                spec.it_value.tv_sec = next_usec / G_USEC_PER_SEC;
                spec.it_value.tv_nsec = next_usec % G_USEC_PER_SEC * 1000;
        }
        if (timerfd_settime(probe->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
                g_error("cannot set a timer: %s", g_strerror(errno));
}

static void pass_time(PortProbe *probe)
{
        gint64 now_usec = g_get_monotonic_time();
        end_old_tries(probe, now_usec);
        try_due_targets(probe, now_usec);
        set_timer(probe);
}

/* Targets */

static void target_put_first(PortProbe *probe, Target *target)
{
        target->due_usec = 0;
        g_queue_push_head_link(&probe->targets, &target->link);
}

static void add_address(PortProbe *probe, const char *text)
{
        guint32 address;
        if (g_hash_table_contains(probe->by_address, text) || !address_parse(text, &address))
                return;

        Target *target = g_new0(Target, 1);
        target->address = address;
        target->text = g_strdup(text);
        target->link.data = target;
        g_hash_table_insert(probe->by_address, target->text, target);
        target_put_first(probe, target);
}

static void remove_target(PortProbe *probe, Target *target)
{
        for (GList *link = probe->tries.head; link && target->n_tries > 0;) {
                Try *try = link->data;
                link = link->next;
                if (try->target == target)
                        try_end(probe, try);
        }
        g_queue_unlink(&probe->targets, &target->link);
}

static void target_free(gpointer data)
{
        Target *target = data;
        g_free(target->text);
        g_free(target);
}

void port_probe_set_addresses(PortProbe *probe, GHashTable *addresses)
{
        GHashTableIter iter;
        gpointer text, target;

        g_hash_table_iter_init(&iter, probe->by_address);
        while (g_hash_table_iter_next(&iter, &text, &target)) {
                if (g_hash_table_contains(addresses, text))
                        continue;
                remove_target(probe, target);
                g_hash_table_iter_remove(&iter);
        }

        g_hash_table_iter_init(&iter, addresses);
        while (g_hash_table_iter_next(&iter, &text, NULL))
                add_address(probe, text);
        set_timer(probe);
}

void port_probe_hurry(PortProbe *probe, const char *address)
{
        Target *target = g_hash_table_lookup(probe->by_address, address);
        if (!target)
                return;

        g_queue_unlink(&probe->targets, &target->link);
        target_put_first(probe, target);
        set_timer(probe);
}

/* The whole */

PortProbe *port_probe_new(const char *interface, guint16 port, GError **error)
{
        g_autoptr(PortProbe) probe = g_new0(PortProbe, 1);
        probe->interface = g_strdup(interface);
        probe->port = port;
        probe->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, target_free);
        probe->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        probe->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (probe->epoll_fd < 0 || probe->timer_fd < 0 ||
            !watch(probe, probe->timer_fd, EPOLLIN, NULL)) {
                (void)fail(error); /* false */
                return NULL;
        }
        return g_steal_pointer(&probe);
}

void port_probe_set_interface(PortProbe *probe, const char *interface)
{
        char *copy = g_strdup(interface);

        g_free(probe->interface);
        probe->interface = copy;
}

void port_probe_free(PortProbe *probe)
{
        if (!probe)
                return;

        while (probe->tries.head)
                try_end(probe, probe->tries.head->data);
        g_hash_table_unref(probe->by_address);
        if (probe->timer_fd >= 0)
                close(probe->timer_fd);
        if (probe->epoll_fd >= 0)
                close(probe->epoll_fd);
        g_free(probe->interface);
        g_free(probe);
}

int port_probe_fd(const PortProbe *probe)
{
        return probe->epoll_fd;
}

char *port_probe_dispatch(PortProbe *probe)
{
        struct epoll_event events[EVENTS_AT_A_TIME];
        int n = epoll_wait(probe->epoll_fd, events, G_N_ELEMENTS(events), 0);

        for (int i = 0; i < n; i++) {
                Try *try = events[i].data.ptr;
                if (!try)
                        continue; /* time has passed: below */
                if (is_connected(try->fd))
                        return g_strdup(try->target->text);
                try_end(probe, try);
        }
        pass_time(probe);
        return NULL;
}
