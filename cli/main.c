/* SPDX-License-Identifier: GPL-2.0-or-later */

/* dutnetctl: reads the command line, runs the verb, and turns its error into words on stderr and an
 * exit code: 0; 1 the service said no; 2 wrong usage. */

#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "model/nearest.h"

enum {
        EXIT_REFUSED = 1,
        EXIT_USAGE = 2,
};

enum {
        OPTION_JSON = 0x100,
        OPTION_VERSION,
        OPTION_NO_ASK_PASSWORD,
        OPTION_MAC,
        OPTION_HOSTNAME,
        OPTION_PUBLIC_IP,
        OPTION_STATE,
        OPTION_LEASE,
        OPTION_PORT,
        OPTION_TIMEOUT,
        OPTION_SNAPLEN,
        OPTION_IP,
        OPTION_SECONDS,
        OPTION_BYTES,
        OPTION_FROM,
        OPTION_MTU,
        OPTION_QUEUES,
        OPTION_OWNER,
        OPTION_VNET_HDR,
        OPTION_TAPS,
        OPTION_MEMORY,
        OPTION_MODULES,
        OPTION_VERBOSE,
        OPTION_LIMITS, /* and as many behind it */
};

static const struct option options[] = {
        { "interface", required_argument, NULL, 'i' },
        { "host", required_argument, NULL, 'H' },
        { "json", no_argument, NULL, OPTION_JSON },
        { "no-ask-password", no_argument, NULL, OPTION_NO_ASK_PASSWORD },
        { "mac", required_argument, NULL, OPTION_MAC },
        { "hostname", required_argument, NULL, OPTION_HOSTNAME },
        { "public-ip", required_argument, NULL, OPTION_PUBLIC_IP },
        { "state", required_argument, NULL, OPTION_STATE },
        { "lease", required_argument, NULL, OPTION_LEASE },
        { "port", required_argument, NULL, OPTION_PORT },
        { "timeout", required_argument, NULL, OPTION_TIMEOUT },
        { "write", required_argument, NULL, 'w' },
        { "snaplen", required_argument, NULL, OPTION_SNAPLEN },
        { "ip", required_argument, NULL, OPTION_IP },
        { "packets", required_argument, NULL, 'c' },
        { "seconds", required_argument, NULL, OPTION_SECONDS },
        { "bytes", required_argument, NULL, OPTION_BYTES },
        { "from", required_argument, NULL, OPTION_FROM },
        { "mtu", required_argument, NULL, OPTION_MTU },
        { "queues", required_argument, NULL, OPTION_QUEUES },
        { "owner", required_argument, NULL, OPTION_OWNER },
        { "vnet-hdr", no_argument, NULL, OPTION_VNET_HDR },
        { "nat-port-range", required_argument, NULL, OPTION_LIMITS + LIMIT_NAT_PORTS },
        { "connection-timeout", required_argument, NULL, OPTION_LIMITS + LIMIT_TIMEOUT },
        { "max-connections", required_argument, NULL, OPTION_LIMITS + LIMIT_CONNECTIONS },
        { "taps", required_argument, NULL, OPTION_TAPS },
        { "memory", required_argument, NULL, OPTION_MEMORY },
        { "modules", required_argument, NULL, OPTION_MODULES },
        { "verbose", no_argument, NULL, OPTION_VERBOSE },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { 0 },
};

static void print_common_options(void)
{
        fputs("Options:\n"
              "  -i, --interface=INTERFACE  The network; may be left out while there is one\n"
              "  -H, --host=[USER@]HOST     Talk to the service of another machine, by ssh\n"
              "      --json                 Print JSON\n"
              "      --no-ask-password      Do not ask for a password\n"
              "  -h, --help                 Print this help, or a verb's after its name\n"
              "      --version              Print the version\n",
              stdout);
}

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
        print_common_options();
        fputs("\nSee dutnetctl(1).\n", stdout);
}

#define LIMIT_OPTIONS                                                                              \
        " [--nat-port-range=FIRST-LAST] [--connection-timeout=TIME] [--max-connections=N]"

