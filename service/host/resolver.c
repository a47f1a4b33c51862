/* SPDX-License-Identifier: GPL-2.0-or-later */

/* getaddrinfo(3) says what the name is, by whatever the host asks (nsswitch.conf(5)); it does not
 * say for how long. DNS is asked for that, by resolver(3); what DNS does not know, like a line of
 * /etc/hosts, is looked at again after a minute. Both block, for as long as name servers are
 * silent: threads of a pool do it, and the loop is told. A thread touches its question alone. */

#include "host/resolver.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Questions at once: one for a name server that is silent does not stop the others. */
#define MAX_THREADS 4

/* A time of nothing would have us ask without a pause; one without an end, never. */
#define MIN_TTL_SEC     2
#define MAX_TTL_SEC     (24 * 60 * 60)
#define DEFAULT_TTL_SEC 60
/* Where DNS should have said for how long, and its answer was lost. */
#define UNHEARD_TTL_SEC 5
/* After a failure, doubled each time. */
#define MIN_BACK_OFF_SEC 1
#define MAX_BACK_OFF_SEC 30

/* DNS was just asked for the same: it answers at once or not at all. */
#define TTL_TIMEOUT_SEC 1
#define TTL_TRIES       2
#define ANSWER_BYTES    4096

struct Resolver {
        GThreadPool *pool;
        GHashTable *names; /* a set of ResolverName, borrowed */
};

typedef struct Question {
        ResolverName *asker; /* NULL: it does not want to know any more. The loop's alone */
        char *name;
        int code; /* getaddrinfo()'s */
        GArray *addresses;
        guint ttl_sec;
        GSource *answered; /* made before the thread has it, attached by the thread */
} Question;

struct ResolverName {
        Resolver *resolver;
        char *name;
        ResolverChanged changed;
        gpointer data;

        bool is_known;
        guint32 address;
        char *fault;
        Question *question; /* under way; owned by who answers it */
        guint ask_again_id;
        guint back_off_sec;
        bool is_stale; /* the question under way was asked too early */
};

static void question_free(Question *question)
{
        g_source_unref(question->answered);
        g_array_unref(question->addresses);
        g_free(question->name);
        g_free(question);
}

/* In a thread */

static void look_up(Question *question)
{
        const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
        struct addrinfo *answers = NULL;

        question->code = getaddrinfo(question->name, NULL, &hints, &answers);
        if (question->code != 0)
                return;
        for (const struct addrinfo *answer = answers; answer; answer = answer->ai_next) {
                struct sockaddr_in in;
                memcpy(&in, answer->ai_addr, sizeof in);
                guint32 address = ntohl(in.sin_addr.s_addr);
                g_array_append_val(question->addresses, address);
        }
        freeaddrinfo(answers);
}

static bool has_address(const GArray *addresses, const ns_rr *record)
{
        guint32 address;

        if (ns_rr_type(*record) != ns_t_a || ns_rr_rdlen(*record) != sizeof address)
                return false;
        memcpy(&address, ns_rr_rdata(*record), sizeof address);
        for (guint i = 0; i < addresses->len; i++)
                if (g_array_index(addresses, guint32, i) == ntohl(address))
                        return true;
        return false;
}

/* The shortest time of the answer's records, aliases among them, where the addresses are of that
 * answer, and not another source's. */
static bool shortest_ttl(ns_msg *message, const GArray *addresses, guint32 *ret_ttl_sec)
{
        guint32 ttl_sec = G_MAXUINT32;
        bool is_source = false;

        for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
                ns_rr record;
                if (ns_parserr(message, ns_s_an, i, &record) < 0)
                        return false;
                ttl_sec = MIN(ttl_sec, (guint32)ns_rr_ttl(record));
                is_source |= has_address(addresses, &record);
        }
        if (is_source)
                *ret_ttl_sec = ttl_sec;
        return is_source;
}

/* RFC 1035, 4.1.3. */
static guint ask_ttl(const char *name, const GArray *addresses)
{
        struct __res_state state = { 0 };
        guint8 answer[ANSWER_BYTES];
        guint32 ttl_sec = DEFAULT_TTL_SEC;
        ns_msg message;

        if (res_ninit(&state) < 0)
                return DEFAULT_TTL_SEC;
        state.retrans = TTL_TIMEOUT_SEC;
        state.retry = TTL_TRIES;
        int length = res_nsearch(&state, name, ns_c_in, ns_t_a, answer, sizeof answer);
        bool is_unheard = length < 0 && state.res_h_errno == TRY_AGAIN;
        res_nclose(&state);
        if (is_unheard)
                return UNHEARD_TTL_SEC;
        if (length <= 0 || length > (int)sizeof answer ||
            ns_initparse(answer, length, &message) < 0 ||
            !shortest_ttl(&message, addresses, &ttl_sec))
                return DEFAULT_TTL_SEC;
        return CLAMP(ttl_sec, MIN_TTL_SEC, MAX_TTL_SEC);
}

