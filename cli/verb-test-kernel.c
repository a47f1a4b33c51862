/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `test-kernel`: a test on a kernel of its own, whose interfaces are on TAPs of networks that live
 * as long as we are on the bus. The exit code is the test's; what keeps it from having one has
 * codes of its own, as with timeout(1) and env(1). */

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/error.h"
#include "cli/kernel-machine.h"
#include "cli/kernel-run.h"
#include "cli/map.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "model/tap-owner.h"

enum {
        EXIT_LATE = 124,
        EXIT_NOT_RUN = 125, /* no network, or no kernel, or it ended before the test */
        EXIT_SIGNAL = 128,  /* and its number */
};

#define DEFAULT_MEMORY  "256M"
#define DEFAULT_MODULES "/usr/lib/uml/modules"

/* Not there where the host's kernel has no IPv6. */
#define IPV6_OF_HOST "/proc/sys/net/ipv6"

#define ROOT_HOME  "/root"
#define ADMIN_PATH "/usr/local/sbin:/usr/sbin:/sbin"

/* What was asked for, read. */
typedef struct Wish {
        guint n_taps;
        const char *memory, *modules;
        gint64 deadline_usec;
        char *linux_path, *test; /* owned */
} Wish;

static void wish_clear(Wish *wish)
{
        g_clear_pointer(&wish->linux_path, g_free);
        g_clear_pointer(&wish->test, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wish, wish_clear)

/* Reading the command line */

/* The program @name, as a shell would find it, with no link on the way to it; it may be one itself,
 * and know its name. The caller's. */
static char *find_program(const char *what, const char *name, GError **error)
{
        g_autofree char *found = g_find_program_in_path(name);
        g_autofree char *directory = found ? g_path_get_dirname(found) : NULL;
        g_autofree char *base = found ? g_path_get_basename(found) : NULL;
        char *real = directory ? realpath(directory, NULL) : NULL;

        if (!real) {
                (void)fail_usage(error, "test-kernel: %s: \"%s\" is no program", what, name);
                return NULL;
        }
        char *path = g_build_filename(real, base, NULL);
        free(real);
        return path;
}

static bool is_size(const char *text)
{
        gsize n = strspn(text, "0123456789");

        return n > 0 && n <= 6 && text[0] != '0' && strlen(text) == n + 1 && strchr("MG", text[n]);
}

static bool read_options(const Command *command, Wish *wish, GError **error)
{
        const KernelWishes *given = &command->kernel;
        const char *timeout = command->wait.timeout;
        gint64 usec = G_MAXINT64;
        guint64 n_taps = 1;

        if (given->taps &&
            !g_ascii_string_to_unsigned(given->taps, 10, 0, KERNEL_MAX_TAPS, &n_taps, NULL))
                return fail_usage(error, "test-kernel: --taps: \"%s\" is not a number from 0 to %d",
                                  given->taps, KERNEL_MAX_TAPS);
        if (given->memory && !is_size(given->memory))
                return fail_usage(error, "test-kernel: --memory: \"%s\" is not a size like 256M",
                                  given->memory);
        if (given->modules && given->modules[0] != '/')
                return fail_usage(error, "test-kernel: --modules: \"%s\" is not an absolute path",
                                  given->modules);
        if (timeout && !wait_goal_read_timeout(timeout, &usec))
                return fail_usage(error,
                                  "test-kernel: --timeout: \"%s\" is not a number of seconds above "
                                  "0",
                                  timeout);
        wish->n_taps = (guint)n_taps;
        wish->memory = given->memory ? given->memory : DEFAULT_MEMORY;
        wish->modules = given->modules ? given->modules : DEFAULT_MODULES;
        wish->deadline_usec = timeout ? g_get_monotonic_time() + usec : G_MAXINT64;
        return true;
}

static bool read_wish(const Command *command, Wish *wish, GError **error)
{
        if (command->host)
                return fail_usage(error, "test-kernel goes without --host: a kernel cannot be "
                                         "handed over to another machine; run it there, by ssh");
        if (!read_options(command, wish, error))
                return false;
        wish->linux_path = find_program("LINUX", command->arguments[0], error);
        if (wish->linux_path)
                wish->test = find_program("TEST", command->arguments[1], error);
        return wish->test != NULL;
}

/* The networks */

/* Who we are, as the service takes it: it takes a name of digits for a uid, and not ours. The
 * caller's. */
static char *own_name(void)
{
        const struct passwd *user = getpwuid(getuid());
        guint32 uid;

        return user && tap_owner_is_valid(user->pw_name) && !tap_owner_is_uid(user->pw_name, &uid)
                       ? g_strdup(user->pw_name)
                       : g_strdup_printf("%u", getuid());
}

static void take_own_addresses(GArray *taken)
{
        struct ifaddrs *all = NULL;

        if (getifaddrs(&all) < 0)
                return; /* a subnet that is taken does no harm: it is a twin's then */
        for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
                struct sockaddr_in in;
                if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
                        continue;
                memcpy(&in, one->ifa_addr, sizeof in);
                Subnet host = { .network = ntohl(in.sin_addr.s_addr), .prefix = 32 };
                g_array_append_val(taken, host);
        }
        freeifaddrs(all);
}

