/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The first process of a kernel under test, which `dutnetctl test-kernel` has booted on the host's
 * file system, read-only. It makes a root of its own that the test can write to, with all of the
 * host's below /host and by its usual names as well, brings what every test needs, runs the test as
 * the first process of a PID namespace, and says over a console of its own how that went. libc
 * alone: it runs on kernels that have little.
 *
 * What it is told is in a directory of the host's: the files `arguments` (the working directory,
 * the directory of the kernel's modules, the test and its arguments) and `environment`, each text
 * with a NUL at its end. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ROOT "/tmp" /* a directory that every host has, until the root is moved there */
#define HOST "/host"

#define OUT     "/dev/tty1"
#define ERRORS  "/dev/tty2"
#define CONTROL "/dev/tty3"

#define IPV6_MODULE "/net/ipv6/ipv6.ko"

/* As a shell says that a program is not there, or cannot be run. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

static int control = -1;

/* The end */

__attribute__((noreturn)) static void power_off(void)
{
        if (control >= 0)
                (void)tcdrain(control); /* what cannot be said is not heard */
        (void)reboot(RB_POWER_OFF);
        for (;;) /* a first process must not end */
                pause();
}

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
        int reason = errno;
        va_list arguments;

        va_start(arguments, format);
        dprintf(control >= 0 ? control : STDERR_FILENO, "fault ");
        vdprintf(control >= 0 ? control : STDERR_FILENO, format, arguments);
        dprintf(control >= 0 ? control : STDERR_FILENO, ": %s\n", strerror(reason));
        va_end(arguments);
        power_off();
}

/* Texts */

static char *join(const char *a, const char *b, const char *c)
{
        char *text = NULL;

        if (asprintf(&text, "%s%s%s", a, b, c) < 0)
                fail("no memory");
        return text;
}

/* The texts of the file @name in @directory; NULL at the end. Never freed. */
static char **read_texts(const char *directory, const char *name)
{
        char *path = join(directory, "/", name);
        FILE *file = fopen(path, "re");
        char *text = NULL, **texts = NULL;
        size_t size = 0, n = 0;

        if (!file)
                fail("cannot read %s", path);
        for (;;) {
                texts = reallocarray(texts, n + 1, sizeof *texts);
                if (!texts)
                        fail("no memory");
                ssize_t length = getdelim(&text, &size, '\0', file);
                texts[n] = length < 0 ? NULL : strdup(text);
                if (!texts[n])
                        return texts;
                n++;
        }
}

/* The root */

static void make_nodes(void)
{
        static const struct {
                const char *name;
                unsigned major, minor;
        } nodes[] = {
                { "console", 5, 1 }, { "full", 1, 7 },   { "kmsg", 1, 11 }, { "null", 1, 3 },
                { "ptmx", 5, 2 },    { "random", 1, 8 }, { "tty", 5, 0 },   { "tty0", 4, 0 },
                { "tty1", 4, 1 },    { "tty2", 4, 2 },   { "tty3", 4, 3 },  { "urandom", 1, 9 },
                { "zero", 1, 5 },
        };

        for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
                char *path = join(ROOT, "/dev/", nodes[i].name);
                if (mknod(path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0)
                        fail("cannot make %s", path);
                free(path);
        }
}

/* The new root with its devices below ROOT, and all of the old one in it. */
static void make_root(void)
{
        static const char *const directories[] = { "/host",    "/dev", "/proc",    "/sys",
                                                   "/run",     "/tmp", "/root",    "/mnt",
                                                   "/var",     "/etc", "/var/lib", "/var/log",
                                                   "/var/tmp", "/lib", "/run/lock" };

        if (mount("root", ROOT, "tmpfs", 0, "mode=755") < 0)
                fail("cannot mount a tmpfs");
        for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
                char *path = join(ROOT, directories[i], "");
                if (mkdir(path, 0755) < 0)
                        fail("cannot make %s", path);
                free(path);
        }
        (void)chmod(ROOT "/tmp", 01777);     /* of a tmpfs of ours */
        (void)chmod(ROOT "/var/tmp", 01777); /* likewise */
        if (mount("dev", ROOT "/dev", "devtmpfs", 0, NULL) < 0)
                make_nodes();
        control = open(ROOT CONTROL, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (control < 0)
                fail("cannot open " CONTROL);
        if (mount("/", ROOT HOST, NULL, MS_BIND, NULL) < 0)
                fail("cannot mount the host's file system");
        if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
            chdir("/") < 0)
                fail("cannot change the root");
}

