/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The list of steps, to be read from top to bottom as the design, and what runs it. The firewall
 * stands before the link and before forwarding, so that there is no instant in which a packet
 * passes that should not. Forwarding comes before the IPv6 addresses: where it is turned on just
 * after one has come, the kernel counts the subnet's anycast address twice, and it stays when the
 * other goes (addrconf_dad_completed() and dev_forward_change() of net/ipv6/addrconf.c). */

#include "network/steps.h"

#include "network/network-private.h"
#include "util/log.h"

/* The change masks that a step must follow. */
#define UP        STEP_CHANGE_UP
#define PROBE     STEP_CHANGE_PROBE
#define RULES     CONFIG_CHANGE_RULES
#define LINK      CONFIG_CHANGE_LINK
#define ENTRIES   CONFIG_CHANGE_ADDRESSES
#define NAMES     CONFIG_CHANGE_DNS_ENTRIES
#define DNSMASQ   CONFIG_CHANGE_DNSMASQ
#define DIR       CONFIG_CHANGE_STATE_DIR
#define INTERFACE CONFIG_CHANGE_INTERFACE
#define GUESTS    CONFIG_CHANGE_GUESTS
#define TIME      CONFIG_CHANGE_TIME
#define PORTS     CONFIG_CHANGE_FORWARDS

static const Step steps[] = {
        { "interface", UP | INTERFACE, interface_start, interface_undo },
        { "claim", UP | RULES | LINK | ENTRIES | PORTS, claim_start, claim_undo },
        { "probe", PROBE, probe_start, probe_undo },
        { "hand-over", UP | NETWORK_PART_HAND_OVER, hand_over_start, hand_over_undo },
        { "firewall",
          UP | RULES | LINK | ENTRIES | PORTS | NETWORK_PART_FIREWALL | NETWORK_PART_GATEWAYS,
          firewall_start, firewall_undo },
        { "forwarding", UP | RULES | NETWORK_PART_FORWARDING, forwarding_start, forwarding_undo },
        { "link", UP | LINK | NETWORK_PART_LINK, link_start, link_undo },
        { "routes", UP | RULES | LINK | NETWORK_PART_LINK | NETWORK_PART_ROUTES, routes_start,
          routes_undo },
        { "public addresses", UP | RULES | ENTRIES | NETWORK_PART_PUBLIC, public_start,
          public_undo },
        { "other firewalls", UP | RULES | NETWORK_PART_OTHER_FIREWALLS, firewalls_start,
          firewalls_undo },
        { "dnsmasq", UP | LINK | ENTRIES | NAMES | DNSMASQ | DIR | NETWORK_PART_DNSMASQ,
          dnsmasq_step_start, dnsmasq_step_undo },
        { "guests", UP | LINK | INTERFACE | ENTRIES | GUESTS | NETWORK_PART_GUESTS, guests_start,
          guests_undo },
        { "time", UP | LINK | TIME, time_start, time_undo },
};

static void finish(Network *network, GError *error)
{
        StepRunDone done = network->run.done;
        network->run.done = NULL;
        done(network, error);
}

static void run_next(Network *network)
{
        StepRun *run = &network->run;

        if (run->undoing) {
                if (run->next == 0) {
                        finish(network, NULL);
                        return;
                }
                steps[--run->next].undo(network);
                return;
        }

        while (run->next < G_N_ELEMENTS(steps) && !(steps[run->next].changes & run->changes))
                run->next++;
        if (run->next == G_N_ELEMENTS(steps)) {
                finish(network, NULL);
                return;
        }
        log_network_debug(network->name, "step %s", steps[run->next].name);
        steps[run->next].start(network);
}

void step_done(Network *network, GError *error)
{
        StepRun *run = &network->run;

        const char *name = steps[run->next].name;
        if (run->undoing) {
                if (error)
                        log_network_warning(network->name, "undo of %s: %s", name, error->message);
                g_clear_error(&error);
                run_next(network);
                return;
        }
        if (error) {
                g_prefix_error(&error, "%s: %s: ", network->name, name);
                finish(network, error);
                return;
        }
        run->next++;
        run_next(network);
}

void steps_start(Network *network, unsigned changes, StepRunDone done)
{
        network->run = (StepRun){ .next = 0, .changes = changes, .done = done };
        run_next(network);
}

void steps_undo(Network *network, bool is_lost, StepRunDone done)
{
        network->run = (StepRun){
                .next = G_N_ELEMENTS(steps), .undoing = true, .is_lost = is_lost, .done = done
        };
        run_next(network);
}
