/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A real tcpdump on one end of a virtual cable, in a network namespace of the test's own; packets
 * are put in at the other end. */

#include "host/capture.h"

#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/link.h"
#include "host/netlink.h"
#include "namespace.h"
#include "util/error.h"

/* A machine may be busy. */
#define PATIENCE_MS 20000
/* An experiment's EtherType: nothing else on the cable has it (IEEE 802). */
#define ETHERTYPE   0x88b5
#define FILTER      "ether proto 0x88b5"
#define NANO_MAGIC  0xa1b23c4d
#define HEADER_SIZE 24
#define RECORD_SIZE 16

/* What has come of a capture. */
typedef struct Outcome {
        Capture *capture;
        bool is_there, has_ended;
        int fd;
        GError *error;
} Outcome;

static void on_ready(int fd, const GError *error, gpointer data)
{
        Outcome *outcome = data;

        g_assert_false(outcome->is_there);
        outcome->is_there = true;
        outcome->fd = fd;
        outcome->error = error ? g_error_copy(error) : NULL;
        if (error)
                g_clear_pointer(&outcome->capture, capture_free);
}

static void on_ended(gpointer data)
{
        Outcome *outcome = data;

        g_assert_true(outcome->is_there);
        g_assert_false(outcome->has_ended);
        outcome->has_ended = true;
        g_clear_pointer(&outcome->capture, capture_free);
}

static void begin(const CaptureOptions *options, const char *interface, Outcome *outcome)
{
        *outcome = (Outcome){ .fd = -1 };
        outcome->capture = capture_new(options, interface, CAPTURE_PRELOAD, on_ready, on_ended,
                                       outcome, &outcome->error);
        if (!outcome->capture)
                return;
        g_assert_false(outcome->is_there); /* never from inside the call */
        wait_until(&outcome->is_there, PATIENCE_MS);
}

static void begin_well(const CaptureOptions *options, Outcome *outcome)
{
        begin(options, "dut1", outcome);
        g_assert_no_error(outcome->error);
        g_assert_cmpint(outcome->fd, >=, 0);
}

static CaptureOptions only_ours(void)
{
        return (CaptureOptions){ .filter = (char *)FILTER, .snaplen = CAPTURE_MAX_SNAPLEN };
}

/* Puts @n frames of @size bytes into the other end. To close such a socket takes the kernel long.
 */
static void send_frames(guint n, gsize size)
{
        g_autofree guint8 *frame = g_malloc0(size);
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
        const struct sockaddr_ll to = {
                .sll_family = AF_PACKET,
                .sll_ifindex = (int)if_nametoindex("dut2"),
        };

        memset(frame, 0xff, ETH_ALEN);
        frame[12] = ETHERTYPE >> 8;
        frame[13] = ETHERTYPE & 0xff;
        for (guint i = 0; i < n; i++)
                g_assert_cmpint(sendto(fd, frame, size, 0, (const struct sockaddr *)&to, sizeof to),
                                ==, (gssize)size);
        close(fd);
}

static gsize n_waiting(int fd)
{
        int n = 0;
        g_assert_cmpint(ioctl(fd, FIONREAD, &n), ==, 0);
        return (gsize)n;
}

/* Lets the loop run until there are @size bytes, and takes them; the caller's. */
static guint8 *take(int fd, gsize size)
{
        guint8 *bytes = g_malloc(size);

        for (guint ms = 0; n_waiting(fd) < size; ms += 5) {
                g_assert_cmpuint(ms, <, PATIENCE_MS);
                run_for(5);
        }
        g_assert_cmpint(read(fd, bytes, size), ==, (gssize)size);
        return bytes;
}

static guint32 word_at(const guint8 *bytes, gsize offset)
{
        guint32 word;
        memcpy(&word, bytes + offset, sizeof word);
        return word;
}

static void assert_end(int fd)
{
        char byte;
        g_assert_cmpint(read(fd, &byte, 1), ==, 0);
}

static void assert_no_child(void)
{
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
        g_assert_cmpint(errno, ==, ECHILD);
}

static guint count_fds(void)
{
        g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
        guint n = 0;

        while (g_dir_read_name(directory))
                n++;
        return n;
}