/* Makes what is in the host's @directory (with a slash at its end) be in ours, by links; what is in
 * both is ours. */
static void mirror(const char *directory, const char *except)
{
        char *path = join(HOST, directory, "");
        DIR *entries = opendir(path);

        for (struct dirent *entry; entries && (entry = readdir(entries));) {
                if (entry->d_name[0] == '.' || strcmp(entry->d_name, except) == 0)
                        continue;
                char *from = join(path, entry->d_name, ""),
                     *to = join(directory, entry->d_name, "");
                if (symlink(from, to) < 0 && errno != EEXIST)
                        fail("cannot make the link %s", to);
                free(from);
                free(to);
        }
        if (entries)
                closedir(entries);
        free(path);
}

/* Of @type; where the kernel has none, the test has to do without. */
static void mount_if_there_is(const char *type, const char *at)
{
        if (mkdir(at, 0755) < 0 && errno != EEXIST)
                fail("cannot make %s", at);
        if (mount(type, at, type, MS_NOSUID | MS_NOEXEC, NULL) < 0 && errno != ENODEV)
                fail("cannot mount %s", at);
}

/* A resolv.conf that a DHCP client can write, and the modules that belong to this kernel. */
static void fill_root(const char *modules)
{
        static const char *const links[][2] = {
                { "/proc/self/fd", "/dev/fd" },
                { "/proc/self/fd/0", "/dev/stdin" },
                { "/proc/self/fd/1", "/dev/stdout" },
                { "/proc/self/fd/2", "/dev/stderr" },
                { "/run", "/var/run" },
        };
        char *of_host = join(HOST, modules, "");

        mirror("/", "");
        mirror("/etc/", "resolv.conf");
        mirror("/lib/", "modules");
        if (*modules && symlink(of_host, "/lib/modules") < 0)
                fail("cannot make the link /lib/modules");
        for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
                if (symlink(links[i][0], links[i][1]) < 0)
                        fail("cannot make the link %s", links[i][1]);
        mount_if_there_is("proc", "/proc");
        mount_if_there_is("sysfs", "/sys");
        mount_if_there_is("devpts", "/dev/pts");
        mount_if_there_is("tmpfs", "/dev/shm");
        free(of_host);
}

/* The network */

