/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Which networks a document describes. For config-yaml.c alone. */

#include "model/config.h"

/* The networks of @document in its three forms, as config_yaml_parse() says, as an array of
 * NetworkConfig* (the caller's, it frees them). INVALID_ARGS or LIMIT_EXCEEDED, with a position,
 * else. */
GPtrArray *config_list_from_document(const Value *document, GError **error);
