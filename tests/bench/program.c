/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Reads /proc. That a process has started no other is known for certain: it has the children that
 * it had, and the page faults of those that it waited for are what they were. How many it started
 * is known from above only: pids are given out in order, to all of the namespace. */

#include "bench/program.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

void program_run(const char *format, ...)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *output = NULL;
        va_list arguments;
        int status;

        va_start(arguments, format);
        g_autofree char *line = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        if (!g_spawn_command_line_sync(line, NULL, &output, &status, &error) ||
            !g_spawn_check_wait_status(status, &error))
                bench_die("%s: %s: %s", line, error->message, output ? output : "");
}

uid_t user_id(const char *name)
{
        const struct passwd *user = getpwnam(name);

        if (!user)
                bench_die("there is no user %s: run me by ./lab bench", name);
        return user->pw_uid;
}

static char *read_text(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;

        if (!g_file_get_contents(path, &text, NULL, &error))
                bench_die("%s", error->message);
        return g_steal_pointer(&text);
}

pid_t process_of_pidfile(const char *path)
{
        g_autofree char *text = read_text(path);
        long pid = strtol(text, NULL, 10);

        if (pid <= 0)
                bench_die("%s has no pid", path);
        return (pid_t)pid;
}

gsize process_pss(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", pid);
        g_autofree char *text = read_text(path);
        const char *line = strstr(text, "\nPss:");

        if (!line)
                bench_die("%s has no Pss", path);
        return strtoul(line + strlen("\nPss:"), NULL, 10) * 1024;
}

/* Field 11 of proc_pid_stat(5), cminflt; the name in field 2 may have spaces. */
static guint64 faults_of_children(pid_t pid)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
        g_autofree char *text = read_text(path);
        guint64 faults;

        if (sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %" G_GUINT64_FORMAT,
                   &faults) != 1)
                bench_die("%s: %s", path, text);
        return faults;
}

/* A function is called with each thread of @pid. */
static void for_each_thread(pid_t pid, void (*function)(pid_t thread, gpointer data), gpointer data)
{
        g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
        g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
        const char *name;

        if (!tasks)
                bench_die("%s is gone", path);
        while ((name = g_dir_read_name(tasks)))
                function((pid_t)g_ascii_strtoll(name, NULL, 10), data);
}

struct Offspring {
        pid_t pid;
        guint64 last_pid, faults;
        GString *children; /* of all threads, as the kernel lists them */
};

static void add_children(pid_t thread, gpointer data)
{
        Offspring *offspring = data;
        g_autofree char *path =
                g_strdup_printf("/proc/%d/task/%d/children", offspring->pid, thread);
        g_autofree char *text = read_text(path);
        g_string_append(offspring->children, text);
}

Offspring *offspring_of(pid_t pid)
{
        g_autofree char *last_pid = read_text("/proc/sys/kernel/ns_last_pid");
        Offspring *offspring = g_new0(Offspring, 1);

        offspring->pid = pid;
        offspring->last_pid = g_ascii_strtoull(last_pid, NULL, 10);
        offspring->faults = faults_of_children(pid);
        offspring->children = g_string_new(NULL);
        for_each_thread(pid, add_children, offspring);
        return offspring;
}

void offspring_free(Offspring *offspring)
{
        if (!offspring)
                return;
        g_string_free(offspring->children, TRUE);
        g_free(offspring);
}

guint64 offspring_since(const Offspring *before)
{
        g_autoptr(Offspring) now = offspring_of(before->pid);

        if (now->faults == before->faults && g_string_equal(now->children, before->children))
                return 0;
        return now->last_pid - before->last_pid;
}
