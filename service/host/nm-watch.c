/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tells of the devices that NetworkManager comes to have, to hold and to let go. Whose they should
 * be is not decided here. Each device carries what was told of it last: of the states that it runs
 * through, only the step over UNMANAGED counts. */

#include "host/nm-request.h"

enum { NOTHING_TOLD, TOLD_NOT_HELD, TOLD_HELD };

static GQuark told_quark(void)
{
        return g_quark_from_static_string("dut-network-told");
}

static void device_look(NMDevice *device, GParamSpec *property, gpointer data)
{
        Nm *nm = data;
        bool held = nm_holds_device(device);
        int told = GPOINTER_TO_INT(g_object_get_qdata(G_OBJECT(device), told_quark()));
        int telling = held ? TOLD_HELD : TOLD_NOT_HELD;
        const char *interface = nm_device_get_iface(device);

        if (telling == told || !interface)
                return;
        g_object_set_qdata(G_OBJECT(device), told_quark(), GINT_TO_POINTER(telling));
        if (nm->seen)
                nm->seen(interface, held, nm->seen_data);
}

void nm_watch_device(Nm *nm, NMDevice *device)
{
        g_signal_connect(device, "notify::" NM_DEVICE_STATE, G_CALLBACK(device_look), nm);
        device_look(device, NULL, nm);
}

void nm_unwatch_device(Nm *nm, NMDevice *device)
{
        g_signal_handlers_disconnect_by_data(device, nm); /* requests have handlers of their own */
}

void nm_watch_devices(Nm *nm)
{
        const GPtrArray *devices = nm_client_get_devices(nm->client);

        for (guint i = 0; i < devices->len; i++)
                nm_watch_device(nm, devices->pdata[i]);
}

void nm_unwatch_devices(Nm *nm)
{
        const GPtrArray *devices = nm_client_get_devices(nm->client);

        for (guint i = 0; i < devices->len; i++)
                nm_unwatch_device(nm, devices->pdata[i]);
}

void nm_watch(Nm *nm, NmSeen seen, gpointer data)
{
        nm->seen = seen;
        nm->seen_data = data;
}
