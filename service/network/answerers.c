/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Connection tracking leads a board that asks from one port all the time, as many do, to where its
 * first question went. What is led elsewhere than the rules say is found by what it is, not by what
 * has changed: so it does not matter how that came about. Only a network that answers for others,
 * or has, is looked through. */

#include "network/answerers.h"

#include <linux/in.h>

#include "network/connections.h"
#include "network/network-private.h"

#define DNS_PORT 53
#define NTP_PORT 123

typedef struct Answerers {
        ConntrackAnswerer each[3];
        bool any; /* the gateway answers something */
} Answerers;

static Answerers answerers_of(const NetworkConfig *config)
{
        bool translates = nat_mode_forwards(config->nat_mode);
        bool names = translates && config->dns_intercept;
        bool time = translates && config->local_ntp.enabled;

        return (Answerers){ .each = { { IPPROTO_UDP, DNS_PORT, names },
                                      { IPPROTO_TCP, DNS_PORT, names },
                                      { IPPROTO_UDP, NTP_PORT, time } },
                            .any = names || time };
}

static bool record_answers(Network *network, bool answers, GError **error)
{
        if (network->record->answers == answers)
                return true;
        network->record->answers = answers;
        return network_save_record(network, error);
}

bool answerers_expect(Network *network, GError **error)
{
        return !answerers_of(network->config).any || record_answers(network, true, error);
}

bool answerers_end_misled(Network *network, GError **error)
{
        const NetworkConfig *config = network->config;
        const Answerers answerers = answerers_of(config);
        const ConntrackScope scope = connections_scope(network);
        Conntrack *conntrack = network->host->conntrack;

        if (!network->record->answers)
                return true;
        if (!conntrack_end_misled(conntrack, &scope, config->gateway_ip, answerers.each,
                                  G_N_ELEMENTS(answerers.each), error))
                return false;
        if (config_has_ipv6(config) &&
            !conntrack_end_misled6(conntrack, &config->ipv6_subnet, &config->ipv6_gateway,
                                   answerers.each, G_N_ELEMENTS(answerers.each), error))
                return false;
        return record_answers(network, answerers.any, error);
}