static void test_packets(void)
{
        CaptureOptions options = only_ours();
        guint before = count_fds();
        Outcome outcome;

        options.packets = 2;
        begin_well(&options, &outcome);
        g_autofree guint8 *header = take(outcome.fd, HEADER_SIZE);
        g_assert_cmphex(word_at(header, 0), ==, NANO_MAGIC);

        send_frames(1, 100);
        g_autofree guint8 *first = take(outcome.fd, RECORD_SIZE + 100);
        g_assert_cmpuint(word_at(first, 8), ==, 100);
        g_assert_cmphex(first[RECORD_SIZE + 12] << 8 | first[RECORD_SIZE + 13], ==, ETHERTYPE);
        g_assert_false(outcome.has_ended);

        send_frames(1, 60);
        g_free(take(outcome.fd, RECORD_SIZE + 60));
        wait_until(&outcome.has_ended, PATIENCE_MS);
        assert_end(outcome.fd);
        close(outcome.fd);
        assert_no_child();
        g_assert_cmpuint(count_fds(), ==, before);
}

/* Each waits for the one before; tcpdump alone would take a second for each. */
static void test_packets_come_at_once(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;

        begin_well(&options, &outcome);
        g_free(take(outcome.fd, HEADER_SIZE));
        gint64 start = g_get_monotonic_time();
        for (guint i = 0; i < 10; i++) {
                send_frames(1, 100);
                g_free(take(outcome.fd, RECORD_SIZE + 100));
        }
        g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
        capture_free(outcome.capture);
        close(outcome.fd);
}

static void test_snaplen(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;

        options.snaplen = 61;
        begin_well(&options, &outcome);
        g_free(take(outcome.fd, HEADER_SIZE));
        send_frames(1, 1000);
        g_autofree guint8 *record = take(outcome.fd, RECORD_SIZE + 61);
        g_assert_cmpuint(word_at(record, 8), ==, 61);
        g_assert_cmpuint(word_at(record, 12), ==, 1000);
        capture_free(outcome.capture);
        assert_end(outcome.fd);
        close(outcome.fd);
}

static void test_seconds(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;
        gint64 start = g_get_monotonic_time();

        options.seconds = 1;
        begin_well(&options, &outcome);
        send_frames(1, 100);
        wait_until(&outcome.has_ended, PATIENCE_MS);
        g_assert_cmpint(g_get_monotonic_time() - start, >=, 900 * 1000);
        g_free(take(outcome.fd, HEADER_SIZE + RECORD_SIZE + 100));
        assert_end(outcome.fd);
        close(outcome.fd);
        assert_no_child();
}

/* More than a pipe holds; and less than the file header. */
static void test_bytes(void)
{
        static const guint64 limits[] = { 100000, 10 };
        guint before = count_fds();

        for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
                CaptureOptions options = only_ours();
                Outcome outcome;
                gsize n = 0;

                options.bytes = limits[i];
                begin_well(&options, &outcome);
                while (!outcome.has_ended && n < limits[i]) {
                        gsize size = n_waiting(outcome.fd);
                        g_free(take(outcome.fd, size));
                        n += size;
                        send_frames(5, 1500);
                        run_for(1);
                }
                wait_until(&outcome.has_ended, PATIENCE_MS);
                g_assert_cmpuint(n + n_waiting(outcome.fd), ==, limits[i]);
                g_free(take(outcome.fd, n_waiting(outcome.fd)));
                assert_end(outcome.fd);
                close(outcome.fd);
                assert_no_child();
        }
        g_assert_cmpuint(count_fds(), ==, before);
}

/* A reader that does not read is waited for, and gets all of what it asked for. */
static void test_bytes_for_a_slow_reader(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;

        options.bytes = 200000;
        begin_well(&options, &outcome);
        send_frames(300, 1500);
        run_for(200);
        g_assert_false(outcome.has_ended);
        for (gsize n = 0; n < options.bytes;) {
                gsize size = MIN(MAX(n_waiting(outcome.fd), 1), options.bytes - n);
                g_free(take(outcome.fd, size));
                n += size;
                run_for(1);
        }
        wait_until(&outcome.has_ended, PATIENCE_MS);
        assert_end(outcome.fd);
        close(outcome.fd);
}

/* On a silent wire, with and without a relay between. */
static void test_reader_goes(void)
{
        static const guint64 limits[] = { 0, 1000 };

        for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
                CaptureOptions options = only_ours();
                Outcome outcome;

                options.bytes = limits[i];
                begin_well(&options, &outcome);
                run_for(100);
                g_assert_false(outcome.has_ended);
                gint64 start = g_get_monotonic_time();
                close(outcome.fd);
                wait_until(&outcome.has_ended, PATIENCE_MS);
                g_assert_cmpint(g_get_monotonic_time() - start, <, G_USEC_PER_SEC);
                assert_no_child();
        }
}

