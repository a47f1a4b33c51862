/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each interface is asked for by itself, when it is needed: networks look at one or two of them,
 * the same ones, and a host may have hundreds. One that is not there is asked for again. */

#include "network/host-view.h"

struct HostView {
        Netlink *rtnl;
        GArray *routes; /* NULL: not read yet */
        GArray *links;  /* Link: those that were asked for */
};

HostView *host_view_new(Netlink *rtnl)
{
        HostView *view = g_new(HostView, 1);

        *view = (HostView){ .rtnl = rtnl, .links = g_array_new(FALSE, FALSE, sizeof(Link)) };
        return view;
}

void host_view_free(HostView *view)
{
        if (!view)
                return;
        g_clear_pointer(&view->routes, g_array_unref);
        g_array_unref(view->links);
        g_free(view);
}

const GArray *host_view_routes(HostView *view, GError **error)
{
        if (!view->routes)
                view->routes = route_list(view->rtnl, error);
        return view->routes;
}

/* Keeps what was asked for. */
static int keep(HostView *view, int r, const Link *link, Link *ret_link)
{
        if (r < 0)
                return r;
        g_array_append_val(view->links, *link);
        *ret_link = *link;
        return 0;
}

int host_view_link(HostView *view, const char *name, Link *ret_link)
{
        Link link;

        for (guint i = 0; i < view->links->len; i++) {
                const Link *seen = &g_array_index(view->links, Link, i);
                if (g_str_equal(seen->name, name)) {
                        *ret_link = *seen;
                        return 0;
                }
        }
        return keep(view, link_get(view->rtnl, name, &link), &link, ret_link);
}

int host_view_link_by_index(HostView *view, guint index, Link *ret_link)
{
        Link link;

        for (guint i = 0; i < view->links->len; i++) {
                const Link *seen = &g_array_index(view->links, Link, i);
                if (seen->index == index) {
                        *ret_link = *seen;
                        return 0;
                }
        }
        return keep(view, link_get_by_index(view->rtnl, index, &link), &link, ret_link);
}
