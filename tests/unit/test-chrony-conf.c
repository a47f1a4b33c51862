/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What chronyd is told. That it does as it is told is test-chrony.c's and the lab's. */

#include "model/chrony-conf.h"

#include <string.h>

static char *text_of(bool vouches, const char *ipv6_subnet)
{
        g_autoptr(Value) settings = value_new_map();
        g_autoptr(GError) error = NULL;
        const ChronyFacts facts = {
                .interface = "eth7",
                .pid_file = "/run/jumpstarter/eth7.chronyd.pid",
                .vouches = vouches,
        };

        value_set(settings, "interface", value_new_text("eth7"));
        value_set(settings, "subnet", value_new_text("10.1.0.0/16"));
        value_set(settings, "local_ntp", value_new_bool(true));
        if (ipv6_subnet)
                value_set(settings, "ipv6_subnet", value_new_text(ipv6_subnet));
        g_autoptr(NetworkConfig) config = config_new(settings, CONFIG_SOURCE_BUS, &error);
        g_assert_no_error(error);
        return chrony_conf_text(config, &facts);
}

static void test_all(void)
{
        g_autofree char *text = text_of(true, NULL);

        g_assert_cmpstr(text, ==,
                        "# Written by dut-networkd; changes are lost.\n"
                        "port 123\n"
                        "bindaddress 10.1.0.1\n"
                        "binddevice eth7\n"
                        "allow 10.1.0.0/16\n"
                        "local stratum 10\n"
                        "cmdport 0\n"
                        "bindcmdaddress /\n"
                        "noclientlog\n"
                        "pidfile /run/jumpstarter/eth7.chronyd.pid\n");
}

static void test_ipv6(void)
{
        g_autofree char *text = text_of(true, "fd00:d::/64");

        g_assert_nonnull(strstr(text, "allow 10.1.0.0/16\nallow fd00:d::/64\nallow fe80::/64\n"));
}

static void test_unsynchronised(void)
{
        g_autofree char *text = text_of(false, NULL);

        g_assert_null(strstr(text, "local"));
        g_assert_nonnull(strstr(text, "allow 10.1.0.0/16"));
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/chrony-conf/all", test_all);
        g_test_add_func("/chrony-conf/unsynchronised-is-said", test_unsynchronised);
        g_test_add_func("/chrony-conf/ipv6", test_ipv6);
        return g_test_run();
}
