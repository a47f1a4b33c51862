/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The inside of a network's operations, for operations.c (the queue) and operation-*.c (what each
 * does). A run function ends by one call of operation_end(), now or later. */

#include "network/network-private.h"

typedef enum OperationType {
        OPERATION_UP,
        OPERATION_DOWN,
        OPERATION_REMOVE,
        OPERATION_CHANGE,
        OPERATION_REFRESH,
        OPERATION_LOST,      /* its interface went away, or goes by another name */
        OPERATION_NEW_BOARD, /* another board wants the range's one address */
        OPERATION_LEFT,      /* there are leases of a subnet that the network had before */
        OPERATION_ENTRY,
} OperationType;

struct Operation {
        OperationType type;
        Value *settings;       /* CHANGE: only the keys to change; NULL where config is given */
        NetworkConfig *config; /* CHANGE: the new one; after the swap the old one */
        Entries *configured;   /* CHANGE: what `configured` becomes or was */
        HeldEntries *held;     /* CHANGE: likewise */
        NetworkConfig *file;   /* CHANGE: what its file says, where that is what is applied */
        char *taken_back;      /* CHANGE: the keys that the bus had changed; NULL: none */
        unsigned changes;      /* CHANGE, REFRESH */
        bool by_itself;        /* UP: no caller has asked for it */
        guint twin;            /* CHANGE: the network's number before */
        bool log;              /* CHANGE: the entry log changes */
        bool committing;       /* CHANGE: its files may have been replaced */
        gpointer entry_change; /* ENTRY */
        GPtrArray *burst;      /* ENTRY: those that run with it, and it first; borrowed */
        GError *cause;         /* UP, CHANGE: why it is being rolled back */
        NetworkDone done;
        gpointer data;
};

/* operations.c */
Operation *operation_new(OperationType type, NetworkDone done, gpointer data);
/* Has @operation (taken) run when its turn comes. */
void operation_queue(Network *network, Operation *operation);
/* Ends the current operation; @error is borrowed. */
void operation_end(Network *network, const GError *error);

/* operation-up.c */
void operation_run_up(Network *network);
/* Because its interface is there; not after a Down that came before its turn. */
void operation_up_by_itself(Network *network);
/* After steps went well, forth or back: what was left for those between goes. */
void operation_tidy_up(Network *network);
/* After the steps of @changes went well: active, or degraded for what is lacking; or as it was
 * while something else is still being retried. */
void operation_settle(Network *network, unsigned changes);
/* Waits for an interface; with a reason where there are too many. */
void operation_wait_for_interface(Network *network);

/* operation-down.c: @done is one of the two. */
void operation_run_down(Network *network, StepRunDone done);
void operation_down_undone(Network *network, GError *error);
void operation_remove_undone(Network *network, GError *error);
/* Undoes every step. */
void operation_undo(Network *network, StepRunDone done);
/* Ends the connections of mappings that @old has and @now has not. */
void operation_end_lost_mappings(Network *network, const Entries *old, const Entries *now);

/* operation-change.c */
void operation_run_change(Network *network);

/* operation-refresh.c */
void operation_run_refresh(Network *network);
void operation_run_lost(Network *network);
/* The end of steps that make a network which is up what it should be. */
void operation_refresh_started(Network *network, GError *error);
/* Tries again what failed (retry_changes, or to come up), after a back-off. */
void operation_retry_later(Network *network);
