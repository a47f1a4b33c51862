/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One after the other they become what they are to be (transaction.c), so for a while two of them
 * have the same: the first one already, the second one still. */

#include "network/joint.h"

#include "network/network-private.h"

struct Joint {
        Host *host;
        GPtrArray *to_be, *before; /* NetworkConfig*; `before` of those that there were */
        GHashTable *done;          /* names, as a set: they are what they are to be */
        bool goes_back;
};

static void add(Joint *joint, const NetworkConfig *config)
{
        const Network *network = g_hash_table_lookup(joint->host->networks, config->interface);
        NetworkConfig *copy = config_copy(config);

        g_ptr_array_add(joint->to_be, copy);
        if (!network || network_is_being_removed(network))
                return;
        /* It keeps its guests and what its pool chose; where it cannot, its change says so. */
        (void)config_keep_guests(copy, network->config->entries, NULL);
        config_keep_choices(copy, network->config->entries);
        g_ptr_array_add(joint->before, config_copy(network->config));
}

Joint *joint_new(Host *host, const GPtrArray *configs)
{
        Joint *joint = g_new0(Joint, 1);

        joint->host = host;
        joint->to_be = g_ptr_array_new_with_free_func((GDestroyNotify)config_free);
        joint->before = g_ptr_array_new_with_free_func((GDestroyNotify)config_free);
        joint->done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < configs->len; i++)
                add(joint, configs->pdata[i]);
        g_ptr_array_add(host->joints, joint);
        return joint;
}

void joint_note_done(Joint *joint, const Network *network)
{
        g_hash_table_add(joint->done, g_strdup(network->name));
}

void joint_go_back(Joint *joint)
{
        joint->goes_back = true;
}

void joint_free(Joint *joint)
{
        if (!joint)
                return;
        (void)g_ptr_array_remove(joint->host->joints, joint); /* it is there */
        g_ptr_array_unref(joint->to_be);
        g_ptr_array_unref(joint->before);
        g_hash_table_unref(joint->done);
        g_free(joint);
}

static const NetworkConfig *find(const GPtrArray *configs, const Network *network)
{
        for (guint i = 0; i < configs->len; i++) {
                const NetworkConfig *config = configs->pdata[i];
                if (g_str_equal(config->interface, network->name))
                        return config;
        }
        return NULL;
}

/* The one that both belong to. What is done to a single entry meanwhile is somebody else's. */
static const Joint *find_common(const Network *network, const Network *other)
{
        const GPtrArray *joints = network->host->joints;

        for (guint i = 0; i < joints->len && operations_run_steps(network); i++) {
                const Joint *joint = joints->pdata[i];
                if (find(joint->to_be, network) && find(joint->to_be, other))
                        return joint;
        }
        return NULL;
}

/* What @other is to be, and has been, by number. */
static const NetworkConfig *find_by_number(const Network *other, guint number)
{
        const GPtrArray *joints = other->host->joints;

        for (guint i = 0; i < joints->len; i++) {
                const Joint *joint = joints->pdata[i];
                const NetworkConfig *to_be = find(joint->to_be, other);
                const NetworkConfig *before = find(joint->before, other);
                if (to_be && number-- == 0)
                        return to_be;
                if (before && number-- == 0)
                        return before;
        }
        return NULL;
}

const NetworkConfig *joint_rival(const Network *network, const Network *other, guint number)
{
        const Joint *common = find_common(network, other);

        if (!common)
                return number == 0 ? other->config : find_by_number(other, number - 1);
        if (number > 0 || common->goes_back || !operations_go_forward(network))
                return NULL;
        bool is_done = g_hash_table_contains(common->done, other->name);
        return is_done ? other->config : find(common->to_be, other);
}