/* The options of some verbs alone. */
static const char *own_options(const Verb *verb)
{
        if (verb->flags & VERB_ENTRY_OPTIONS)
                return " [--mac=MAC] [--hostname=HOST] [--public-ip=IP|NAME|auto]" LIMIT_OPTIONS;
        if (verb->flags & VERB_FORWARD_OPTIONS)
                return " [--from=NET]";
        if (verb->flags & VERB_TAP_OPTIONS)
                return " [--ip=IP] [--mac=MAC] [--public-ip=IP|auto] [--mtu=BYTES] [--queues=N] "
                       "[--owner=UID] [--vnet-hdr]" LIMIT_OPTIONS;
        if (verb->flags & VERB_GUEST_OPTIONS)
                return " [--ip=IP] [--mac=MAC] [--public-ip=IP|auto] [--mtu=BYTES] [--queues=N] "
                       "[--owner=UID]" LIMIT_OPTIONS;
        if (verb->flags & VERB_WAIT_OPTIONS)
                return " [--state=STATE | [--lease=MAC|HOST] [--port=PORT]] [--timeout=SECONDS]";
        if (verb->flags & VERB_KERNEL_OPTIONS)
                return " [--taps=N] [--timeout=SECONDS] [--memory=SIZE] [--modules=DIRECTORY] "
                       "[--verbose]";
        if (verb->flags & VERB_CAPTURE_OPTIONS)
                return " [-w FILE|-] [--ip=IP] [--snaplen=BYTES] [-c PACKETS] [--seconds=SECONDS] "
                       "[--bytes=BYTES]";
        return "";
}

static void print_own_options(const Verb *verb)
{
        if (verb->flags & VERB_ENTRY_OPTIONS)
                fputs("\n"
                      "Options of this verb:\n"
                      "      --mac=MAC              The DUT's MAC: it gets this address by DHCP\n"
                      "      --hostname=HOST        A name for it in DNS\n"
                      "      --public-ip=IP|NAME    Its address on the LAN; auto: of the pool\n",
                      stdout);
        if (verb->flags & VERB_FORWARD_OPTIONS)
                fputs("\n"
                      "Options of this verb:\n"
                      "      --from=NET             Who may use it: an address or a subnet\n",
                      stdout);
        if (verb->flags & VERB_GUEST_OPTIONS)
                fputs("\n"
                      "Options of this verb:\n"
                      "      --ip=IP                Its address, instead of one that follows from "
                      "ID\n"
                      "      --mac=MAC              The same for its MAC\n"
                      "      --public-ip=IP         Its address on the LAN; auto: of the pool\n"
                      "      --mtu=BYTES            Its MTU, instead of the network's\n"
                      "      --queues=N             Queues of its TAP; 1\n"
                      "      --owner=UID            The user who may open it, instead of the "
                      "caller\n",
                      stdout);
        if (verb->flags & (VERB_ENTRY_OPTIONS | VERB_GUEST_OPTIONS))
                fputs("      --nat-port-range=FIRST-LAST  What its source ports become on the LAN\n"
                      "      --connection-timeout=TIME    Silent connections end after that: 90s, "
                      "10m\n"
                      "      --max-connections=N    It may have begun so many at a time\n",
                      stdout);
        if (verb->flags & VERB_TAP_OPTIONS)
                fputs("      --vnet-hdr             Frames have a virtio_net_hdr before them\n",
                      stdout);
        if (verb->flags & VERB_WAIT_OPTIONS)
                fputs("\n"
                      "Options of this verb:\n"
                      "      --state=STATE          Until the network is in this state\n"
                      "      --lease=MAC|HOST       Until the DUT with this MAC or name has a "
                      "lease\n"
                      "      --port=PORT            Until a DUT, or that one, takes TCP "
                      "connections\n"
                      "      --timeout=SECONDS      Not longer; else there is no limit\n",
                      stdout);
        if (verb->flags & VERB_KERNEL_OPTIONS)
                fputs("\n"
                      "Options of this verb, in front of LINUX:\n"
                      "      --taps=N               Networks, each a TAP and an ethN; 1\n"
                      "      --timeout=SECONDS      Not longer; else there is no limit\n"
                      "      --memory=SIZE          The kernel's; 256M\n"
                      "      --modules=DIRECTORY    What /lib/modules is for it; "
                      "/usr/lib/uml/modules\n"
                      "      --verbose              Print what the kernel says\n",
                      stdout);
        if (verb->flags & VERB_CAPTURE_OPTIONS)
                fputs("\n"
                      "Options of this verb:\n"
                      "  -w, --write=FILE           Where to; - is standard output, as without it\n"
                      "      --ip=IP                Only packets from or to this address\n"
                      "      --snaplen=BYTES        So much of each packet\n"
                      "  -c, --packets=PACKETS      Not more packets\n"
                      "      --seconds=SECONDS      Not longer\n"
                      "      --bytes=BYTES          Not more bytes; the last packet may be cut\n",
                      stdout);
}

