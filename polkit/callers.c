/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A cache of GetConnectionUnixUser's answers. A unique name is never used again in a bus's life,
 * and NameOwnerChanged tells of each that goes, so an entry is never wrong and never stays for
 * ever. */

#include "polkit/callers.h"

#include "util/log.h"

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

struct Callers {
        sd_bus *bus;
        sd_bus_slot *match;
        GHashTable *uids;      /* unique name -> uid + 1 */
        GHashTable *questions; /* Question, a set */
        void (*left)(const char *name, gpointer data);
        gpointer data;
};

typedef struct Question {
        Callers *callers;
        sd_bus_slot *slot;
        char *name;
        CallersDone done;
        gpointer data;
} Question;

static void question_free(gpointer data)
{
        Question *question = data;
        sd_bus_slot_unref(question->slot);
        g_free(question->name);
        g_free(question);
}

static int name_left(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Callers *callers = userdata;
        const char *name, *old_owner, *new_owner;

        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) < 0 ||
            name[0] != ':')
                return 0;
        callers->left(name, callers->data);
        g_hash_table_remove(callers->uids, name);
        return 0;
}

Callers *callers_new(sd_bus *bus, void (*left)(const char *name, gpointer data), gpointer data)
{
        Callers *callers = g_new0(Callers, 1);

        callers->bus = bus;
        callers->left = left;
        callers->data = data;
        callers->uids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        callers->questions = g_hash_table_new_full(NULL, NULL, question_free, NULL);
        int r = sd_bus_add_match_async(bus, &callers->match,
                                       "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH
                                       "',interface='" DBUS_NAME
                                       "',member='NameOwnerChanged',arg2=''",
                                       name_left, NULL, callers);
        if (r < 0)
                log_error("cannot watch the bus for callers that leave: %s", g_strerror(-r));
        return callers;
}

void callers_free(Callers *callers)
{
        if (!callers)
                return;
        sd_bus_slot_unref(callers->match);
        g_hash_table_unref(callers->questions);
        g_hash_table_unref(callers->uids);
        g_free(callers);
}

bool callers_get(const Callers *callers, const char *name, uid_t *ret_uid)
{
        gpointer value = g_hash_table_lookup(callers->uids, name);
        if (!value)
                return false;
        *ret_uid = (uid_t)(GPOINTER_TO_UINT(value) - 1);
        return true;
}

static int answered(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Question *question = userdata;
        Callers *callers = question->callers;
        uint32_t uid;
        bool known = !sd_bus_message_is_method_error(message, NULL) &&
                     sd_bus_message_read(message, "u", &uid) >= 0;

        g_hash_table_steal(callers->questions, question);
        if (known)
                g_hash_table_replace(callers->uids, g_strdup(question->name),
                                     GUINT_TO_POINTER(uid + 1));
        question->done(question->name, known, question->data);
        question_free(question);
        return 0;
}

void callers_ask(Callers *callers, const char *name, CallersDone done, gpointer data)
{
        Question *question = g_new0(Question, 1);

        question->callers = callers;
        question->name = g_strdup(name);
        question->done = done;
        question->data = data;
        g_hash_table_add(callers->questions, question);
        int r = sd_bus_call_method_async(callers->bus, &question->slot, DBUS_NAME, DBUS_PATH,
                                         DBUS_NAME, "GetConnectionUnixUser", answered, question,
                                         "s", name);
        if (r < 0) /* the connection is going: so does the service */
                log_error("cannot ask the bus for the user of %s: %s", name, g_strerror(-r));
}
