/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Tables for the terminal. Cells are kept escaped, in one array, row after row, the headings first.
 * Off a terminal nothing is cut, so that what reads the table gets all of it. */

#include "cli/table.h"

#include "cli/text.h"

#define GAP              2
#define COLUMN_MIN_WIDTH 6

typedef struct Cell {
        char *text;
        Style style;
} Cell;

struct Table {
        guint n_columns;
        bool *is_prose; /* for each column */
        GArray *cells;
};

static void cell_clear(gpointer data)
{
        Cell *cell = data;
        g_clear_pointer(&cell->text, g_free);
}

Table *table_new(const Column *columns, guint n_columns)
{
        Table *table = g_new(Table, 1);
        *table = (Table){
                .n_columns = n_columns,
                .is_prose = g_new(bool, n_columns),
                .cells = g_array_new(FALSE, FALSE, sizeof(Cell)),
        };
        g_array_set_clear_func(table->cells, cell_clear);
        for (guint i = 0; i < n_columns; i++) {
                table->is_prose[i] = columns[i].is_prose;
                table_add_styled(table, STYLE_HEADING, columns[i].heading);
        }
        return table;
}

void table_free(Table *table)
{
        if (!table)
                return;

        g_array_unref(table->cells);
        g_free(table->is_prose);
        g_free(table);
}

void table_add_styled(Table *table, Style style, const char *text)
{
        Cell cell = { .text = text_escape(text ? text : ""), .style = style };
        g_array_append_val(table->cells, cell);
}

void table_add(Table *table, const char *text)
{
        table_add_styled(table, STYLE_PLAIN, text);
}

guint table_n_rows(const Table *table)
{
        return table->cells->len / table->n_columns - 1;
}

static const Cell *table_cell(const Table *table, guint row, guint column)
{
        return &g_array_index(table->cells, Cell, row * table->n_columns + column);
}

static guint *measure(const Table *table, guint n_lines)
{
        guint *widths = g_new0(guint, table->n_columns);
        for (guint row = 0; row < n_lines; row++)
                for (guint i = 0; i < table->n_columns; i++)
                        widths[i] = MAX(widths[i], text_width(table_cell(table, row, i)->text));
        return widths;
}

/* The widest column that can give something, @n_columns for none. */
static guint find_widest(const Table *table, const guint *widths, bool prose_alone)
{
        guint widest = table->n_columns;
        for (guint i = 0; i < table->n_columns; i++) {
                bool may_give =
                        widths[i] > COLUMN_MIN_WIDTH && (table->is_prose[i] || !prose_alone);
                if (may_give && (widest == table->n_columns || widths[i] > widths[widest]))
                        widest = i;
        }
        return widest;
}

/* Takes from the widest until the sum is at most @width, or none can give any more. */
static void shrink(const Table *table, guint *widths, guint width)
{
        guint sum = (table->n_columns - 1) * GAP;
        for (guint i = 0; i < table->n_columns; i++)
                sum += widths[i];

        for (; sum > width; sum--) {
                guint widest = find_widest(table, widths, true);
                if (widest == table->n_columns)
                        widest = find_widest(table, widths, false);
                if (widest == table->n_columns)
                        return;
                widths[widest]--;
        }
}

static void append_spaces(GString *out, guint n)
{
        g_string_append_printf(out, "%*s", (int)n, "");
}

static void append_row(const Table *table, const Terminal *terminal, guint row, const guint *widths,
                       GString *out)
{
        guint pending = 0; /* spaces that are only written in front of something */
        for (guint i = 0; i < table->n_columns; i++) {
                const Cell *cell = table_cell(table, row, i);
                g_autofree char *text = text_cut(cell->text, widths[i], terminal->unicode);
                if (*text) {
                        append_spaces(out, pending);
                        terminal_append(terminal, out, cell->style, text);
                        pending = 0;
                }
                pending += widths[i] - text_width(text) + GAP;
        }
        g_string_append_c(out, '\n');
}

void table_append(const Table *table, const Terminal *terminal, guint indent, guint max_rows,
                  GString *out)
{
        guint n_rows = table_n_rows(table);
        guint shown = max_rows > 0 ? MIN(n_rows, max_rows) : n_rows;
        g_autofree guint *widths = measure(table, shown + 1);
        if (terminal->width > 0)
                shrink(table, widths, terminal->width > indent ? terminal->width - indent : 0);

        for (guint row = 0; row <= shown; row++) {
                append_spaces(out, indent);
                append_row(table, terminal, row, widths, out);
        }

        if (shown < n_rows) {
                g_autofree char *count = text_count(n_rows - shown);
                g_autofree char *rest =
                        g_strdup_printf("%s and %s more", terminal->unicode ? "…" : "...", count);
                append_spaces(out, indent);
                terminal_append(terminal, out, STYLE_FAINT, rest);
                g_string_append_c(out, '\n');
        }
}
