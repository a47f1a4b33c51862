/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `tcpdump`: a network's packets as text. The service captures them, and a tcpdump with the rights
 * of whoever calls prints them: of its options, those that say how go to it, those that say which
 * go to the service. Neither gets any that names a file, a program or another interface.
 *
 * The packets go through our hands, so that an interrupt is the end of a stream to tcpdump, and not
 * an error. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/capture-call.h"
#include "cli/capture-copy.h"
#include "cli/error.h"
#include "cli/verbs.h"

/* How packets are printed. */
#define PRINTING "AbeHKlnNqStuUvxX#"

static const struct option long_options[] = {
        { "interface", required_argument, NULL, 'i' },
        { "snapshot-length", required_argument, NULL, 's' },
        { "number", no_argument, NULL, '#' },
        { 0 },
};

/* The one that getopt_long(3) has just met. */
static bool fail_option(char *const *words, GError **error)
{
        const char letter[] = { '-', (char)optopt, '\0' };
        const char *word = optopt ? letter : words[optind - 1];

        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "tcpdump: \"%s\": not an option of this verb, or its argument is missing; "
                    "taken are -%s, -c, -i and -s, and capture -w writes to files",
                    word, PRINTING);
        return false;
}

/* Those of `words`, the verb's name in front, up to the filter: adds to @printer, and to what is
 * asked of the service. Sets optind to the filter. */
static bool read_options(Command *command, int n, char **words, GPtrArray *printer, GError **error)
{
        optind = 0; /* glibc's way to begin anew */
        opterr = 0;
        for (;;) {
                int option = getopt_long(n, words, PRINTING "c:i:s:", long_options, NULL);
                switch (option) {
                case -1:
                        return true;
                case 'c':
                        command->capture.packets = optarg;
                        break;
                case 'i':
                        command->interface = optarg;
                        break;
                case 's': /* 0: all of it, as without the option */
                        command->capture.snaplen = g_str_equal(optarg, "0") ? NULL : optarg;
                        break;
                case '?':
                        return fail_option(words, error);
                default:
                        g_ptr_array_add(printer, g_strdup_printf("-%c", option));
                }
        }
}

/* Reads @stream; the pid, or an errno as a negative number. */
static pid_t start_printer(GPtrArray *arguments, int stream)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t ours, defaults;
        pid_t pid;

        /* An interrupt on the terminal is ours to make the end of. */
        sigemptyset(&ours);
        sigaddset(&ours, SIGINT);
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawnattr_setsigmask(&attributes, &ours);
        posix_spawnattr_setsigdefault(&attributes, &defaults);
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, stream, STDIN_FILENO);

        int r = posix_spawnp(&pid, "tcpdump", &files, &attributes, (char **)arguments->pdata,
                             environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        return r == 0 ? pid : -r;
}

/* As a shell has it. */
static int wait_for_printer(pid_t pid)
{
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool print(Command *command, int stream, GPtrArray *arguments, CaptureCopied *ret_copied,
                  GError **error)
{
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0) {
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot make a pipe: %s",
                            g_strerror(errno));
                return false;
        }

        /* From here on a signal is for capture_copy(), also one that comes before it. */
        sigset_t signals, before;
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &signals, &before); /* cannot fail */
        pid_t pid = start_printer(arguments, fds[0]);
        close(fds[0]);
        if (pid < 0) {
                close(fds[1]);
                close(stream);
                g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot run tcpdump: %s",
                            g_strerror(-pid));
                return false;
        }

        bool done = capture_copy(stream, fds[1], "tcpdump", ret_copied, error);
        close(fds[1]);
        close(stream); /* the capture ends, whatever is to be printed still */
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        command->exit_code = wait_for_printer(pid);
        return done;
}

/* The verb's name, and its arguments, NULL-terminated. */
static GPtrArray *words_new(const Command *command)
{
        GPtrArray *words = g_ptr_array_new();

        g_ptr_array_add(words, (char *)command->verb->name);
        for (guint i = 0; i < command->n_arguments; i++)
                g_ptr_array_add(words, command->arguments[i]);
        g_ptr_array_add(words, NULL);
        return words;
}

bool verb_tcpdump(Command *command, GError **error)
{
        static const char *const always[] = { "tcpdump", "-r", "-", "-n", "-l" };
        g_autoptr(GPtrArray) printer = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) words = words_new(command);

        for (guint i = 0; i < G_N_ELEMENTS(always); i++)
                g_ptr_array_add(printer, g_strdup(always[i]));
        if (!read_options(command, (int)words->len - 1, (char **)words->pdata, printer, error))
                return false;
        g_ptr_array_add(printer, NULL);

        g_auto(CaptureCall) call = { 0 };
        if (!capture_call(command, (const char *const *)words->pdata + optind, &call, error))
                return false;
        CaptureCopied copied;
        command_clear(command);
        return print(command, call.stream, printer, &copied, error) &&
               capture_check_end(command, &call, &copied, error);
}
