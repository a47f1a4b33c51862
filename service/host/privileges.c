/* SPDX-License-Identifier: GPL-2.0-or-later */

/* From root to an unprivileged user with ambient capabilities. The order matters: the bounding set
 * while CAP_SETPCAP is there, groups before the user, the ambient set last. */

#include "host/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"

static const unsigned kept[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };

static bool fail(GError **error, const char *attempt)
{
        g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "cannot %s: %s", attempt,
                    g_strerror(errno));
        return false;
}

static bool is_kept(unsigned capability)
{
        for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
                if (kept[i] == capability)
                        return true;
        return false;
}

static bool bound(GError **error)
{
        for (unsigned capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
             capability++)
                if (!is_kept(capability) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
                        return fail(error, "drop capabilities from the bounding set");
        return true;
}

static bool become(const struct passwd *user, GError **error)
{
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return fail(error, "keep capabilities");
        if (initgroups(user->pw_name, user->pw_gid) < 0)
                return fail(error, "set groups");
        if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0)
                return fail(error, "change group");
        if (setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
                return fail(error, "change user");
        return true;
}

static bool keep_capabilities(GError **error)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
        guint32 mask = 0;

        for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
                mask |= CAP_TO_MASK(kept[i]);
        sets[0] = (struct __user_cap_data_struct){ mask, mask, mask };
        if (syscall(SYS_capset, &header, sets) < 0)
                return fail(error, "set capabilities");
        for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
                if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, kept[i], 0, 0) < 0)
                        return fail(error, "raise ambient capabilities");
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return fail(error, "forbid new privileges");
        return true;
}

/* What is the user's already stays as it is, on a read-only file system, too. */
static bool give(const char *directory, const struct passwd *user)
{
        struct stat status;

        return (lstat(directory, &status) == 0 && status.st_uid == user->pw_uid &&
                status.st_gid == user->pw_gid) ||
               lchown(directory, user->pw_uid, user->pw_gid) == 0;
}

bool privileges_drop(const char *user, const char *const *directories, GError **error)
{
        if (geteuid() != 0)
                return true;

        errno = 0;
        const struct passwd *entry = getpwnam(user);
        if (!entry) {
                g_set_error(error, SERVICE_ERROR, SERVICE_ERROR_FAILED, "there is no user %s",
                            user);
                return false;
        }
        for (const char *const *directory = directories; *directory; directory++) {
                if (!directory_make(*directory, 0755, error))
                        return false;
                if (!give(*directory, entry))
                        return fail(error, *directory);
        }
        return bound(error) && become(entry, error) && keep_capabilities(error);
}
