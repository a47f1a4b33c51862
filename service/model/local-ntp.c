/* SPDX-License-Identifier: GPL-2.0-or-later */

/* local_ntp: true, false, or a mapping, which means true and how. */

#include "model/local-ntp.h"

#define UNSYNCHRONISED "unsynchronised"

static bool parse_unsynchronised(const char *key, const Value *value, bool *ret, GError **error)
{
        if (value->type == VALUE_TEXT && g_str_equal(value->text, "serve")) {
                *ret = true;
                return true;
        }
        if (value->type == VALUE_TEXT && g_str_equal(value->text, "refuse")) {
                *ret = false;
                return true;
        }
        g_autofree char *got = value_describe(value);
        value_set_error(error, value, "%s: " UNSYNCHRONISED ": %s is not one of serve, refuse", key,
                        got);
        return false;
}

bool local_ntp_parse(const char *key, const Value *value, LocalNtp *ret_ntp, GError **error)
{
        static const char *const known[] = { UNSYNCHRONISED };
        g_autofree char *context = g_strdup_printf("%s: ", key);
        LocalNtp ntp = { 0 };

        if (value->type != VALUE_MAP) {
                if (value_get_truth(value, &ntp.enabled)) {
                        *ret_ntp = ntp;
                        return true;
                }
                g_autofree char *got = value_describe(value);
                value_set_error(error, value,
                                "%s: %s is not true, false or a mapping with " UNSYNCHRONISED, key,
                                got);
                return false;
        }
        if (!value_check_keys(value, context, known, G_N_ELEMENTS(known), error))
                return false;
        const Value *how = value_get(value, UNSYNCHRONISED);
        if (how && !parse_unsynchronised(key, how, &ntp.unsynchronised, error))
                return false;
        ntp.enabled = true;
        *ret_ntp = ntp;
        return true;
}

Value *local_ntp_to_value(const LocalNtp *ntp)
{
        if (!ntp->enabled || !ntp->unsynchronised)
                return value_new_bool(ntp->enabled);

        Value *map = value_new_map();
        value_set(map, UNSYNCHRONISED, value_new_text("serve"));
        return map;
}

bool local_ntp_equal(const LocalNtp *a, const LocalNtp *b)
{
        return a->enabled == b->enabled && a->unsynchronised == b->unsynchronised;
}