static void load_module(const char *directory, const char *name)
{
        char *path = join(directory, "/", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
                fail("cannot load %s", path);
        close(fd);
        free(path);
}

/* Loads what the line @needed of modules.dep names: a module, and what it needs, in the order in
 * which they are to be removed. */
static void load_modules(const char *directory, char *needed)
{
        for (char *space; (space = strrchr(needed, ' ')); *space = '\0')
                if (space[1])
                        load_module(directory, space + 1);
        needed[strcspn(needed, ":")] = '\0';
        load_module(directory, needed);
}

/* IPv6 is a module of Debian's kernel, and nobody else asks for it. */
static void load_ipv6(void)
{
        struct utsname kernel;
        char *line = NULL;
        size_t size = 0;

        if (access("/proc/sys/net/ipv6", F_OK) == 0 || uname(&kernel) < 0)
                return;
        char *directory = join("/lib/modules/", kernel.release, "");
        char *path = join(directory, "/modules.dep", "");
        FILE *file = fopen(path, "re");
        while (file && getline(&line, &size, file) > 0) {
                char *colon = strchr(line, ':');
                line[strcspn(line, "\n")] = '\0';
                if (!colon || colon - line < (ptrdiff_t)strlen(IPV6_MODULE) ||
                    strncmp(colon - strlen(IPV6_MODULE), IPV6_MODULE, strlen(IPV6_MODULE)) != 0)
                        continue;
                load_modules(directory, line);
                break;
        }
        if (file)
                fclose(file);
        free(line);
        free(path);
        free(directory);
}

static void set_up_loopback(int fd)
{
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

        if (ioctl(fd, SIOCSIFFLAGS, &request) < 0 && errno != ENODEV)
                fail("cannot set up lo");
}

/* What UML's driver calls vec0 is eth0. */
static void name_interfaces(int fd)
{
        for (unsigned n = 0;; n++) {
                struct ifreq request = { 0 };
                snprintf(request.ifr_name, IFNAMSIZ, "vec%u", n);
                snprintf(request.ifr_newname, IFNAMSIZ, "eth%u", n);
                if (ioctl(fd, SIOCSIFNAME, &request) == 0)
                        continue;
                if (errno == ENODEV)
                        return;
                fail("cannot call vec%u eth%u", n, n);
        }
}

static void set_up_network(void)
{
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        load_ipv6();
        if (fd < 0) /* a kernel without a network */
                return;
        set_up_loopback(fd);
        name_interfaces(fd);
        close(fd);
}

/* The test */

/* The console @path, which takes bytes as they are. */
static int open_console(const char *path)
{
        int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        struct termios settings;

        if (fd < 0 || tcgetattr(fd, &settings) < 0)
                fail("cannot open %s", path);
        cfmakeraw(&settings);
        if (tcsetattr(fd, TCSANOW, &settings) < 0)
                fail("cannot set up %s", path);
        return fd;
}

__attribute__((noreturn)) static void run_test(char **arguments, char **environment, int out,
                                               int errors, bool is_first)
{
        char *directory = join(HOST, arguments[0], "");
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (is_first && mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC, NULL) < 0 &&
            errno != ENODEV)
                fail("cannot mount /proc");
        if (chdir(directory) < 0 && chdir("/") < 0)
                fail("cannot enter the root");
        if (setsid() < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
            dup2(errors, STDERR_FILENO) < 0)
                fail("cannot set up the test's descriptors");
        (void)execve(arguments[2], arguments + 2, environment);
        int reason = errno;
        dprintf(STDERR_FILENO, "%s: %s\n", arguments[2], strerror(reason));
        _exit(reason == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
}

/* Says how the test went. A first process that asks for a reboot is ended by a signal instead
 * (reboot(2), "Behavior inside PID namespaces"). */
static void report(int status, bool is_first)
{
        if (WIFEXITED(status))
                dprintf(control, "exit %d\n", WEXITSTATUS(status));
        else if (is_first && WTERMSIG(status) == SIGHUP)
                dprintf(control, "reboot\n");
        else if (is_first && WTERMSIG(status) == SIGINT)
                dprintf(control, "off\n");
        else
                dprintf(control, "exit %d\n", 128 + WTERMSIG(status));
}

int main(void)
{
        const char *directory = getenv("dutnetctl");

        if (getpid() != 1 || !directory) {
                fputs("This is for dutnetctl test-kernel.\n", stderr);
                return EXIT_FAILURE;
        }
        char **arguments = read_texts(directory, "arguments");
        char **environment = read_texts(directory, "environment");
        make_root();
        fill_root(arguments[1]);
        set_up_network();
        (void)sethostname("kernel-test", strlen("kernel-test")); /* of no consequence */
        int out = open_console(OUT), errors = open_console(ERRORS), status;

        bool is_first = unshare(CLONE_NEWPID) == 0; /* else the kernel has none of these */
        pid_t test = fork();
        if (test < 0)
                fail("cannot fork");
        if (test == 0)
                run_test(arguments, environment, out, errors, is_first);
        while (waitpid(test, &status, 0) < 0 || !(WIFEXITED(status) || WIFSIGNALED(status)))
                if (errno != EINTR)
                        fail("cannot wait for the test");
        (void)tcdrain(out);    /* what cannot be said is not heard */
        (void)tcdrain(errors); /* likewise */
        report(status, is_first);
        power_off();
}