static void answer_question(gpointer data, gpointer user_data)
{
        Question *question = data;

        look_up(question);
        if (question->code == 0)
                question->ttl_sec = ask_ttl(question->name, question->addresses);
        g_source_attach(question->answered, NULL);
}

/* On the loop */

static guint32 pick(const ResolverName *name, const GArray *addresses)
{
        guint32 lowest = 0;

        for (guint i = 0; i < addresses->len; i++) {
                guint32 address = g_array_index(addresses, guint32, i);
                if (address == name->address)
                        return address;
                if (lowest == 0 || address < lowest)
                        lowest = address;
        }
        return lowest;
}

/* Whether there is no such name, or none with an IPv4 address: not that nobody knows. */
static bool is_no_name(int code)
{
        return code == EAI_NONAME || code == EAI_NODATA;
}

static bool take_answer(ResolverName *name, const Question *question)
{
        guint32 address = name->address;
        const char *fault = NULL;
        bool is_answer = question->code == 0 || is_no_name(question->code);

        if (question->code == 0)
                address = pick(name, question->addresses);
        else if (is_answer)
                address = 0;
        if (address == 0 || question->code != 0)
                fault = gai_strerror(question->code != 0 ? question->code : EAI_NODATA);

        bool differs = address != name->address || g_strcmp0(fault, name->fault) != 0 ||
                       is_answer > name->is_known;
        name->is_known |= is_answer;
        name->address = address;
        g_free(name->fault);
        name->fault = g_strdup(fault);
        return differs;
}

static void ask(ResolverName *name);

static gboolean ask_again(gpointer data)
{
        ResolverName *name = data;

        name->ask_again_id = 0;
        ask(name);
        return G_SOURCE_REMOVE;
}

static guint pause_sec(ResolverName *name, const Question *question)
{
        if (question->code == 0) {
                name->back_off_sec = 0;
                return question->ttl_sec;
        }
        name->back_off_sec = CLAMP(2 * name->back_off_sec, MIN_BACK_OFF_SEC, MAX_BACK_OFF_SEC);
        return name->back_off_sec;
}

static gboolean answered(gpointer data)
{
        Question *question = data;
        ResolverName *name = question->asker;

        if (name) {
                guint pause = pause_sec(name, question);
                name->question = NULL;
                name->ask_again_id =
                        g_timeout_add_seconds(name->is_stale ? 0 : pause, ask_again, name);
                name->is_stale = false;
                if (take_answer(name, question))
                        name->changed(name, name->data); /* may free it */
        }
        question_free(question);
        return G_SOURCE_REMOVE;
}

static void ask(ResolverName *name)
{
        Question *question = g_new0(Question, 1);

        question->asker = name;
        question->name = g_strdup(name->name);
        question->addresses = g_array_new(FALSE, FALSE, sizeof(guint32));
        question->answered = g_idle_source_new();
        g_source_set_priority(question->answered, G_PRIORITY_DEFAULT);
        g_source_set_callback(question->answered, answered, question, NULL);
        name->question = question;
        (void)g_thread_pool_push(name->resolver->pool, question, NULL); /* queued at least */
}

Resolver *resolver_new(void)
{
        Resolver *resolver = g_new0(Resolver, 1);

        resolver->names = g_hash_table_new(NULL, NULL);
        resolver->pool = g_thread_pool_new(answer_question, NULL, MAX_THREADS, FALSE, NULL);
        return resolver;
}

void resolver_free(Resolver *resolver)
{
        if (!resolver)
                return;
        g_thread_pool_free(resolver->pool, FALSE, FALSE);
        g_hash_table_unref(resolver->names);
        g_free(resolver);
}

void resolver_ask_now(Resolver *resolver)
{
        GHashTableIter iter;
        gpointer key;

        g_hash_table_iter_init(&iter, resolver->names);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                ResolverName *name = key;
                name->back_off_sec = 0;
                if (name->question) {
                        name->is_stale = true;
                        continue;
                }
                g_source_remove(name->ask_again_id);
                name->ask_again_id = 0;
                ask(name);
        }
}

ResolverName *resolver_follow(Resolver *resolver, const char *text, ResolverChanged changed,
                              gpointer data)
{
        ResolverName *name = g_new0(ResolverName, 1);

        name->resolver = resolver;
        name->name = g_strdup(text);
        name->changed = changed;
        name->data = data;
        g_hash_table_add(resolver->names, name);
        ask(name);
        return name;
}

void resolver_name_free(ResolverName *name)
{
        if (!name)
                return;
        g_hash_table_remove(name->resolver->names, name);
        if (name->question)
                name->question->asker = NULL;
        if (name->ask_again_id)
                g_source_remove(name->ask_again_id);
        g_free(name->fault);
        g_free(name->name);
        g_free(name);
}

bool resolver_name_is_known(const ResolverName *name)
{
        return name->is_known;
}

void resolver_name_presume(ResolverName *name, guint32 address)
{
        if (!name->is_known)
                name->address = address;
}

guint32 resolver_name_address(const ResolverName *name)
{
        return name->address;
}

const char *resolver_name_fault(const ResolverName *name)
{
        return name->fault;
}
