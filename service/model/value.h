/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* A setting's value before anyone has judged it: what YAML text and a bus message have in common.
 * A tree of text, truth values, numbers, lists and mappings; each node from a file knows its line
 * and column. */

#include <glib.h>
#include <stdbool.h>

typedef enum ValueType {
        VALUE_TEXT,
        VALUE_BOOL,
        VALUE_NUMBER,
        VALUE_LIST,
        VALUE_MAP,
        VALUE_OTHER, /* of a type no setting has; `text` is its description */
        VALUE_TYPE_MAX,
} ValueType;

const char *value_type_to_string(ValueType type);

typedef struct Value Value;

struct Value {
        ValueType type;
        bool plain; /* unquoted YAML scalar: may be read as truth value or number as well */
        char *text; /* TEXT, OTHER */
        bool boolean;
        gint64 number;
        GPtrArray *items;   /* LIST, MAP: the values (Value*, owned) */
        GPtrArray *keys;    /* MAP: as many keys (Value* of type TEXT, owned) */
        GHashTable *index;  /* MAP: private to value.c */
        guint line, column; /* from 1; 0 = no file */
};

Value *value_new_text(const char *text);
Value *value_new_bool(bool boolean);
Value *value_new_number(gint64 number);
Value *value_new_other(const char *description);
Value *value_new_list(void);
Value *value_new_map(void);
Value *value_copy(const Value *value);
void value_free(Value *value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Value, value_free)

/* Take ownership of @item. */
void value_append(Value *list, Value *item);
/* Replaces the value of @key where there is one. */
void value_set(Value *map, const char *key, Value *item);
/* The same with @key, a TEXT, as a value of its own that knows its position; takes it as well. */
void value_set_at(Value *map, Value *key, Value *item);
/* The value of @key, or NULL; borrowed. Constant time, as value_set() is. */
const Value *value_get(const Value *map, const char *key);

/* Whether @value is YAML's null: an unquoted scalar that is empty, "~" or "null". */
bool value_is_null(const Value *value);
/* Reads a truth value: a bool, or one of the unquoted words of YAML 1.1
 * (https://yaml.org/type/bool.html) without "y" and "n", which no common reader takes. */
bool value_get_truth(const Value *value, bool *ret_truth);
/* Reads a number from @min to @max: one, or the unquoted digits of one. */
bool value_get_number(const Value *value, guint64 min, guint64 max, guint *ret_number);
/* @value for an error message: a scalar as it is, quoted, else what it is ("a list"). The
 * caller's. */
char *value_describe(const Value *value);

/* Sets INVALID_ARGS with "LINE:COLUMN: " in front where @value is from a file. @value may be
 * NULL. */
void value_set_error(GError **error, const Value *value, const char *format, ...)
        G_GNUC_PRINTF(3, 4);
/* Puts the same position and the formatted text in front of @error's message. */
void value_prefix_error(GError **error, const Value *value, const char *format, ...)
        G_GNUC_PRINTF(3, 4);

/* Whether every key of @map is one of the @n @known. INVALID_ARGS else, with position, @context,
 * the unknown key, its value, and the nearest known one. */
bool value_check_keys(const Value *map, const char *context, const char *const *known, guint n,
                      GError **error);
