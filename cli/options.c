/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One table says all of an option: how it is written, which verbs take it, what it is for, and
 * where in the command it goes. One that means something else with other verbs has a row for each
 * meaning. */

#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/error.h"

#define ENTRY   VERB_ENTRY_OPTIONS
#define GUEST   VERB_GUEST_OPTIONS
#define TAP     VERB_TAP_OPTIONS
#define FORWARD VERB_FORWARD_OPTIONS
#define WAIT    VERB_WAIT_OPTIONS
#define KERNEL  VERB_KERNEL_OPTIONS
#define CAPTURE VERB_CAPTURE_OPTIONS

typedef struct Option {
        const char *name;
        char letter;       /* 0: none */
        const char *value; /* as the help shows it; NULL: it takes none */
        VerbFlags verbs;   /* which take it, where it is not one of all */
        const char *purpose;
        gsize offset; /* of a text in Command, or of a bool where it takes no value */
} Option;

#define AT(member) offsetof(Command, member)
#define NOWHERE    G_MAXSIZE

static const Option options[] = {
        { "interface", 'i', "INTERFACE", 0, "The network; may be left out while there is one",
          AT(interface) },
        { "host", 'H', "[USER@]HOST", 0, "Talk to the service of another machine, by ssh",
          AT(host) },
        { "json", 0, NULL, 0, "Print JSON", AT(json) },
        { "no-ask-password", 0, NULL, 0, "Do not ask for a password", AT(no_ask_password) },
        { "help", 'h', NULL, 0, "Print this help, or a verb's after its name", NOWHERE },
        { "version", 0, NULL, 0, "Print the version", NOWHERE },

        { "mac", 0, "MAC", ENTRY, "The DUT's MAC: it gets this address by DHCP", AT(mac) },
        { "hostname", 0, "HOST", ENTRY, "A name for it in DNS", AT(hostname) },
        { "ipv6", 0, "IP", ENTRY, "Its IPv6 address; by DHCPv6 where that is stateful", AT(ipv6) },
        { "public-ip", 0, "IP|NAME", ENTRY, "Its address on the LAN; auto: of the pool",
          AT(public_ip) },

        { "ip", 0, "IP", GUEST, "Its address, instead of one that follows from ID", AT(ip) },
        { "mac", 0, "MAC", GUEST, "The same for its MAC", AT(mac) },
        { "public-ip", 0, "IP", GUEST, "Its address on the LAN; auto: of the pool", AT(public_ip) },
        { "mtu", 0, "BYTES", GUEST, "Its MTU, instead of the network's", AT(guest.mtu) },
        { "queues", 0, "N", GUEST, "Queues of its TAP; 1", AT(guest.queues) },
        { "owner", 0, "UID", GUEST, "The user who may open it, instead of the caller",
          AT(guest.owner) },
        { "vnet-hdr", 0, NULL, TAP, "Frames have a virtio_net_hdr before them",
          AT(guest.vnet_hdr) },

        { "nat-port-range", 0, "FIRST-LAST", ENTRY | GUEST,
          "What its source ports become on the LAN", AT(limits.texts[LIMIT_NAT_PORTS]) },
        { "connection-timeout", 0, "TIME", ENTRY | GUEST,
          "Silent connections end after that: 90s, 10m", AT(limits.texts[LIMIT_TIMEOUT]) },
        { "max-connections", 0, "N", ENTRY | GUEST, "It may have begun so many at a time",
          AT(limits.texts[LIMIT_CONNECTIONS]) },

        { "from", 0, "NET", FORWARD, "Who may use it: an address or a subnet", AT(from) },

        { "state", 0, "STATE", WAIT, "Until the network is in this state", AT(wait.state) },
        { "lease", 0, "MAC|HOST", WAIT, "Until the DUT with this MAC or name has a lease",
          AT(wait.lease) },
        { "port", 0, "PORT", WAIT, "Until a DUT, or that one, takes TCP connections",
          AT(wait.port) },

        { "taps", 0, "N", KERNEL, "Networks, each a TAP and an ethN; 1", AT(kernel.taps) },
        { "memory", 0, "SIZE", KERNEL, "The kernel's; 256M", AT(kernel.memory) },
        { "modules", 0, "DIRECTORY", KERNEL, "What /lib/modules is for it; /usr/lib/uml/modules",
          AT(kernel.modules) },
        { "verbose", 0, NULL, KERNEL, "Print what the kernel says", AT(kernel.verbose) },

        { "timeout", 0, "SECONDS", WAIT | KERNEL, "Not longer; else there is no limit",
          AT(wait.timeout) },

        { "write", 'w', "FILE", CAPTURE, "Where to; - is standard output, as without it",
          AT(capture.file) },
        { "ip", 0, "IP", CAPTURE, "Only packets from or to this address", AT(ip) },
        { "snaplen", 0, "BYTES", CAPTURE, "So much of each packet", AT(capture.snaplen) },
        { "packets", 'c', "PACKETS", CAPTURE, "Not more packets", AT(capture.packets) },
        { "seconds", 0, "SECONDS", CAPTURE, "Not longer", AT(capture.seconds) },
        { "bytes", 0, "BYTES", CAPTURE, "Not more bytes; the last packet may be cut",
          AT(capture.bytes) },
};

