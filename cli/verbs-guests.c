/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Verbs about guests, `with-tap` aside. */

#include <stdio.h>

#include "cli/guest-call.h"
#include "cli/map.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/view.h"

/* A line each, for scripts and for people. */
static void print_guest(const Value *guest)
{
        static const char *const keys[] = { "tap_name", "guest_ip",  "guest_mac",    "gateway_ip",
                                            "netmask",  "public_ip", "kernel_ip_arg" };

        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autofree char *text = text_escape(map_get_text(guest, keys[i]));
                if (*text)
                        printf("%s: %s\n", keys[i], text);
        }
}

bool verb_attach(Command *command, GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(Value) guest = NULL;

        if (!guest_attach(command, command->arguments[0], &path, &guest, error))
                return false;
        if (command->json)
                command_print_json(guest);
        else
                print_guest(guest);
        return true;
}

bool verb_detach(Command *command, GError **error)
{
        g_autofree char *path = NULL;

        return guest_find_network(command, false, &path, error) &&
               command_call_path(command, path, NETWORK_INTERFACE, "DetachGuest", NULL, error, "s",
                                 command->arguments[0]);
}

bool verb_guests(Command *command, GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(Value) guests = NULL;

        if (!guest_find_network(command, false, &path, error) ||
            !command_call_path(command, path, "org.freedesktop.DBus.Properties", "Get", &guests,
                               error, "ss", NETWORK_INTERFACE, "Guests") ||
            !command_check_answer(guests, VALUE_LIST, error))
                return false;
        if (command->json) {
                command_print_json(guests);
                return true;
        }
        g_autoptr(GString) out = g_string_new(NULL);
        view_guests(guests, &command->terminal, out);
        command_print(out->str);
        return true;
}
