/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads the environment, once. */

#include "cli/microvm.h"

#include <stdio.h>

#include "cli/text.h"
#include "model/config.h"

#define PREFIX "MICROVM_NETWORK_"

#define BRIDGE "fcbr0"
#define SUBNET "172.30.0.0/24"
#define MTU    1500

/* The value of the variable @name, or NULL where it is not set, or empty. */
static const char *read_text(const char *name, bool *given)
{
        const char *text = g_getenv(name);

        if (!text || !*text)
                return NULL;
        *given = true;
        return text;
}

static void warn(const char *name, const char *text, const char *otherwise)
{
        g_autofree char *shown = text_escape(text);
        fprintf(stderr, "dutnetctl: %s: \"%s\" is not valid; %s is used\n", name, shown, otherwise);
}

/* Whether a network can be made of it, as far as it says something. */
static bool is_valid(const Microvm *microvm)
{
        g_autoptr(Value) settings = microvm_settings(microvm);
        g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_BUS, NULL);

        return config != NULL;
}

/* Puts the value of the variable @name into @field of @microvm, if that goes. */
static void take(const char *name, const char **field, const char *otherwise, Microvm *microvm)
{
        const char *text = read_text(name, &microvm->given), *before = *field;

        if (!text)
                return;
        *field = text;
        if (is_valid(microvm))
                return;
        warn(name, text, otherwise);
        *field = before;
}

static void take_mtu(const char *name, Microvm *microvm)
{
        const char *text = read_text(name, &microvm->given);
        guint64 mtu;

        if (!text)
                return;
        if (g_ascii_string_to_unsigned(text, 10, CONFIG_MIN_MTU, CONFIG_MAX_MTU, &mtu, NULL))
                microvm->mtu = (guint)mtu;
        else
                warn(name, text, G_STRINGIFY(MTU));
}

void microvm_read(Microvm *ret_microvm)
{
        *ret_microvm = (Microvm){ .bridge = BRIDGE, .subnet = SUBNET, .mtu = MTU };
        take(PREFIX "BRIDGE", &ret_microvm->bridge, BRIDGE, ret_microvm);
        take(PREFIX "SUBNET", &ret_microvm->subnet, SUBNET, ret_microvm);
        take(PREFIX "EGRESS", &ret_microvm->egress, "the default route's interface", ret_microvm);
        take_mtu(PREFIX "MTU", ret_microvm);
}

Value *microvm_settings(const Microvm *microvm)
{
        Value *settings = value_new_map();

        value_set(settings, "interface", value_new_text(microvm->bridge));
        value_set(settings, "create", value_new_text("bridge"));
        value_set(settings, "subnet", value_new_text(microvm->subnet));
        value_set(settings, "mtu", value_new_number(microvm->mtu));
        if (microvm->egress)
                value_set(settings, "upstream_interface", value_new_text(microvm->egress));
        return settings;
}