/* Above every letter. */
#define FIRST_CODE 0x100

static const Option *find_letter(int letter)
{
        for (guint i = 0; i < G_N_ELEMENTS(options); i++)
                if (options[i].letter && options[i].letter == letter)
                        return &options[i];
        return NULL;
}

static bool is_repeated(guint at)
{
        for (guint i = 0; i < at; i++)
                if (g_str_equal(options[i].name, options[at].name))
                        return true;
        return false;
}

/* For getopt_long(3): each name once, with the number of its row. */
static void describe(struct option *ret_long, GString *letters)
{
        guint n = 0;

        for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
                const Option *option = &options[i];
                int has_value = option->value ? required_argument : no_argument;
                if (is_repeated(i))
                        continue;
                ret_long[n++] =
                        (struct option){ option->name, has_value, NULL, FIRST_CODE + (int)i };
                if (option->letter)
                        g_string_append_printf(letters, "%c%s", option->letter,
                                               option->value ? ":" : "");
        }
        ret_long[n] = (struct option){ 0 };
}

static void take(const Option *option, Command *command, Request *request)
{
        gpointer place = option->offset == NOWHERE ? NULL : (char *)command + option->offset;

        if (!place)
                *request = option->letter ? REQUEST_HELP : REQUEST_VERSION;
        else if (option->value)
                *(const char **)place = optarg;
        else
                *(bool *)place = true;
}

bool options_read(int argc, char **argv, bool all, Command *command, Request *request)
{
        struct option names[G_N_ELEMENTS(options) + 1];
        g_autoptr(GString) letters = g_string_new(all ? "" : "+");

        describe(names, letters);
        optind = 0; /* glibc's way to begin anew */
        for (;;) {
                int code = getopt_long(argc, argv, letters->str, names, NULL);
                if (code == -1)
                        return true;
                if (code == '?')
                        return false;
                take(code < FIRST_CODE ? find_letter(code) : &options[code - FIRST_CODE], command,
                     request);
        }
}

static bool is_given(const Option *option, const Command *command)
{
        const void *place = (const char *)command + option->offset;

        if (option->offset == NOWHERE)
                return false;
        return option->value ? *(const char *const *)place != NULL : *(const bool *)place;
}

static bool is_taken(const Option *given, VerbFlags verb)
{
        for (guint i = 0; i < G_N_ELEMENTS(options); i++)
                if (g_str_equal(options[i].name, given->name) &&
                    (options[i].verbs == 0 || (options[i].verbs & verb)))
                        return true;
        return false;
}

static bool fail_not_taken(const Option *option, const Verb *verb, GError **error)
{
        if (option->letter)
                return fail_usage(error, "%s takes no -%c, --%s", verb->name, option->letter,
                                  option->name);
        return fail_usage(error, "%s takes no --%s", verb->name, option->name);
}

bool options_check(const Command *command, GError **error)
{
        const Verb *verb = command->verb;

        if (command->interface && !(verb->flags & VERB_NETWORK))
                return fail_usage(error, "%s takes no --interface", verb->name);
        for (guint i = 0; i < G_N_ELEMENTS(options); i++)
                if (is_given(&options[i], command) && !is_taken(&options[i], verb->flags))
                        return fail_not_taken(&options[i], verb, error);
        return true;
}

char *options_usage(const Verb *verb)
{
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
                const Option *option = &options[i];
                if (!(option->verbs & verb->flags))
                        continue;
                if (option->letter)
                        g_string_append_printf(text, " [-%c %s]", option->letter, option->value);
                else
                        g_string_append_printf(text, " [--%s%s%s]", option->name,
                                               option->value ? "=" : "",
                                               option->value ? option->value : "");
        }
        return g_string_free(text, FALSE);
}

static void print(const Option *option)
{
        char letter[] = { '-', option->letter, ',', '\0' };
        g_autofree char *words =
                g_strdup_printf("%3s --%s%s%s", option->letter ? letter : "", option->name,
                                option->value ? "=" : "", option->value ? option->value : "");

        printf("  %-25s  %s\n", words, option->purpose);
}

void options_print(const Verb *verb)
{
        bool has_own = false;

        puts("Options:");
        for (guint i = 0; i < G_N_ELEMENTS(options); i++)
                if (options[i].verbs == 0)
                        print(&options[i]);
        for (guint i = 0; i < G_N_ELEMENTS(options) && verb; i++) {
                if (!(options[i].verbs & verb->flags))
                        continue;
                if (!has_own)
                        puts("\nOptions of this verb:");
                has_own = true;
                print(&options[i]);
        }
}
