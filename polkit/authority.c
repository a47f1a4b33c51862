/* SPDX-License-Identifier: GPL-2.0-or-later */

/* CheckAuthorization, asked asynchronously, one question for each network that a message is about.
 * A message's handler runs twice: the first run asks, the second finds the answer here. Between the
 * two anything may have changed, so the handler keeps nothing from its first run. Interface:
 * org.freedesktop.PolicyKit1.Authority in polkit(8). */

#include "polkit/authority.h"

#include <errno.h>

#include "polkit/actions.h"
#include "util/log.h"

#define POLKIT_NAME      "org.freedesktop.PolicyKit1"
#define POLKIT_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define ALLOW_USER_INTERACTION 1

typedef enum Answer {
        ANSWER_NONE, /* still asking */
        ANSWER_YES,
        ANSWER_NO,
        ANSWER_CHALLENGE, /* yes, if the caller lets itself be asked */
        ANSWER_NO_POLKIT,
} Answer;

typedef struct Question {
        Authority *authority;
        sd_bus_message *message;
        const Action *action;
        sd_bus_slot *slot;
        guint64 serial; /* the order of arrival */
        char *cancellation_id;
        GArray *objects;  /* AuthorityObject, its own texts */
        guint next;       /* the one that is asked about now */
        bool is_for_root; /* polkit is not asked */
        Answer answer;
        sd_bus_message_handler_t again;
        void *userdata;
} Question;

struct Authority {
        sd_bus *bus;
        Callers *callers;
        GHashTable *questions;    /* message -> Question */
        const Question *answered; /* whose handler runs again right now */
        guint64 serial;
};

static void question_free(gpointer data)
{
        Question *question = data;
        sd_bus_slot_unref(question->slot);
        sd_bus_message_unref(question->message);
        g_array_unref(question->objects);
        g_free(question->cancellation_id);
        g_free(question);
}

Authority *authority_new(sd_bus *bus, Callers *callers)
{
        Authority *authority = g_new0(Authority, 1);
        authority->bus = bus;
        authority->callers = callers;
        authority->questions = g_hash_table_new_full(NULL, NULL, NULL, question_free);
        return authority;
}

void authority_free(Authority *authority)
{
        if (!authority)
                return;
        g_hash_table_unref(authority->questions);
        g_free(authority);
}

guint authority_n_pending(const Authority *authority)
{
        return g_hash_table_size(authority->questions);
}

/* The answer is there: the handler runs again, and what it returns is treated as sd-bus does. */
static void question_answer(Question *question, Answer answer)
{
        Authority *authority = question->authority;
        const Question *outer = authority->answered;
        sd_bus_message *message = question->message;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        /* The handler may ask another question about the same message. */
        g_hash_table_steal(authority->questions, message);
        question->answer = answer;
        authority->answered = question;
        int r = sd_bus_message_rewind(message, true);
        if (r >= 0)
                r = question->again(message, question->userdata, &error);
        authority->answered = outer;

        if (sd_bus_error_is_set(&error))
                (void)sd_bus_reply_method_error(message, &error); /* the caller may be gone */
        else if (r < 0)
                (void)sd_bus_reply_method_errno(message, r, NULL); /* likewise */
        sd_bus_error_free(&error);
        question_free(question);
}

static void question_ask(Question *question);

static Answer read_answer(sd_bus_message *reply)
{
        int is_authorized, is_challenge;

        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return ANSWER_NO_POLKIT;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                log_warning("polkit: %s", sd_bus_message_get_error(reply)->message);
                return ANSWER_NO;
        }
        if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(reply, "bb", &is_authorized, &is_challenge) < 0)
                return ANSWER_NO;
        return is_authorized ? ANSWER_YES : is_challenge ? ANSWER_CHALLENGE : ANSWER_NO;
}

static int answered(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        Question *question = userdata;
        Answer answer = read_answer(reply);

        if (answer == ANSWER_YES && ++question->next < question->objects->len)
                question_ask(question);
        else
                question_answer(question, answer);
        return 0;
}

static int append_question(sd_bus_message *call, const Question *question)
{
        const char *sender = sd_bus_message_get_sender(question->message);
        bool interactive =
                sd_bus_message_get_allow_interactive_authorization(question->message) > 0;

        int r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender,
                                      question->action->action);
        if (r >= 0)
                r = authority_object_append(
                        &g_array_index(question->objects, AuthorityObject, question->next),
                        question->action->member, call);
        if (r < 0)
                return r;
        return sd_bus_message_append(call, "us",
                                     (uint32_t)(interactive ? ALLOW_USER_INTERACTION : 0),
                                     question->cancellation_id);
}

