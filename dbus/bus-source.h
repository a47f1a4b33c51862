/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A bus connection as a source of GLib's main loop. */

#include <glib.h>
#include <systemd/sd-bus.h>

/* Hangs @bus on the default main context. @lost is called once, from the loop, when the connection
 * is no more; the source is gone then. The caller owns the source. */
GSource *bus_source_new(sd_bus *bus, void (*lost)(int error, gpointer data), gpointer data);
