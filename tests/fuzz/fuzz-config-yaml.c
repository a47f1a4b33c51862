/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as YAML: an error with a message, or networks that print to what reads back equal. */

#include "model/config-yaml.h"

#include "fuzz.h"

#include <string.h>

static void check_round_trip(const NetworkConfig *config)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(Value) settings = config_to_value(config, false);
        g_autofree char *text = config_yaml_print(settings);
        g_autoptr(GPtrArray) again = config_yaml_parse(text, strlen(text), NULL, &error);
        if (!again)
                g_error("%s, in what was printed:\n%s", error->message, text);
        if (!config_equal(config, g_ptr_array_index(again, 0)))
                g_error("reads back as another:\n%s", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) configs = config_yaml_parse((const char *)data, size, "fuzz", &error);
        if (!configs) {
                g_assert_nonnull(error);
                g_assert_true(g_str_has_prefix(error->message, "fuzz:"));
                g_assert_true(g_utf8_validate(error->message, -1, NULL));
                return 0;
        }

        g_assert_no_error(error);
        g_assert_cmpuint(configs->len, >, 0);
        for (guint i = 0; i < configs->len; i++)
                check_round_trip(g_ptr_array_index(configs, i));
        return 0;
}
