/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Networks as YAML text. */

#include <glib.h>

#include "model/config.h"
#include "model/value.h"

#define YAML_MAX_BYTES (4 * 1024 * 1024 - 1)

/* The networks that @text (@length bytes, UTF-8) describes, in its order: a bare mapping,
 * `networks:` with a list, or a Jumpstarter exporter file, of which every item under `export:`
 * whose `type` ends in ".DutNetwork" counts, by its `config:`. Returns an array of NetworkConfig*
 * (the caller's, it frees them). @source names the text in errors, as "SOURCE:LINE:COLUMN: …", or
 * is NULL for "LINE:COLUMN: …".
 *
 * INVALID_ARGS: not YAML, an alias or anchor, a tag, a merge key, a key twice, nested deeper than
 * 32, a NUL or other control character (but line ends and tabs) in a scalar, more than one
 * document, no network in it, an interface twice, and all that config_new() refuses.
 * LIMIT_EXCEEDED: more than YAML_MAX_BYTES or 1,000,000 nodes. */
GPtrArray *config_yaml_parse(const char *text, gsize length, const char *source, GError **error);

/* The filter that @text describes, bare or as the `filter:` of a mapping with settings: as a MAP
 * (the caller's), empty where it allows all. Errors as above. */
Value *config_yaml_parse_filter(const char *text, gsize length, const char *source, GError **error);

/* What the network is called whose settings @text has, bare: its `interface`, or after its `match`.
 * The caller's; NULL, without an error, where it does not say. Errors as above. */
char *config_yaml_parse_name(const char *text, gsize length, const char *source, GError **error);

/* The one network of a bare mapping that we wrote ourselves by config_yaml_print(): as
 * CONFIG_SOURCE_STATE. The caller's. Errors as above. */
NetworkConfig *config_yaml_parse_state(const char *text, gsize length, const char *source,
                                       GError **error);

/* @settings (a MAP, as config_to_value() gives it) as a YAML document that config_yaml_parse()
 * reads back to the same. The caller's string. */
char *config_yaml_print(const Value *settings);
/* The same for several networks: `networks:` and a list of @settings (Value*, MAPs). */
char *config_yaml_print_list(const GPtrArray *settings);
