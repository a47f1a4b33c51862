/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Entries lie above the dynamic range; public addresses in no subnet that the lab has. */

#include "bench/plan.h"

#include <stdio.h>

PlanEntry plan_entry(guint number)
{
        PlanEntry entry;
        guint high = number / 250, low = number % 250 + 1;

        g_assert(number < 10500);
        snprintf(entry.ip, sizeof(entry.ip), "172.20.%u.%u", 16 + high, low);
        snprintf(entry.mac, sizeof(entry.mac), "02:00:00:be:%02x:%02x", high, low);
        snprintf(entry.hostname, sizeof(entry.hostname), "board-%u", number);
        snprintf(entry.public_ip, sizeof(entry.public_ip), "10.78.%u.%u", high, low);
        snprintf(entry.name, sizeof(entry.name), "name-%u.bench", number);
        return entry;
}
