/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The `ct timeout` objects of a table. */

#include "host/nft-batch.h"
#include "model/ruleset-types.h"

/* @type: NFT_MSG_NEWOBJ, which takes one that is there as it is, or NFT_MSG_DELOBJ, which looks at
 * its name alone: the connections that have it go on with the kernel's timeouts. */
void nft_timeout_change(NftBatch *batch, guint16 type, const RulesetTable *table,
                        const RulesetTimeout *timeout);
