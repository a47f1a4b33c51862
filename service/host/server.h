/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* One server process of a network: started, known again after our own restart, ended; one after
 * the other, however the requests come. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "host/child.h"

typedef struct Server Server;

/* Called exactly once, never from inside the call that took it. @error is borrowed, NULL = done. */
typedef void (*ServerDone)(const GError *error, gpointer data);

/* What one kind of server is. Each function gets the owner that server_new() was given. */
typedef struct ServerType {
        const char *name; /* of the program */
        /* Why it ends with a status, by the status; NULL: unknown. */
        const char *const *exit_reasons;
        guint n_exit_reasons;
        /* How often is_ready() is asked while a start waits: for one that tells nobody when it is.
         * 0: the owner learns it, and calls server_check_ready(). */
        guint poll_ms;

        /* Makes what must be there before it starts. The command line (borrowed), or NULL. */
        const char *const *(*prepare)(gpointer owner, GError **error);
        /* What it has in its environment (borrowed; NULL: nothing of its own). May be NULL itself.
         */
        const char *const *(*variables)(gpointer owner);
        /* It runs as server_child(): notes it for the next life. */
        bool (*note)(gpointer owner, GError **error);
        /* Whether server_child() answers. */
        bool (*is_ready)(gpointer owner);
        /* It does, now or still. NULL: nothing is to be done about it. */
        void (*ready)(gpointer owner);
        /* Looks for one that an earlier life has left, for server_adopt(). */
        void (*adopt)(gpointer owner);
        /* Whether the process that runs is the one that is wanted. */
        bool (*can_stay)(gpointer owner);
        /* server_child() is gone, or given up. Not told of one that goes on when we do not. */
        void (*lost)(gpointer owner);
        /* None runs any more: removes what note() has noted. */
        bool (*forget)(gpointer owner, GError **error);
        /* It has ended without having been told to. @reason is for a reader. May free the owner. */
        void (*ended)(gpointer owner, const char *reason);
} ServerType;

/* The path of the program @name where servers are; where there is none, one to be named in the
 * error. The caller's. */
char *server_find_program(const char *name);

/* For network @interface. Starts nothing. */
Server *server_new(const ServerType *type, const char *interface, gpointer owner);
/* Forgets the process, which goes on running; what waits is answered with a FAILED error. */
void server_free(Server *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)

/* Starts the process, or keeps the one that runs where it can stay. Done when it is ready. Fails
 * with how it ended where it ends, or after 5 s. */
void server_start(Server *server, ServerDone done, gpointer data);
/* Ends the process (SIGTERM, after 2 s SIGKILL) and waits for it. None running is success. Takes
 * over one left from an earlier life of ours first. */
void server_stop(Server *server, ServerDone done, gpointer data);

/* For ServerType.adopt: takes the process over if it is provably ours (child_adopt()). */
bool server_adopt(Server *server, pid_t pid, guint64 start_time, const char *const *argv);
/* Asks whether it is ready, as far as that is not known. May free the owner. */
void server_check_ready(Server *server);

/* NULL: none runs. Borrowed. */
Child *server_child(const Server *server);
bool server_is_running(const Server *server);
bool server_is_ending(const Server *server);
