/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `with-tap`: a program in our place that has the guest's TAP open. The guest stays attached when
 * it ends: so it has the same address the next time, and `detach` is for those who want it gone. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/guest-call.h"
#include "cli/map.h"
#include "cli/verbs.h"

typedef struct Placeholder {
        const char *name;
        char *text; /* owned */
} Placeholder;

#define N_PLACEHOLDERS 6

/* The program, from its first word on; NULL with an error. */
static char **program_of(const Command *command, GError **error)
{
        char **words = command->arguments + 1;

        if (words[0] && g_str_equal(words[0], "--"))
                words++;
        if (command->host)
                g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                            "with-tap goes without --host: a TAP cannot be handed over from "
                            "another machine; run it there, by ssh");
        else if (!words[0])
                g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                            "with-tap: a command is missing: with-tap ID -- COMMAND [ARG...]");
        else
                return words;
        return NULL;
}

/* Whether any of @words tells where the descriptors go. */
static bool check_takes_fd(char *const *words, guint n_fds, GError **error)
{
        bool has_one = false, has_all = false;

        for (; *words; words++) {
                has_one |= strstr(*words, "{fd}") != NULL;
                has_all |= strstr(*words, "{fds}") != NULL;
        }
        if (has_all || (has_one && n_fds == 1))
                return true;
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    n_fds == 1 ? "with-tap: there is no {fd} in the command, which stands for "
                                 "the TAP's descriptor"
                               : "with-tap: there is no {fds} in the command, which stands for "
                                 "the descriptors of the TAP's queues");
        return false;
}

static GArray *open_guest(Command *command, const char *path, GError **error)
{
        g_autoptr(Value) options = value_new_map();
        g_autoptr(sd_bus_message) call =
                connection_new_call(command->connection, path, NETWORK_INTERFACE, "OpenGuest");

        value_set(options, "vnet_hdr", value_new_bool(command->guest.vnet_hdr));
        int r = sd_bus_message_append(call, "s", command->arguments[0]);
        if (r < 0) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "OpenGuest cannot be called: %s",
                            g_strerror(-r));
                return NULL;
        }
        if (!message_append_settings(call, options, error))
                return NULL;
        return connection_call_for_fds(command->connection, call, error);
}

/* "5:6:7" */
static char *join_fds(const GArray *fds)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < fds->len; i++)
                g_string_append_printf(text, "%s%d", i > 0 ? ":" : "", g_array_index(fds, int, i));
        return g_string_free(text, FALSE);
}

/* @word with what the placeholders in it stand for. The caller's. */
static char *fill(const char *word, const Placeholder *placeholders)
{
        GString *text = g_string_new(NULL);

        while (*word) {
                guint i = 0;
                while (i < N_PLACEHOLDERS && !g_str_has_prefix(word, placeholders[i].name))
                        i++;
                if (i == N_PLACEHOLDERS) {
                        g_string_append_c(text, *word++);
                        continue;
                }
                g_string_append(text, placeholders[i].text);
                word += strlen(placeholders[i].name);
        }
        return g_string_free(text, FALSE);
}

static GPtrArray *fill_all(char *const *words, const GArray *fds, const Value *guest)
{
        GPtrArray *filled = g_ptr_array_new_with_free_func(g_free);
        Placeholder placeholders[N_PLACEHOLDERS] = {
                { "{fd}", g_strdup_printf("%d", g_array_index(fds, int, 0)) },
                { "{fds}", join_fds(fds) },
                { "{tap}", g_strdup(map_get_text(guest, "tap_name")) },
                { "{mac}", g_strdup(map_get_text(guest, "guest_mac")) },
                { "{ip}", g_strdup(map_get_text(guest, "guest_ip")) },
                { "{kernel_ip_arg}", g_strdup(map_get_text(guest, "kernel_ip_arg")) },
        };

        for (; *words; words++)
                g_ptr_array_add(filled, fill(*words, placeholders));
        g_ptr_array_add(filled, NULL);
        for (guint i = 0; i < N_PLACEHOLDERS; i++)
                g_free(placeholders[i].text);
        return filled;
}

static bool run(char *const *words, const GArray *fds, GError **error)
{
        for (guint i = 0; i < fds->len; i++)
                if (fcntl(g_array_index(fds, int, i), F_SETFD, 0) < 0) {
                        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                                    "the TAP cannot be passed on: %s", g_strerror(errno));
                        return false;
                }
        (void)execvp(words[0], words);
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot run %s: %s", words[0],
                    g_strerror(errno));
        return false;
}

bool verb_with_tap(Command *command, GError **error)
{
        char **words = program_of(command, error);
        g_autofree char *path = NULL;
        g_autoptr(Value) guest = NULL;

        if (!words || !check_takes_fd(words, 1, error) ||
            !guest_attach(command, command->arguments[0], &path, &guest, error))
                return false;
        const Value *queues = value_get(guest, "queues");
        guint n_fds = queues && queues->type == VALUE_NUMBER ? (guint)queues->number : 1;
        if (!check_takes_fd(words, n_fds, error))
                return false;
        g_autoptr(GArray) fds = open_guest(command, path, error);
        if (!fds)
                return false;
        g_autoptr(GPtrArray) filled = fill_all(words, fds, guest);
        command_clear(command);
        return run((char *const *)filled->pdata, fds, error);
}
