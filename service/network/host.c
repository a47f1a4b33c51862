/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Opens and closes the shared handles. Holds no logic of its own. */

#include "network/host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/file.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* Two daemons would undo each other's networks. */
static bool lock(Host *host, GError **error)
{
        g_autofree char *path = g_build_filename(host->run_dir, "lock", NULL);

        host->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (host->lock_fd >= 0 && flock(host->lock_fd, LOCK_EX | LOCK_NB) == 0)
                return true;
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "%s: %s", path,
                    errno == EWOULDBLOCK ? "another dut-networkd has it" : g_strerror(errno));
        return false;
}

Host *host_new(const char *run_dir, const char *lib_dir, bool own_tables, GError **error)
{
        g_autoptr(Host) host = g_new0(Host, 1);
        g_autofree char *networks = g_build_filename(lib_dir, "networks", NULL);
        g_autoptr(GError) lib_error = NULL;

        host->lock_fd = -1;
        host->run_dir = g_strdup(run_dir);
        host->lib_dir = g_strdup(lib_dir);
        host->networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        host->joints = g_ptr_array_new();
        host->tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_hash_table_insert(host->tables, g_strdup(GUARD_TABLE), g_strdup("")); /* nobody's */
        g_hash_table_insert(host->tables, g_strdup(GATEWAYS_TABLE), g_strdup(""));
        g_hash_table_insert(host->tables, g_strdup(FILTER_TABLE), g_strdup(""));
        g_hash_table_insert(host->tables, g_strdup(FILTER_TABLE_PLAIN), g_strdup(""));
        g_hash_table_insert(host->tables, g_strdup(NAMES_TABLE), g_strdup(""));
        host->disk = file_sync_new();
        if (!directory_make(run_dir, 0755, error))
                return NULL;
        if (!directory_make(networks, 0755, &lib_error)) /* networks that are up go on without */
                log_warning("%s", lib_error->message);

        if (!lock(host, error))
                return NULL;
        host->rtnl = netlink_new(NETLINK_ROUTE, error);
        if (!host->rtnl)
                return NULL;
        host->nft = nft_new(own_tables, error);
        if (!host->nft)
                return NULL;
        host->conntrack = conntrack_new(error);
        if (!host->conntrack)
                return NULL;
        host->listeners = listeners_new(error);
        if (!host->listeners)
                return NULL;
        host->arp = arp_new(error);
        if (!host->arp)
                return NULL;
        host->arp_prober = arp_prober_new(error);
        if (!host->arp_prober)
                return NULL;
        host->foreign_firewall = foreign_firewall_new(error);
        if (!host->foreign_firewall)
                return NULL;

        host->file_watches = file_watches_new(error);
        if (!host->file_watches)
                return NULL;

        host->resolver = resolver_new();
        host->dnsmasq_build = dnsmasq_build_new();
        host->knobs = knobs_new(run_dir);
        host->guard = guard_new(host->nft);
        host->gateways = gateways_new(host->nft);
        host->nm = nm_new();
        host->owed = owed_new(run_dir, host->nm);
        host->firewalld = firewalld_new();
        return g_steal_pointer(&host);
}

void host_free(Host *host)
{
        if (!host)
                return;
        file_sync_free(host->disk);
        nm_free(host->nm);
        owed_free(host->owed);
        firewalld_free(host->firewalld);
        guard_free(host->guard);
        gateways_free(host->gateways);
        knobs_free(host->knobs);
        resolver_free(host->resolver);
        file_watches_free(host->file_watches);
        dnsmasq_build_free(host->dnsmasq_build);
        foreign_firewall_free(host->foreign_firewall);
        arp_prober_free(host->arp_prober);
        arp_free(host->arp);
        listeners_free(host->listeners);
        conntrack_free(host->conntrack);
        nft_free(host->nft);
        netlink_free(host->rtnl);
        g_clear_pointer(&host->networks, g_hash_table_unref);
        g_clear_pointer(&host->tables, g_hash_table_unref);
        g_clear_pointer(&host->joints, g_ptr_array_unref);
        if (host->lock_fd >= 0)
                close(host->lock_fd);
        g_free(host->run_dir);
        g_free(host->lib_dir);
        g_free(host);
}
