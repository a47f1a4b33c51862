/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the service has told of its networks, to find out what it could not tell while it was
 * away. */

#include <glib.h>

#include "cli/signals.h"
#include "model/value.h"

typedef struct Picture Picture;

/* Of no network. */
Picture *picture_new(void);
void picture_free(Picture *picture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Picture, picture_free)

/* Takes in what @signal tells of a network. */
void picture_apply(Picture *picture, const Signal *signal);

/* Makes it a picture of @objects, as GetManagedObjects answers. Calls @report (NULL: nobody is
 * told) with the signal that each difference would have come with: networks, properties, leases. */
void picture_update(Picture *picture, const Value *objects, SignalHandler report, gpointer data);
