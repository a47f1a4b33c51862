/* SPDX-License-Identifier: GPL-2.0-or-later */

/* `capture`: a network's packets into a file or a pipe. The file is made by us, when the service
 * has said yes, with the rights of whoever calls. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/capture-call.h"
#include "cli/capture-copy.h"
#include "cli/error.h"
#include "cli/verbs.h"

static bool goes_to_stdout(const char *file)
{
        return !file || g_str_equal(file, "-");
}

static bool check_output(const char *file, GError **error)
{
        if (!goes_to_stdout(file) || !isatty(STDOUT_FILENO))
                return true;
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE,
                    "capture: standard output is a terminal, which cannot show packets; give -w "
                    "FILE or a pipe, or use the verb tcpdump");
        return false;
}

static bool fail(const char *attempt, const char *file, GError **error)
{
        g_set_error(error, CLI_ERROR, CLI_ERROR_FAILED, "cannot %s %s: %s", attempt, file,
                    g_strerror(errno));
        return false;
}

static bool copy_to_file(int stream, const char *file, CaptureCopied *ret_copied, GError **error)
{
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0)
                return fail("write to", file, error);

        bool done = capture_copy(stream, fd, file, ret_copied, error);
        if (close(fd) < 0 && done)
                return fail("write to", file, error);
        return done;
}

bool verb_capture(Command *command, GError **error)
{
        const char *file = command->capture.file;
        if (!check_output(file, error))
                return false;

        g_auto(CaptureCall) call = { 0 };
        if (!capture_call(command, (const char *const *)command->arguments, &call, error))
                return false;

        CaptureCopied copied;
        command_clear(command); /* there is nothing to ask the service for before the end */
        bool done = goes_to_stdout(file) ? capture_copy(call.stream, STDOUT_FILENO,
                                                        "standard output", &copied, error)
                                         : copy_to_file(call.stream, file, &copied, error);
        close(call.stream);
        return done && capture_check_end(command, &call, &copied, error);
}
