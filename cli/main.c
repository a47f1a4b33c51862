/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dutnetctl: reads the command line, runs the verb, and turns its error into words on stderr and an
 * exit code: 0; 1 the service said no; 2 wrong usage; or what a verb that runs a program has. */

#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/options.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "model/nearest.h"

enum {
        EXIT_REFUSED = 1,
        EXIT_USAGE = 2,
};

static void print_help(void)
{
        fputs("Usage: dutnetctl [OPTION...] VERB [ARGUMENT...]\n"
              "\n"
              "Control the networks of devices under test.\n"
              "\n"
              "Verbs:\n",
              stdout);
        for (guint i = 0; i < n_verbs; i++) {
                g_autofree char *call = g_strdup_printf("%s %s", verbs[i].name, verbs[i].arguments);
                printf("  %-27s %s\n", call, verbs[i].summary);
        }
        putchar('\n');
        options_print(NULL);
        fputs("\nSee dutnetctl(1).\n", stdout);
}

static void print_verb_help(const Verb *verb)
{
        g_autofree char *own = options_usage(verb);

        printf("Usage: dutnetctl [OPTION...] %s%s%s%s\n\n%s.\n", verb->name, own,
               *verb->arguments ? " " : "", verb->arguments, verb->summary);
        if (verb->details)
                fputs(verb->details, stdout);
        putchar('\n');
        options_print(verb);
}

static bool fail_unknown_verb(const char *name, GError **error)
{
        g_autofree const char **names = g_new(const char *, n_verbs);
        for (guint i = 0; i < n_verbs; i++)
                names[i] = verbs[i].name;

        const char *nearest = nearest_match(name, names, n_verbs);
        if (nearest)
                return fail_usage(error, "unknown verb \"%s\" (is \"%s\" meant?)", name, nearest);
        return fail_usage(error, "unknown verb \"%s\"", name);
}

static bool check_counts(const Command *command, GError **error)
{
        const Verb *verb = command->verb;
        if (command->n_arguments < verb->min_arguments)
                return fail_usage(error, "%s: an argument is missing: %s %s", verb->name,
                                  verb->name, verb->arguments);
        if (command->n_arguments <= verb->max_arguments)
                return true;
        if (verb->max_arguments == 0 && (verb->flags & VERB_NETWORK))
                return fail_usage(error, "%s takes no arguments; choose the network with -i",
                                  verb->name);
        return fail_usage(error, "%s: too many arguments: \"%s\"", verb->name,
                          command->arguments[verb->max_arguments]);
}

/* The bus carries nothing else; a file name is the kernel's business, but it is in messages. */
static bool check_encoding(int argc, char **argv, GError **error)
{
        for (int i = 1; i < argc; i++)
                if (!g_utf8_validate(argv[i], -1, NULL))
                        return fail_usage(error, "argument %d is not UTF-8 text", i);
        return true;
}

static bool asks_for_help(const char *word)
{
        return word && (g_str_equal(word, "-h") || g_str_equal(word, "--help"));
}

/* Options stand anywhere, but behind the first argument of a verb that passes on what is there.
 * False without an error: getopt_long(3) has said it. */
static bool parse(int argc, char **argv, Command *command, Request *request, GError **error)
{
        if (!options_read(argc, argv, false, command, request))
                return false;
        int at = optind;
        if (at >= argc)
                return true;

        const char *name = argv[at];
        if (!check_encoding(at + 1, argv, error))
                return false;
        command->verb = verb_find(name);
        if (!command->verb)
                return fail_unknown_verb(name, error);

        if (command->verb->flags & VERB_PASSES_ALL && !asks_for_help(argv[at + 1])) {
                command->arguments = argv + at + 1;
                command->n_arguments = (guint)(argc - at - 1);
                return check_encoding(argc, argv, error);
        }

        bool all = !(command->verb->flags & VERB_PASSES_ON);
        argv[at] = argv[0]; /* for what getopt_long() says */
        if (!options_read(argc - at, argv + at, all, command, request))
                return false;
        command->arguments = argv + at + optind;
        command->n_arguments = (guint)(argc - at - optind);
        return check_encoding(all ? argc : MIN(at + optind + 1, argc), argv, error);
}

static bool run(Command *command, Request request, GError **error)
{
        switch (request) {
        case REQUEST_VERSION:
                puts("dutnetctl " PACKAGE_VERSION);
                return true;
        case REQUEST_HELP:
                if (command->verb)
                        print_verb_help(command->verb);
                else
                        print_help();
                return true;
        case REQUEST_RUN:
                break;
        }

        if (!command->verb)
                return fail_usage(error, "a verb is missing");
        return check_counts(command, error) && options_check(command, error) &&
               command->verb->run(command, error);
}

static int report(const GError *error)
{
        g_autofree char *words = text_escape_lines(error->message);
        if (!g_error_matches(error, CLI_ERROR, CLI_ERROR_USAGE)) {
                fprintf(stderr, "%s\n", words);
                return EXIT_REFUSED;
        }
        fprintf(stderr, "dutnetctl: %s\nTry \"dutnetctl --help\".\n", words);
        return EXIT_USAGE;
}

/* A descriptor of our own in the place of a closed stdout would be written to as if it were that.
 */
static bool have_standard_streams(void)
{
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        return fd >= 0 && close(fd) == 0;
}

int main(int argc, char **argv)
{
        if (!have_standard_streams())
                return EXIT_REFUSED;
        setlocale(LC_ALL, "");

        Request request = REQUEST_RUN;
        g_auto(Command) command = { .terminal = terminal_detect() };
        g_autoptr(GError) error = NULL;
        if (!parse(argc, argv, &command, &request, &error)) {
                if (error)
                        return report(error);
                fputs("Try \"dutnetctl --help\".\n", stderr);
                return EXIT_USAGE;
        }

        bool done = run(&command, request, &error);
        if (fflush(stdout) != 0 && done) {
                perror("dutnetctl: cannot write");
                return EXIT_REFUSED;
        }
        if (done)
                return command.exit_code;
        int code = report(error);
        return command.exit_code != 0 ? command.exit_code : code;
}
