/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads the environment, once. */

#include "cli/microvm.h"

#include <stdio.h>

#include "cli/text.h"
#include "model/config.h"
#include "model/name.h"

#define PREFIX "MICROVM_NETWORK_"

#define BRIDGE "fcbr0"
#define SUBNET "172.30.0.0/24"
#define MTU    1500

/* @name's value, or NULL where it is not set, or empty. */
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

static const char *read_interface(const char *name, const char *otherwise, bool *given)
{
        const char *text = read_text(name, given);

        if (!text || interface_name_is_valid(text))
                return text ? text : otherwise;
        warn(name, text, otherwise ? otherwise : "the default route's interface");
        return otherwise;
}

static const char *read_subnet(const char *name, const char *otherwise, bool *given)
{
        const char *text = read_text(name, given);
        Subnet subnet;

        if (!text || subnet_parse(text, &subnet, NULL))
                return text ? text : otherwise;
        warn(name, text, otherwise);
        return otherwise;
}

static guint read_mtu(const char *name, bool *given)
{
        const char *text = read_text(name, given);
        guint64 mtu;

        if (!text)
                return MTU;
        if (g_ascii_string_to_unsigned(text, 10, CONFIG_MIN_MTU, CONFIG_MAX_MTU, &mtu, NULL))
                return (guint)mtu;
        warn(name, text, G_STRINGIFY(MTU));
        return MTU;
}

void microvm_read(Microvm *ret_microvm)
{
        bool given = false;

        *ret_microvm = (Microvm){
                .bridge = read_interface(PREFIX "BRIDGE", BRIDGE, &given),
                .subnet = read_subnet(PREFIX "SUBNET", SUBNET, &given),
                .egress = read_interface(PREFIX "EGRESS", NULL, &given),
                .mtu = read_mtu(PREFIX "MTU", &given),
        };
        ret_microvm->given = given;
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
