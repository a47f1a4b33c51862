/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The root of the kernel is the host's own, read-only, by hostfs: what its first process is and
 * what it needs is there. Networks are by the vector drivers (Documentation/virt/uml/
 * user_mode_linux_howto_v2.rst of the kernel), which the kernel calls vec0 and the first process
 * eth0. */

#include "cli/kernel-plan.h"

#include <string.h>

#include "model/digest.h"

#define FIRST_SUBNET 0xc6120000 /* 198.18.0.0 */
#define N_SUBNETS    512
#define PREFIX       24

/* As every guest's. */
#define MAC_FIRST 0x02

void kernel_plan_mac(const char *tap, char ret_mac[static MAC_TEXT_SIZE])
{
        digest_mac(MAC_FIRST, digest_of(tap), ret_mac);
}

bool kernel_plan_path_is_plain(const char *path)
{
        for (; *path; path++)
                if (!g_ascii_isgraph(*path) || strchr("\"',", *path))
                        return false;
        return true;
}

static void add(GPtrArray *words, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add(GPtrArray *words, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        g_ptr_array_add(words, g_strdup_vprintf(format, arguments));
        va_end(arguments);
}

char **kernel_plan_words(const KernelPlan *plan, const int fds[static KERNEL_CONSOLE_MAX])
{
        GPtrArray *words = g_ptr_array_new();

        add(words, "%s", plan->linux_path);
        add(words, "mem=%s", plan->memory);
        add(words, "uml_dir=%s", plan->directory);
        add(words, "root=/dev/root");
        add(words, "rootfstype=hostfs");
        add(words, "rootflags=/");
        add(words, "ro");
        add(words, "init=%s", plan->init);
        add(words, "dutnetctl=%s", plan->directory);
        add(words, "con=null");
        add(words, "ssl=null");
        for (guint i = 0; i < KERNEL_CONSOLE_MAX; i++)
                add(words, "con%u=fd:%d", i, fds[i]);
        for (guint i = 0; plan->taps[i]; i++) {
                char mac[MAC_TEXT_SIZE];
                kernel_plan_mac(plan->taps[i], mac);
                add(words, "vec%u:transport=tap,ifname=%s,mac=%s", i, plan->taps[i], mac);
        }
        g_ptr_array_add(words, NULL);
        return (char **)g_ptr_array_free(words, FALSE);
}

static bool is_free(const Subnet *subnet, const GArray *taken)
{
        for (guint i = 0; i < taken->len; i++) {
                const Subnet *other = &g_array_index(taken, Subnet, i);
                if (subnet_contains(other, subnet->network) ||
                    subnet_contains(subnet, other->network))
                        return false;
        }
        return true;
}

GArray *kernel_plan_subnets(const GArray *taken, guint n)
{
        g_autoptr(GArray) subnets = g_array_new(FALSE, FALSE, sizeof(Subnet));

        for (guint i = 0; i < N_SUBNETS && subnets->len < n; i++) {
                Subnet subnet = { .network = FIRST_SUBNET + (i << (32 - PREFIX)),
                                  .prefix = PREFIX };
                if (is_free(&subnet, taken))
                        g_array_append_val(subnets, subnet);
        }
        return subnets->len == n ? g_steal_pointer(&subnets) : NULL;
}

char *kernel_plan_subnet6(guint64 random, guint nth)
{
        return g_strdup_printf("fd%02x:%x:%x:%x::/64", (guint)(random >> 32 & 0xff),
                               (guint)(random >> 16 & 0xffff), (guint)(random & 0xffff), nth + 1);
}

KernelVerdict kernel_verdict_parse(char *line, int *ret_code, const char **ret_reason)
{
        guint64 code;

        g_strchomp(line);
        if (g_str_equal(line, "reboot"))
                return KERNEL_VERDICT_REBOOT;
        if (g_str_equal(line, "off"))
                return KERNEL_VERDICT_OFF;
        if (g_str_has_prefix(line, "fault ")) {
                *ret_reason = line + strlen("fault ");
                return KERNEL_VERDICT_FAULT;
        }
        if (!g_str_has_prefix(line, "exit ") ||
            !g_ascii_string_to_unsigned(line + strlen("exit "), 10, 0, 255, &code, NULL))
                return KERNEL_VERDICT_NONE;
        *ret_code = (int)code;
        return KERNEL_VERDICT_EXIT;
}
