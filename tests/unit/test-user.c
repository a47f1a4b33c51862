/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Users of the host: root is one everywhere. */

#include "host/user.h"

#include <stdbool.h>
#include <string.h>

#include "util/error.h"

typedef struct Answer {
        bool is_there;
        guint32 uid;
        GError *error;
} Answer;

static void found(guint32 uid, const GError *error, gpointer data)
{
        Answer *answer = data;

        g_assert_false(answer->is_there); /* once */
        *answer = (Answer){ true, uid, error ? g_error_copy(error) : NULL };
}

static Answer ask(const char *name)
{
        Answer answer = { 0 };

        user_look_up(name, found, &answer);
        g_assert_false(answer.is_there); /* not from inside the call */
        while (!answer.is_there)
                g_main_context_iteration(NULL, TRUE);
        return answer;
}

static void test_root(void)
{
        Answer answer = ask("root");

        g_assert_no_error(answer.error);
        g_assert_cmpuint(answer.uid, ==, 0);
}

static void test_nobody(void)
{
        static const char *const names[] = { "no-such-user-here", "no\nsuch", "" };

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                Answer answer = ask(names[i]);
                g_assert_error(answer.error, SERVICE_ERROR, SERVICE_ERROR_INVALID_ARGS);
                g_assert_nonnull(strstr(answer.error->message, "there is no user"));
                g_assert_null(strchr(answer.error->message, '\n'));
                g_error_free(answer.error);
        }
}

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/user/root", test_root);
        g_test_add_func("/user/nobody", test_nobody);
        return g_test_run();
}