static void question_ask(Question *question)
{
        sd_bus *bus = question->authority->bus;
        sd_bus_message *call = NULL;

        question->slot = sd_bus_slot_unref(question->slot);
        int r = sd_bus_message_new_method_call(bus, &call, POLKIT_NAME, POLKIT_PATH,
                                               POLKIT_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = append_question(call, question);
        if (r >= 0) /* a prompt waits as long as the user thinks */
                r = sd_bus_call_async(bus, &question->slot, call, answered, question, UINT64_MAX);
        sd_bus_message_unref(call);
        if (r < 0) {
                log_error("cannot ask polkit: %s", g_strerror(-r));
                question_answer(question, ANSWER_NO);
        }
}

static int compare_arrivals(gconstpointer a, gconstpointer b)
{
        const Question *first = *(Question *const *)a;
        const Question *second = *(Question *const *)b;

        return first->serial < second->serial ? -1 : 1;
}

static void caller_known(const char *name, bool known, gpointer data)
{
        Authority *authority = data;
        GHashTableIter iter;
        gpointer value;
        g_autoptr(GPtrArray) waiting = g_ptr_array_new();

        g_hash_table_iter_init(&iter, authority->questions);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Question *question = value;
                if (!question->slot &&
                    g_strcmp0(sd_bus_message_get_sender(question->message), name) == 0)
                        g_ptr_array_add(waiting, question);
        }
        g_ptr_array_sort(waiting, compare_arrivals);
        for (guint i = 0; i < waiting->len; i++) {
                Question *question = waiting->pdata[i];
                uid_t uid;
                if (!callers_get(authority->callers, name, &uid))
                        question_answer(question, ANSWER_NO);
                else if (uid == 0)
                        question_answer(question, ANSWER_YES);
                else if (question->is_for_root)
                        question_answer(question, ANSWER_NO);
                else
                        question_ask(question);
        }
}

/* Of the first of @objects that has one; NULL: polkit decides. */
static const char *reason_for_root(const AuthorityObject *objects, guint n)
{
        for (guint i = 0; i < n; i++)
                if (objects[i].root_alone)
                        return objects[i].root_alone;
        return NULL;
}

static void question_start(Authority *authority, sd_bus_message *message, const Action *action,
                           const AuthorityObject *objects, guint n_objects,
                           sd_bus_message_handler_t again, void *userdata)
{
        Question *question = g_new0(Question, 1);
        const char *sender = sd_bus_message_get_sender(message);
        uid_t uid;

        question->authority = authority;
        question->message = sd_bus_message_ref(message);
        question->action = action;
        question->again = again;
        question->userdata = userdata;
        question->serial = ++authority->serial;
        question->cancellation_id =
                g_strdup_printf("dut-network-%" G_GUINT64_FORMAT, question->serial);
        question->objects = authority_objects_copy(objects, n_objects);
        question->is_for_root = reason_for_root(objects, n_objects);
        g_hash_table_insert(authority->questions, message, question);
        if (callers_get(authority->callers, sender, &uid))
                question_ask(question);
        else
                callers_ask(authority->callers, sender, caller_known, authority);
}

static int refuse(const Question *question, sd_bus_error *error)
{
        const Action *action = question->action;

        switch (question->answer) {
        case ANSWER_CHALLENGE:
                return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                         "%s: %s needs interactive authorization", action->member,
                                         action->action);
        case ANSWER_NO_POLKIT:
                if (action->is_open)
                        return 1;
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                                         "%s: %s: there is no polkit to ask", action->member,
                                         action->action);
        case ANSWER_NO:
        case ANSWER_NONE:
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "%s: %s is not granted",
                                         action->member, action->action);
        case ANSWER_YES:
                return 1;
        }
        g_assert_not_reached();
}

int authority_check(Authority *authority, sd_bus_message *message, const AuthorityObject *objects,
                    guint n_objects, sd_bus_message_handler_t again, void *userdata,
                    sd_bus_error *error)
{
        const Question *answered = authority->answered;
        const char *member = sd_bus_message_get_member(message);
        const char *reason = reason_for_root(objects, n_objects);
        uid_t uid;
        bool is_known = callers_get(authority->callers, sd_bus_message_get_sender(message), &uid);

        if (reason && is_known && uid != 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "%s: %s", member,
                                         reason);
        if (answered && answered->message == message &&
            authority_objects_equal(answered->objects, objects, n_objects))
                return refuse(answered, error);
        const Action *action = action_find(sd_bus_message_get_interface(message), member);
        if (!action)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
                                         "%s: no action covers it", member);
        if (is_known && uid == 0)
                return 1;
        question_start(authority, message, action, objects, n_objects, again, userdata);
        return 0;
}

static void cancel(Authority *authority, const Question *question)
{
        int r = sd_bus_call_method_async(authority->bus, NULL, POLKIT_NAME, POLKIT_PATH,
                                         POLKIT_INTERFACE, "CancelCheckAuthorization", NULL, NULL,
                                         "s", question->cancellation_id);
        if (r < 0)
                log_warning("cannot cancel a question to polkit: %s", g_strerror(-r));
}

void authority_caller_left(Authority *authority, const char *name)
{
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, authority->questions);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Question *question = value;
                if (!question->slot ||
                    g_strcmp0(sd_bus_message_get_sender(question->message), name) != 0)
                        continue;
                cancel(authority, question);
                g_hash_table_iter_remove(&iter);
        }
}