/* tcpdump is in the middle of a write then, and stays there. */
static void test_ends_while_nobody_reads(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;

        begin_well(&options, &outcome);
        send_frames(200, 1500);
        run_for(200);
        capture_end(outcome.capture);
        wait_until(&outcome.has_ended, PATIENCE_MS);
        close(outcome.fd);
        assert_no_child();
}

static void test_interface_goes(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome;

        begin_well(&options, &outcome);
        namespace_delete_link("dut1");
        wait_until(&outcome.has_ended, PATIENCE_MS);
        close(outcome.fd);
}

static void assert_fails(const CaptureOptions *options, const char *interface, ServiceError code,
                         const char *words)
{
        guint before = count_fds();
        Outcome outcome;

        begin(options, interface, &outcome);
        g_assert_cmpint(outcome.fd, ==, -1);
        g_assert_error(outcome.error, SERVICE_ERROR, (gint)code);
        g_test_message("%s", outcome.error->message);
        g_assert_nonnull(strstr(outcome.error->message, words));
        g_clear_error(&outcome.error);
        g_assert_cmpuint(count_fds(), ==, before);
        assert_no_child();
}

static void test_refusals(void)
{
        CaptureOptions options = only_ours();

        assert_fails(&options, "none0", SERVICE_ERROR_FAILED, "none0: No such device");
        assert_fails(&options, "any", SERVICE_ERROR_FAILED, "\"any\"");
        assert_fails(&options, "2", SERVICE_ERROR_FAILED, "\"2\"");
        options.filter = (char *)"nonsense here";
        assert_fails(&options, "dut1", SERVICE_ERROR_INVALID_ARGS, "filter: can't parse");
        options.filter = (char *)"-w/tmp/x";
        assert_fails(&options, "dut1", SERVICE_ERROR_INVALID_ARGS, "filter: ");
}

static void test_freed_at_once(void)
{
        CaptureOptions options = only_ours();
        Outcome outcome = { .fd = -1 };
        guint before = count_fds();
        siginfo_t info;

        outcome.capture = capture_new(&options, "dut1", CAPTURE_PRELOAD, on_ready, on_ended,
                                      &outcome, &outcome.error);
        g_assert_no_error(outcome.error);
        capture_free(outcome.capture);
        for (guint ms = 0; waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; ms += 5) {
                g_assert_cmpuint(ms, <, PATIENCE_MS);
                run_for(5);
        }
        run_for(20);
        g_assert_false(outcome.is_there);
        g_assert_cmpuint(count_fds(), ==, before);
        assert_no_child();
}

typedef struct Fixture {
        Netlink *rtnl;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
        g_autoptr(GError) error = NULL;

        fixture->rtnl = netlink_new(NETLINK_ROUTE, &error);
        g_assert_no_error(error);
        run_for(1); /* the loop has its own descriptors from here on */
        namespace_add_veth("dut1", "dut2");
        link_set_up(fixture->rtnl, "dut1", true, &error);
        g_assert_no_error(error);
        link_set_up(fixture->rtnl, "dut2", true, &error);
        g_assert_no_error(error);
}

static void run_test(Fixture *fixture, gconstpointer data)
{
        ((void (*)(void))data)();
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
        if (if_nametoindex("dut1") != 0)
                namespace_delete_link("dut1");
        netlink_free(fixture->rtnl);
}

#define ADD(path, test) g_test_add(path, Fixture, test, set_up, run_test, tear_down)

int main(int argc, char **argv)
{
        g_test_init(&argc, &argv, NULL);
        if (!namespace_enter())
                return 77;
        (void)signal(SIGPIPE, SIG_IGN);
        ADD("/capture/packets", test_packets);
        ADD("/capture/packets-come-at-once", test_packets_come_at_once);
        ADD("/capture/snaplen", test_snaplen);
        ADD("/capture/seconds", test_seconds);
        ADD("/capture/bytes", test_bytes);
        ADD("/capture/bytes-for-a-slow-reader", test_bytes_for_a_slow_reader);
        ADD("/capture/ends-when-the-reader-goes", test_reader_goes);
        ADD("/capture/ends-while-nobody-reads", test_ends_while_nobody_reads);
        ADD("/capture/ends-with-the-interface", test_interface_goes);
        ADD("/capture/refusals", test_refusals);
        ADD("/capture/freed-at-once-leaves-nothing", test_freed_at_once);
        return g_test_run();
}