static void print_verb_help(const Verb *verb)
{
        printf("Usage: dutnetctl [OPTION...] %s%s%s%s\n\n%s.\n", verb->name,
               *verb->arguments ? " " : "", verb->arguments, own_options(verb), verb->summary);
        if (verb->details)
                fputs(verb->details, stdout);
        putchar('\n');
        print_common_options();
        print_own_options(verb);
}

/* What the command line asks for instead of a verb's work. */
typedef enum Request {
        REQUEST_RUN,
        REQUEST_HELP,
        REQUEST_VERSION,
} Request;

/* Whether @option is one of `capture`. */
static bool take_capture_option(int option, CaptureWishes *wishes)
{
        switch (option) {
        case 'w':
                wishes->file = optarg;
                return true;
        case 'c':
                wishes->packets = optarg;
                return true;
        case OPTION_SNAPLEN:
                wishes->snaplen = optarg;
                return true;
        case OPTION_SECONDS:
                wishes->seconds = optarg;
                return true;
        case OPTION_BYTES:
                wishes->bytes = optarg;
                return true;
        default:
                return false;
        }
}

/* Whether @option is one of a guest's. */
static bool take_guest_option(int option, GuestWishes *wishes)
{
        switch (option) {
        case OPTION_MTU:
                wishes->mtu = optarg;
                return true;
        case OPTION_QUEUES:
                wishes->queues = optarg;
                return true;
        case OPTION_OWNER:
                wishes->owner = optarg;
                return true;
        case OPTION_VNET_HDR:
                wishes->vnet_hdr = true;
                return true;
        default:
                return false;
        }
}

static bool take_limit_option(int option, LimitOptions *limits)
{
        if (option < OPTION_LIMITS || option >= OPTION_LIMITS + LIMIT_MAX)
                return false;
        limits->texts[option - OPTION_LIMITS] = optarg;
        return true;
}

/* Whether @option is one of a kernel under test. */
static bool take_kernel_option(int option, KernelWishes *wishes)
{
        switch (option) {
        case OPTION_TAPS:
                wishes->taps = optarg;
                return true;
        case OPTION_MEMORY:
                wishes->memory = optarg;
                return true;
        case OPTION_MODULES:
                wishes->modules = optarg;
                return true;
        case OPTION_VERBOSE:
                wishes->verbose = true;
                return true;
        default:
                return false;
        }
}

/* Those of argv from its second word on, up to the first word that is no option; with @all, also
 * those that stand behind such words. Sets optind to the first word that is none. */
