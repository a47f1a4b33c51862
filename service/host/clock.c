/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What adjtimex(2) says. The kernel takes the word back by itself when nobody has confirmed it for
 * long, and tells nobody: who follows it has to look. */

#include "host/clock.h"

#include <sys/timex.h>

bool clock_is_synchronised(void)
{
        struct timex timex = { .modes = 0 };

        return adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC);
}
