/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Networks that are made or changed as one: in the way of what one of them claims, the others are
 * as they are to be, and not as they have been; whoever does not belong to them sees both. */

#include <glib.h>

#include "network/network.h"

typedef struct Joint Joint;

/* The networks of @configs (NetworkConfig*, copied) are about to be made or changed to them. @host
 * is borrowed and outlives it. */
Joint *joint_new(Host *host, const GPtrArray *configs);
/* @network, of them, is what it is to be. */
void joint_note_done(Joint *joint, const Network *network);
/* It failed: all of them become what they have been, which went together. */
void joint_go_back(Joint *joint);
/* They are what they are. */
void joint_free(Joint *joint);

/* The configurations of @other that are in the way of what @network claims now, by number; NULL:
 * there are no more. Borrowed. */
const NetworkConfig *joint_rival(const Network *network, const Network *other, guint number);
