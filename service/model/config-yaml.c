/* SPDX-License-Identifier: GPL-2.0-or-later */

/* YAML text to a tree of values, from libyaml's events, within bounds: no anchors and aliases, so
 * that no text is larger in memory than a fixed multiple of itself; no tags, no merge keys, one
 * document. What the tree means is config-document.c's; writing is config-yaml-print.c's. */

#include "model/config-yaml.h"

#include <string.h>
#include <yaml.h>

#include "model/config-document.h"
#include "model/quote.h"
#include "util/error.h"

#define YAML_MAX_DEPTH 32
#define YAML_MAX_NODES 1000000

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_parser_t, yaml_parser_delete)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)

/* A list or mapping that has begun and not ended. */
typedef struct Open {
        Value *container; /* borrowed from the tree */
        Value *key;       /* MAP: owned; the key whose value comes next */
} Open;

typedef struct Tree {
        Value *root;
        Open open[YAML_MAX_DEPTH];
        guint depth;
        guint n_nodes;
        guint n_documents;
} Tree;

static void tree_clear(Tree *tree)
{
        for (guint i = 0; i < tree->depth; i++)
                value_free(tree->open[i].key);
        value_free(tree->root);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

static bool fail_at(const yaml_mark_t *mark, ServiceError code, const char *complaint,
                    GError **error)
{
        g_set_error(error, SERVICE_ERROR, code, "%zu:%zu: %s", mark->line + 1, mark->column + 1,
                    complaint);
        return false;
}

static bool refuse(const yaml_event_t *event, const char *complaint, GError **error)
{
        return fail_at(&event->start_mark, SERVICE_ERROR_INVALID_ARGS, complaint, error);
}

/* Takes @value as the next key of the open mapping. */
static bool place_key(Open *open, Value *value, GError **error)
{
        g_autoptr(Value) key = value;
        if (key->type != VALUE_TEXT) {
                value_set_error(error, key, "%s cannot be a key", value_type_to_string(key->type));
                return false;
        }
        if (key->plain && g_str_equal(key->text, "<<")) {
                value_set_error(error, key, "merge keys (\"<<\") are not supported");
                return false;
        }
        if (value_get(open->container, key->text)) {
                g_autofree char *name = quote_text(key->text);
                value_set_error(error, key, "the key %s is there twice", name);
                return false;
        }
        open->key = g_steal_pointer(&key);
        return true;
}

/* Takes @value to where the document has come. */
static bool place(Tree *tree, Value *value, GError **error)
{
        if (tree->depth == 0) {
                tree->root = value;
                return true;
        }

        Open *open = &tree->open[tree->depth - 1];
        if (open->container->type == VALUE_LIST)
                value_append(open->container, value);
        else if (open->key)
                value_set_at(open->container, g_steal_pointer(&open->key), value);
        else
                return place_key(open, value, error);
        return true;
}

/* Whether a node's properties are such that it means what it says. */
static bool check_node(Tree *tree, const yaml_event_t *event, const yaml_char_t *anchor,
                       const yaml_char_t *tag, GError **error)
{
        if (++tree->n_nodes > YAML_MAX_NODES)
                return fail_at(&event->start_mark, SERVICE_ERROR_LIMIT_EXCEEDED,
                               "there are more than 1000000 values", error);
        if (anchor)
                return refuse(event, "anchors (\"&\") are not supported", error);
        if (tag)
                return refuse(event, "tags (\"!\") are not supported", error);
        return true;
}

static bool open_container(Tree *tree, const yaml_event_t *event, Value *container, GError **error)
{
        g_autoptr(Value) value = container;
        value->line = (guint)event->start_mark.line + 1;
        value->column = (guint)event->start_mark.column + 1;

        if (tree->depth == YAML_MAX_DEPTH)
                return refuse(event, "it is nested more than 32 deep", error);
        if (!place(tree, g_steal_pointer(&value), error))
                return false;
        tree->open[tree->depth++] = (Open){ .container = container };
        return true;
}

/* White space aside. A NUL would end the text early, and no other may reach the host. */
static bool has_control_character(const char *text, gsize length)
{
        for (const char *p = text; p < text + length; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (g_unichar_iscntrl(c) && c != '\n' && c != '\t' && c != '\r')
                        return true;
        }
        return false;
}

/* Names the key that the scalar is the value of, where it is one's. */
static bool refuse_control_character(const Tree *tree, const yaml_event_t *event, GError **error)
{
        const Value *key = tree->depth > 0 ? tree->open[tree->depth - 1].key : NULL;
        g_autofree char *shown = quote_text((const char *)event->data.scalar.value);
        g_autofree char *complaint = g_strdup_printf("%s%s%s has a control character in it",
                                                     key ? key->text : "", key ? ": " : "", shown);
        return refuse(event, complaint, error);
}

static bool read_scalar(Tree *tree, const yaml_event_t *event, GError **error)
{
        const char *text = (const char *)event->data.scalar.value;
        if (has_control_character(text, event->data.scalar.length))
                return refuse_control_character(tree, event, error);

        Value *value = value_new_text(text);
        value->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        value->line = (guint)event->start_mark.line + 1;
        value->column = (guint)event->start_mark.column + 1;
        return place(tree, value, error);
}

/* Takes one @event into @tree. */
static bool read_event(Tree *tree, const yaml_event_t *event, GError **error)
{
        switch (event->type) {
        case YAML_SCALAR_EVENT:
                return check_node(tree, event, event->data.scalar.anchor, event->data.scalar.tag,
                                  error) &&
                       read_scalar(tree, event, error);
        case YAML_SEQUENCE_START_EVENT:
                return check_node(tree, event, event->data.sequence_start.anchor,
                                  event->data.sequence_start.tag, error) &&
                       open_container(tree, event, value_new_list(), error);
        case YAML_MAPPING_START_EVENT:
                return check_node(tree, event, event->data.mapping_start.anchor,
                                  event->data.mapping_start.tag, error) &&
                       open_container(tree, event, value_new_map(), error);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                tree->depth--;
                return true;
        case YAML_ALIAS_EVENT:
                return refuse(event, "aliases (\"*\") are not supported", error);
        case YAML_DOCUMENT_START_EVENT:
                return ++tree->n_documents == 1 ||
                       refuse(event, "there is more than one document", error);
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_END_EVENT:
                break;
        }
        return true;
}

/* Where the byte at @offset of @text is. */
static yaml_mark_t mark_of(const char *text, gsize length, gsize offset)
{
        yaml_mark_t mark = { .index = MIN(offset, length) };
        for (const char *p = text; p < text + mark.index; p++) {
                mark.column = *p == '\n' ? 0 : mark.column + 1;
                mark.line += *p == '\n';
        }
        return mark;
}

static bool fail_parser(const yaml_parser_t *parser, const char *text, gsize length, GError **error)
{
        if (parser->error == YAML_MEMORY_ERROR)
                g_error("out of memory");

        yaml_mark_t mark = parser->problem_mark;
        if (parser->error == YAML_READER_ERROR)
                mark = mark_of(text, length, parser->problem_offset);

        g_autofree char *complaint =
                g_strdup_printf("not YAML: %s%s%s", parser->context ? parser->context : "",
                                parser->context ? ", " : "", parser->problem);
        return fail_at(&mark, SERVICE_ERROR_INVALID_ARGS, complaint, error);
}

static bool read_tree(Tree *tree, const char *text, gsize length, GError **error)
{
        g_auto(yaml_parser_t) parser = { 0 };
        if (!yaml_parser_initialize(&parser))
                g_error("out of memory");
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);

        for (;;) {
                g_auto(yaml_event_t) event = { 0 };
                if (!yaml_parser_parse(&parser, &event))
                        return fail_parser(&parser, text, length, error);
                if (event.type == YAML_STREAM_END_EVENT)
                        return true;
                if (!read_event(tree, &event, error))
                        return false;
        }
}

