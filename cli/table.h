/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Rows and columns of text. */

#include <glib.h>

#include "cli/terminal.h"

typedef struct Table Table;

typedef struct Column {
        const char *heading;
        bool is_prose; /* says something when it is cut, too: cut before the others */
} Column;

/* A table of @n_columns @columns (borrowed for the call). */
Table *table_new(const Column *columns, guint n_columns);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* Appends a cell, beginning a row where the last one is full. @text may be NULL: an empty cell. It
 * is escaped here. */
void table_add(Table *table, const char *text);
void table_add_styled(Table *table, Style style, const char *text);

/* The number of whole rows. */
guint table_n_rows(const Table *table);

/* Appends the headings and at most @max_rows rows (0: all), each line behind @indent spaces. Where
 * the terminal is too narrow cells are cut, of prose and of the widest columns first. A "… and N
 * more" stands for rows left out. */
void table_append(const Table *table, const Terminal *terminal, guint indent, guint max_rows,
                  GString *out);
