/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `ssh`: ssh(1) in our place, with `dutnetctl connect` as its ProxyCommand. ssh has a shell run
 * that: what goes into it is quoted, or of characters that mean nothing there. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/verbs.h"
#include "model/address.h"
#include "model/name.h"

/* Of [USER@]ADDRESS. ssh takes the last "@". */
static const char *address_of(const char *destination)
{
        const char *at = strrchr(destination, '@');
        return at ? at + 1 : destination;
}

/* Whatever is one is of letters, digits and ".:-_", and begins with none of those: no option of
 * ours, and nothing to a shell. */
static bool is_address(const char *text)
{
        guint32 address;
        char mac[MAC_TEXT_SIZE];
        if (address_parse(text, &address) || mac_parse(text, mac))
                return true;

        g_autofree char *hostname = hostname_normalise(text, NULL);
        return hostname;
}

static bool check(const Command *command, GError **error)
{
        const char *destination = command->arguments[0];
        if (command->host)
                return fail_usage(error,
                                  "ssh goes without --host: a connection cannot be handed over "
                                  "from another machine; run it there, by ssh");
        if (destination[0] != '-' && destination[0] != '@' && is_address(address_of(destination)))
                return true;
        return fail_usage(error,
                          "ssh: \"%s\" is not [USER@]ADDRESS, with an IPv4 address, a host name or "
                          "a MAC",
                          destination);
}

/* @word for the shell, in an option where ssh replaces what follows "%". The caller's. */
static char *quote_word(const char *word)
{
        g_autofree char *quoted = g_shell_quote(word);
        g_auto(GStrv) parts = g_strsplit(quoted, "%", -1);
        return g_strjoinv("%%", parts);
}

/* This program, whatever PATH says; the caller's. */
static char *own_path(void)
{
        char *path = g_file_read_link("/proc/self/exe", NULL);
        return path ? path : g_strdup("dutnetctl");
}

static char *proxy_command(const Command *command, const char *interface)
{
        g_autofree char *program = own_path();
        g_autofree char *program_word = quote_word(program);
        g_autofree char *interface_word = quote_word(interface);
        return g_strdup_printf("ProxyCommand=%s%s -i %s connect %%h %%p", program_word,
                               command->no_ask_password ? " --no-ask-password" : "",
                               interface_word);
}

/* Many boards have the same address, and each its own key. What means something to ssh or in
 * known_hosts becomes '_'. */
static char *key_alias(const char *interface, const char *address)
{
        g_autofree char *name = g_strdup(interface);
        g_strcanon(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_", '_');
        g_autofree char *lower = g_ascii_strdown(address, -1);
        return g_strdup_printf("HostKeyAlias=%s/%s", name, lower);
}

static GPtrArray *arguments_new(const Command *command, const char *interface)
{
        GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(arguments, g_strdup("ssh"));
        g_ptr_array_add(arguments, g_strdup("-o"));
        g_ptr_array_add(arguments, proxy_command(command, interface));
        g_ptr_array_add(arguments, g_strdup("-o"));
        g_ptr_array_add(arguments, key_alias(interface, address_of(command->arguments[0])));
        for (guint i = 0; i < command->n_arguments; i++)
                g_ptr_array_add(arguments, g_strdup(command->arguments[i]));
        g_ptr_array_add(arguments, NULL);
        return arguments;
}

bool verb_ssh(Command *command, GError **error)
{
        g_autofree char *interface = NULL;
        g_autofree char *path = NULL;
        if (!check(command, error) || !command_find_network(command, &interface, &path, error))
                return false;

        g_autoptr(GPtrArray) arguments = arguments_new(command, interface);
        command_clear(command);
        (void)execvp("ssh", (char *const *)arguments->pdata);
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot run ssh: %s", g_strerror(errno));
        return false;
}