static bool parse_options(int argc, char **argv, bool all, Command *command, Request *request)
{
        optind = 0; /* glibc's way to begin anew */
        for (;;) {
                int option =
                        getopt_long(argc, argv, all ? "i:H:hw:c:" : "+i:H:hw:c:", options, NULL);
                switch (option) {
                case -1:
                        return true;
                case 'i':
                        command->interface = optarg;
                        break;
                case 'H':
                        command->host = optarg;
                        break;
                case 'h':
                        *request = REQUEST_HELP;
                        break;
                case OPTION_JSON:
                        command->json = true;
                        break;
                case OPTION_VERSION:
                        *request = REQUEST_VERSION;
                        break;
                case OPTION_NO_ASK_PASSWORD:
                        command->ask_password = false;
                        break;
                case OPTION_IP:
                        command->ip = optarg;
                        break;
                case OPTION_MAC:
                        command->mac = optarg;
                        break;
                case OPTION_HOSTNAME:
                        command->hostname = optarg;
                        break;
                case OPTION_PUBLIC_IP:
                        command->public_ip = optarg;
                        break;
                case OPTION_FROM:
                        command->from = optarg;
                        break;
                case OPTION_STATE:
                        command->wait.state = optarg;
                        break;
                case OPTION_LEASE:
                        command->wait.lease = optarg;
                        break;
                case OPTION_PORT:
                        command->wait.port = optarg;
                        break;
                case OPTION_TIMEOUT:
                        command->wait.timeout = optarg;
                        break;
                default:
                        if (!take_capture_option(option, &command->capture) &&
                            !take_guest_option(option, &command->guest) &&
                            !take_limit_option(option, &command->limits) &&
                            !take_kernel_option(option, &command->kernel))
                                return false; /* getopt_long() has said why */
                }
        }
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

static bool check_command(const Command *command, GError **error)
{
        const Verb *verb = command->verb;
        if (!check_counts(command, error))
                return false;
        if (command->interface && !(verb->flags & VERB_NETWORK))
                return fail_usage(error, "%s takes no --interface", verb->name);
        if ((command->mac || command->public_ip) &&
            !(verb->flags & (VERB_ENTRY_OPTIONS | VERB_GUEST_OPTIONS)))
                return fail_usage(error, "%s takes no --mac, --hostname and --public-ip",
                                  verb->name);
        if (command->from && !(verb->flags & VERB_FORWARD_OPTIONS))
                return fail_usage(error, "%s takes no --from", verb->name);
        if (command->hostname && !(verb->flags & VERB_ENTRY_OPTIONS))
                return fail_usage(error, "%s takes no --mac, --hostname and --public-ip",
                                  verb->name);
        if (limit_options_are_given(&command->limits) &&
            !(verb->flags & (VERB_ENTRY_OPTIONS | VERB_GUEST_OPTIONS)))
                return fail_usage(error,
                                  "%s takes no --nat-port-range, --connection-timeout and "
                                  "--max-connections",
                                  verb->name);
        const GuestWishes *guest = &command->guest;
        if ((guest->mtu || guest->queues || guest->owner) && !(verb->flags & VERB_GUEST_OPTIONS))
                return fail_usage(error, "%s takes no --mtu, --queues and --owner", verb->name);
        if (guest->vnet_hdr && !(verb->flags & VERB_TAP_OPTIONS))
                return fail_usage(error, "%s takes no --vnet-hdr", verb->name);
        if (command->ip && !(verb->flags & (VERB_GUEST_OPTIONS | VERB_CAPTURE_OPTIONS)))
                return fail_usage(error, "%s takes no --ip", verb->name);
        const WaitOptions *wait = &command->wait;
        if ((wait->state || wait->lease || wait->port) && !(verb->flags & VERB_WAIT_OPTIONS))
                return fail_usage(error, "%s takes no --state, --lease, --port and --timeout",
                                  verb->name);
        if (wait->timeout && !(verb->flags & (VERB_WAIT_OPTIONS | VERB_KERNEL_OPTIONS)))
                return fail_usage(error, "%s takes no --timeout", verb->name);
        const KernelWishes *kernel = &command->kernel;
        if ((kernel->taps || kernel->memory || kernel->modules || kernel->verbose) &&
            !(verb->flags & VERB_KERNEL_OPTIONS))
                return fail_usage(error, "%s takes no --taps, --memory, --modules and --verbose",
                                  verb->name);
        const CaptureWishes *capture = &command->capture;
        if ((capture->file || capture->snaplen || capture->packets || capture->seconds ||
             capture->bytes) &&
            !(verb->flags & VERB_CAPTURE_OPTIONS))
                return fail_usage(error,
                                  "%s takes no -w, --snaplen, --ip, -c, --seconds and --bytes",
                                  verb->name);
        return true;
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
        if (!parse_options(argc, argv, false, command, request))
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
        if (!parse_options(argc - at, argv + at, all, command, request))
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
        return check_command(command, error) && command->verb->run(command, error);
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

int main(int argc, char **argv)
{
        setlocale(LC_ALL, "");

        Request request = REQUEST_RUN;
        g_auto(Command) command = { .ask_password = true, .terminal = terminal_detect() };
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