static bool get_property(Command *command, const char *path, const char *name, Value **ret_value,
                         GError **error)
{
        return command_call_path(command, path, "org.freedesktop.DBus.Properties", "Get", ret_value,
                                 error, "ss", NETWORK_INTERFACE, name) &&
               command_check_answer(*ret_value, VALUE_TEXT, error);
}

/* What networks and the host have. Array of Subnet, the caller's. */
static GArray *taken_subnets(Command *command, GError **error)
{
        g_autoptr(GArray) taken = g_array_new(FALSE, FALSE, sizeof(Subnet));
        g_autoptr(Value) networks = NULL;

        take_own_addresses(taken);
        if (!command_list_networks(command, &networks, error))
                return NULL;
        for (guint i = 0; i < networks->items->len; i++) {
                g_autoptr(Value) text = NULL;
                Subnet subnet;
                const char *path = map_get_text(networks->items->pdata[i], "path");
                /* One that has just gone has no subnet. */
                if (get_property(command, path, "Subnet", &text, NULL) &&
                    subnet_parse(text->text, &subnet, NULL))
                        g_array_append_val(taken, subnet);
        }
        return g_steal_pointer(&taken);
}

/* @subnet6 may be NULL. */
static char *make_network(Command *command, const char *owner, const Subnet *subnet,
                          const char *subnet6, GError **error)
{
        g_autoptr(Value) settings = value_new_map();
        g_autoptr(Value) path = NULL;
        g_autoptr(Value) interface = NULL;
        g_autofree char *text = subnet_to_string(subnet);

        value_set(settings, "create", value_new_text("tap"));
        value_set(settings, "owner", value_new_text(owner));
        value_set(settings, "subnet", value_new_text(text));
        if (subnet6)
                value_set(settings, "ipv6_subnet", value_new_text(subnet6));
        value_set(settings, "dns_servers", value_new_list());
        value_set(settings, "transient", value_new_bool(true));
        if (!command_call_settings(command, MANAGER_PATH, "CreateNetwork", NULL, settings, &path,
                                   error) ||
            !command_check_answer(path, VALUE_TEXT, error) ||
            !get_property(command, path->text, "Interface", &interface, error))
                return NULL;
        return g_strdup(interface->text);
}

/* Appends the names of @n networks' TAPs to @taps. */
static bool make_networks(Command *command, guint n, GPtrArray *taps, GError **error)
{
        g_autofree char *owner = own_name();
        g_autoptr(GArray) taken = n > 0 ? taken_subnets(command, error) : NULL;

        if (n == 0)
                return true;
        g_autoptr(GArray) subnets = taken ? kernel_plan_subnets(taken, n) : NULL;
        if (!taken)
                return false;
        if (!subnets) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED,
                            "test-kernel: there are no %u free subnets in 198.18.0.0/15", n);
                return false;
        }
        guint64 random = (guint64)g_random_int() << 32 | g_random_int();
        bool has_ipv6 = access(IPV6_OF_HOST, F_OK) == 0;
        for (guint i = 0; i < n; i++) {
                g_autofree char *subnet6 = has_ipv6 ? kernel_plan_subnet6(random, i) : NULL;
                char *tap = make_network(command, owner, &g_array_index(subnets, Subnet, i),
                                         subnet6, error);
                if (!tap)
                        return false;
                g_ptr_array_add(taps, tap);
        }
        return true;
}

/* They would go when we leave the bus; this way they have gone when we end, where nobody would have
 * to be asked for it. */
