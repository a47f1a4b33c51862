/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The values of model/ruleset-types.h as messages of a batch. */

#include <glib.h>

#include "host/nft-batch.h"
#include "model/ruleset-types.h"

/* For flags: whatever the table has if it is there. */
#define NFT_OBJECTS_AS_IS G_MAXUINT32

/* @flags: NFT_TABLE_F_*, or NFT_OBJECTS_AS_IS. */
void nft_objects_add_table(NftBatch *batch, guint16 family, const char *name, guint32 flags);
/* Adds what it takes for @table to be as it says, whatever there was. */
void nft_objects_replace_table(NftBatch *batch, const RulesetTable *table, guint32 flags);
/* Adds @part's chains with their rules, and its elements, to the table that has the maps of the
 * same names; or takes exactly those out, where they are all there. */
void nft_objects_add_part(NftBatch *batch, const RulesetTable *part);
void nft_objects_remove_part(NftBatch *batch, const RulesetTable *part);
/* The same whatever of it is there, and whether the table is: has its chains be as @part says, and
 * its elements be there; or none of them, and sets of answers are gone. @flags are those that the
 * table has, or gets. */
void nft_objects_put_part(NftBatch *batch, const RulesetTable *part, guint32 flags);
void nft_objects_take_part(NftBatch *batch, const RulesetTable *part, guint32 flags);
/* Adds what it takes for the table to be gone, whether it is there or not. */
void nft_objects_remove_table(NftBatch *batch, guint16 family, const char *name);
/* @type: NFT_MSG_NEWSETELEM, or NFT_MSG_DELSETELEM, which looks at the keys alone. @map_type:
 * MAP_ADDRESSES, MAP_ADDRESS_SET or MAP_ANSWERS. */
void nft_objects_change_elements(NftBatch *batch, guint16 type, guint16 family, const char *table,
                                 const char *map, RulesetMapType map_type,
                                 const RulesetElement *elements, guint n);
