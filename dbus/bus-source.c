/* SPDX-License-Identifier: GPL-2.0-or-later */

/* sd-bus in GLib's loop: what to poll for and until when is asked anew before each poll, since both
 * change with every message; one dispatch handles one message, so that nothing else starves. */

#include "dbus/bus-source.h"

#include <poll.h>

typedef struct BusSource {
        GSource source;
        sd_bus *bus;
        GPollFD poll;
        void (*lost)(int error, gpointer data);
        gpointer data;
        int error;
} BusSource;

/* The deadline of sd_bus_get_timeout() (absolute, monotonic, microseconds) as milliseconds from
 * now; -1 = none. */
static int timeout_ms(sd_bus *bus)
{
        uint64_t deadline_usec;

        if (sd_bus_get_timeout(bus, &deadline_usec) < 0 || deadline_usec == UINT64_MAX)
                return -1;
        gint64 now_usec = g_get_monotonic_time();
        if (deadline_usec <= (uint64_t)now_usec)
                return 0;
        uint64_t left_ms = (deadline_usec - (uint64_t)now_usec + 999) / 1000;
        return left_ms > G_MAXINT ? G_MAXINT : (int)left_ms;
}

static gboolean prepare(GSource *source, int *ret_timeout_ms)
{
        BusSource *self = (BusSource *)source;
        int events = sd_bus_get_events(self->bus);

        if (events < 0) {
                self->error = events;
                return TRUE;
        }
        self->poll.events = (gushort)events;
        *ret_timeout_ms = timeout_ms(self->bus);
        return *ret_timeout_ms == 0;
}

static gboolean check(GSource *source)
{
        BusSource *self = (BusSource *)source;
        return self->error < 0 || self->poll.revents != 0 || timeout_ms(self->bus) == 0;
}

static gboolean dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
        BusSource *self = (BusSource *)source;
        int r = self->error < 0 ? self->error : sd_bus_process(self->bus, NULL);

        if (r >= 0)
                return G_SOURCE_CONTINUE;
        self->lost(r, self->data);
        return G_SOURCE_REMOVE;
}

static void finalize(GSource *source)
{
        BusSource *self = (BusSource *)source;
        sd_bus_unref(self->bus);
}

static GSourceFuncs bus_source_functions = {
        .prepare = prepare,
        .check = check,
        .dispatch = dispatch,
        .finalize = finalize,
};

GSource *bus_source_new(sd_bus *bus, void (*lost)(int error, gpointer data), gpointer data)
{
        GSource *source = g_source_new(&bus_source_functions, sizeof(BusSource));
        BusSource *self = (BusSource *)source;

        self->bus = sd_bus_ref(bus);
        self->lost = lost;
        self->data = data;
        self->poll.fd = sd_bus_get_fd(bus);
        self->poll.events = POLLIN;
        g_source_set_name(source, "sd-bus");
        g_source_set_priority(source, G_PRIORITY_HIGH); /* calls before what libnm has to read */
        g_source_add_poll(source, &self->poll);
        g_source_attach(source, NULL);
        return source;
}