/* The document in @text; the caller's. */
static Value *read_document(const char *text, gsize length, GError **error)
{
        if (length > YAML_MAX_BYTES) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_LIMIT_EXCEEDED,
                            "1:1: %zu bytes are more than %u", length, YAML_MAX_BYTES);
                return NULL;
        }

        g_auto(Tree) tree = { 0 };
        if (!read_tree(&tree, text, length, error))
                return NULL;
        if (!tree.root) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS,
                            "1:1: there is no network in it");
                return NULL;
        }
        return g_steal_pointer(&tree.root);
}

GPtrArray *config_yaml_parse(const char *text, gsize length, const char *source, GError **error)
{
        g_autoptr(Value) document = read_document(text, length, error);
        GPtrArray *configs = document ? config_list_from_document(document, error) : NULL;
        if (!configs && source)
                g_prefix_error(error, "%s:", source);
        return configs;
}

static Value *filter_of_document(const Value *document, GError **error)
{
        g_autoptr(Filter) filter = NULL;
        const Value *setting = document->type == VALUE_MAP ? value_get(document, "filter") : NULL;

        if (!filter_parse("filter", setting ? setting : document, &filter, error))
                return NULL;
        return filter ? filter_to_value(filter) : value_new_map();
}

Value *config_yaml_parse_filter(const char *text, gsize length, const char *source, GError **error)
{
        g_autoptr(Value) document = read_document(text, length, error);
        Value *filter = document ? filter_of_document(document, error) : NULL;

        if (!filter && source)
                g_prefix_error(error, "%s:", source);
        return filter;
}

static char *name_of_document(const Value *document, GError **error)
{
        bool is_map = document->type == VALUE_MAP;
        const Value *interface = is_map ? value_get(document, "interface") : NULL;
        const Value *match = is_map ? value_get(document, "match") : NULL;
        LinkMatch link = { 0 };

        if (interface && interface->type == VALUE_TEXT)
                return g_strdup(interface->text);
        bool is_match = match && link_match_parse("match", match, &link, error);
        char *name = is_match ? link_match_name(&link) : NULL;
        link_match_clear(&link);
        return name;
}

char *config_yaml_parse_name(const char *text, gsize length, const char *source, GError **error)
{
        g_autoptr(Value) document = read_document(text, length, error);
        char *name = document ? name_of_document(document, error) : NULL;

        if (!name && source)
                g_prefix_error(error, "%s:", source); /* where there is one */
        return name;
}

NetworkConfig *config_yaml_parse_state(const char *text, gsize length, const char *source,
                                       GError **error)
{
        g_autoptr(Value) document = read_document(text, length, error);
        NetworkConfig *config = document ? config_new(document, CONFIG_SOURCE_STATE, error) : NULL;
        if (!config && source)
                g_prefix_error(error, "%s:", source);
        return config;
}
