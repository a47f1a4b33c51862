/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The files that a change of a configuration replaces. Whole and on disk, they stand beside the old
 * ones (file_next_path()) before the host is touched, so that a full disk refuses the change; then
 * they take their places. One after the other, in this order, so that a life that is cut short
 * leaves one of two things: the first one still beside the old one, and nothing has changed, or
 * that one in its place, and the others follow (recovery.c). What goes, goes in the other order. */

#include "network/network-private.h"
#include "network/store.h"

enum {
        PART_LIB, /* of a network that was made over the bus: the first one, which outlives a boot
                   */
        PART_RUN,
        PART_LOG,
        PART_CONFIGURED,
        PART_FILE, /* of a network whose file is being applied: the last one, which is so, then */
        N_PARTS,
};

static bool has_part(const Saving *saving, guint part)
{
        return saving->parts & (1u << part);
}

static StoreFile file_of(guint part)
{
        return part == PART_LIB          ? STORE_LIB
               : part == PART_RUN        ? STORE_RUN
               : part == PART_CONFIGURED ? STORE_CONFIGURED
                                         : STORE_FILE;
}

static void finish(Network *network)
{
        StepRunDone done = g_steal_pointer(&network->saving.done);
        done(network, g_steal_pointer(&network->saving.error));
}

static void drop_next(Network *network);

static void dropped(const GError *error, gpointer data)
{
        drop_next(data); /* it counts for nothing, the next one replaces it */
}

/* Those before `next`, last first. */
static void drop_next(Network *network)
{
        Saving *saving = &network->saving;

        while (saving->next > 0 && !has_part(saving, saving->next - 1))
                saving->next--;
        if (saving->next == 0)
                finish(network);
        else if (--saving->next == PART_LOG)
                entry_changes_drop_reset(network, dropped, network);
        else
                store_drop(network, network->host, file_of(saving->next), dropped, network);
}

static char *text_of(const Network *network, guint part)
{
        return part == PART_FILE ? store_config_text(network->saving.file)
                                 : store_text(network, file_of(part));
}

static void stage_next(Network *network);

static void staged(const GError *error, gpointer data)
{
        Network *network = data;
        Saving *saving = &network->saving;

        saving->next++;
        if (error) { /* which does not say that it is not there */
                saving->error = g_error_copy(error);
                drop_next(network);
                return;
        }
        stage_next(network);
}

static void stage_next(Network *network)
{
        Saving *saving = &network->saving;

        while (saving->next < N_PARTS && !has_part(saving, saving->next))
                saving->next++;
        if (saving->next == N_PARTS)
                finish(network);
        else if (saving->next == PART_LOG)
                entry_changes_stage_reset(network, staged, network);
        else
                store_stage(network, network->host, file_of(saving->next),
                            text_of(network, saving->next), staged, network);
}

void saving_stage(Network *network, const NetworkConfig *file, bool log, StepRunDone done)
{
        bool is_bus = g_str_equal(network_origin(network), "bus");
        unsigned parts = 1u << PART_RUN | 1u << PART_CONFIGURED;

        parts |= is_bus ? 1u << PART_LIB : 0;
        parts |= log ? 1u << PART_LOG : 0;
        parts |= file ? 1u << PART_FILE : 0;
        network->saving = (Saving){ .parts = parts, .file = file, .done = done };
        stage_next(network);
}

static void commit_next(Network *network);

static void committed(const GError *error, gpointer data)
{
        Network *network = data;
        Saving *saving = &network->saving;

        if (error) {
                saving->error = g_error_copy(error);
                saving->next = N_PARTS;
                drop_next(network);
                return;
        }
        saving->next++;
        commit_next(network);
}

static void commit_next(Network *network)
{
        Saving *saving = &network->saving;

        while (saving->next < N_PARTS && !has_part(saving, saving->next))
                saving->next++;
        if (saving->next == N_PARTS)
                finish(network);
        else if (saving->next == PART_LOG)
                entry_changes_commit_reset(network, committed, network);
        else
                store_commit(network, network->host, file_of(saving->next), committed, network);
}

void saving_commit(Network *network, StepRunDone done)
{
        network->saving.done = done;
        network->saving.next = 0;
        commit_next(network);
}

void saving_drop(Network *network, StepRunDone done)
{
        network->saving.done = done;
        network->saving.next = N_PARTS;
        drop_next(network);
}