static void remove_networks(Command *command, const GPtrArray *taps)
{
        if (taps->len > 0)
                (void)sd_bus_set_allow_interactive_authorization(
                        connection_bus(command->connection), false);
        for (guint i = 0; i < taps->len; i++)
                (void)command_call_manager(command, "RemoveNetwork", NULL, NULL, "s",
                                           taps->pdata[i]);
}

/* The run */

static char *describe(const char *modules, const char *test, char *const *arguments, GError **error)
{
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *here = g_get_current_dir();
        g_auto(GStrv) environment = g_get_environ();
        const char *path = g_environ_getenv(environment, "PATH");
        g_autofree char *wide = path ? g_strconcat(path, ":" ADMIN_PATH, NULL)
                                     : g_strdup("/usr/local/bin:/usr/bin:/bin:" ADMIN_PATH);

        g_ptr_array_add(told, g_strdup(here));
        g_ptr_array_add(told, g_strdup(modules));
        g_ptr_array_add(told, g_strconcat("/host", test, NULL));
        for (; *arguments; arguments++)
                g_ptr_array_add(told, g_strdup(*arguments));
        g_ptr_array_add(told, NULL);
        environment = g_environ_setenv(environment, "PATH", wide, TRUE);
        environment = g_environ_setenv(environment, "HOME", ROOT_HOME, TRUE);
        return kernel_directory_make((const char *const *)told->pdata,
                                     (const char *const *)environment, error);
}

static bool run_once(const Command *command, const Wish *wish, const GPtrArray *taps,
                     KernelEnd *ret_end, GError **error)
{
        g_autofree char *directory =
                describe(wish->modules, wish->test, command->arguments + 2, error);

        if (!directory)
                return false;
        const KernelPlan plan = {
                .linux_path = wish->linux_path,
                .memory = wish->memory,
                .directory = directory,
                .init = KERNEL_TEST_INIT,
                .taps = (const char *const *)taps->pdata,
        };
        return kernel_run(&plan, wish->deadline_usec, command->kernel.verbose, ret_end, error);
}

static bool fail_to_end(Command *command, const Wish *wish, const KernelEnd *end, GError **error)
{
        g_autofree char *log = text_escape_lines(end->log->str);

        if (!command->kernel.verbose)
                fputs(log, stderr);
        if (end->is_late)
                command->exit_code = EXIT_LATE;
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "test-kernel: %s: %s%s", wish->linux_path,
                    end->is_late && end->verdict != KERNEL_VERDICT_NONE
                            ? "what the test has said was not read in time"
                    : end->is_late                       ? "the test has not ended in time"
                    : end->verdict == KERNEL_VERDICT_OFF ? "the test has switched it off"
                    : end->reason                        ? "the test was not run: "
                                                         : "it ended before the test did",
                    end->reason ? end->reason : "");
        return false;
}

/* Again after each reboot that the test asks for. */
static bool run(Command *command, const Wish *wish, const GPtrArray *taps, GError **error)
{
        for (;;) {
                g_auto(KernelEnd) end = { 0 };
                sigset_t before;
                kernel_signals_block(&before);
                bool done = run_once(command, wish, taps, &end, error);
                (void)sigprocmask(SIG_SETMASK, &before, NULL);
                if (!done)
                        return false;
                if (end.signal != 0) {
                        command->exit_code = EXIT_SIGNAL + end.signal;
                        return true;
                }
                if (end.verdict == KERNEL_VERDICT_EXIT && !end.is_late) {
                        command->exit_code = end.code;
                        return true;
                }
                if (end.verdict != KERNEL_VERDICT_REBOOT || end.is_late)
                        return fail_to_end(command, wish, &end, error);
        }
}

bool verb_test_kernel(Command *command, GError **error)
{
        g_autoptr(GPtrArray) taps = g_ptr_array_new_with_free_func(g_free);
        g_auto(Wish) wish = { 0 };

        if (!read_wish(command, &wish, error))
                return false;
        command->exit_code = EXIT_NOT_RUN;
        bool done = make_networks(command, wish.n_taps, taps, error);
        if (done) {
                g_ptr_array_add(taps, NULL); /* as a list of names */
                done = run(command, &wish, taps, error);
                g_ptr_array_set_size(taps, (int)taps->len - 1);
        }
        remove_networks(command, taps);
        return done;
}
