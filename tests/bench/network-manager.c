/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The state is taken from StateChanged, as libnm takes it: asking for it in turns would tell the
 * time between two questions. */

#include "bench/network-manager.h"

#include "bench/bench.h"
#include "bench/caller.h"
#include "bench/samples.h"

#define NM_NAME             "org.freedesktop.NetworkManager"
#define NM_PATH             "/org/freedesktop/NetworkManager"
#define NM_DEVICE_INTERFACE "org.freedesktop.NetworkManager.Device"

#define STATE_UNMANAGED 10
#define STATE_IP_CONFIG 70
#define STATE_ACTIVATED 100

#define SERVICE_USER "dut-network"
#define DEADLINE_NS  G_GINT64_CONSTANT(60000000000)
#define WAIT_AT_MOST (1 * G_USEC_PER_SEC)
#define TRY_AGAIN_MS 20

struct HeldDevice {
        sd_bus *bus;
        char *interface, *path;
        uint32_t state;
};

static int state_changed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        HeldDevice *device = userdata;
        return sd_bus_message_read(message, "uuu", &device->state, NULL, NULL);
}

/* NetworkManager takes a moment to see a new interface. */
static char *find_path(sd_bus *bus, const char *interface)
{
        gint64 start = clock_now();

        while (clock_now() - start < DEADLINE_NS) {
                sd_bus_message *reply;
                const char *path;
                if (sd_bus_call_method(bus, NM_NAME, NM_PATH, NM_NAME, "GetDeviceByIpIface", NULL,
                                       &reply, "s", interface) >= 0) {
                        call_check(sd_bus_message_read(reply, "o", &path), "read a device");
                        char *copy = g_strdup(path);
                        sd_bus_message_unref(reply);
                        return copy;
                }
                g_usleep(TRY_AGAIN_MS * 1000);
        }
        bench_die("NetworkManager does not see %s", interface);
}

HeldDevice *held_device_new(const char *interface)
{
        HeldDevice *device = g_new0(HeldDevice, 1);

        device->bus = caller_connect(SERVICE_USER);
        device->interface = g_strdup(interface);
        device->path = find_path(device->bus, interface);
        int r = sd_bus_match_signal(device->bus, NULL, NM_NAME, device->path, NM_DEVICE_INTERFACE,
                                    "StateChanged", state_changed, device);
        call_check(r, "match StateChanged");
        call_check(sd_bus_get_property_trivial(device->bus, NM_NAME, device->path,
                                               NM_DEVICE_INTERFACE, "State", NULL, 'u',
                                               &device->state),
                   "get State");
        return device;
}

void held_device_free(HeldDevice *device)
{
        if (!device)
                return;
        sd_bus_flush_close_unref(device->bus);
        g_free(device->interface);
        g_free(device->path);
        g_free(device);
}

/* Until the state is one of @from to @to. */
static void wait_state(HeldDevice *device, uint32_t from, uint32_t to)
{
        gint64 start = clock_now();

        for (;;) {
                int r = sd_bus_process(device->bus, NULL);
                call_check(r, "process the bus");
                if (device->state >= from && device->state <= to)
                        return;
                if (clock_now() - start > DEADLINE_NS)
                        bench_die("%s stays in NetworkManager's state %u", device->interface,
                                  device->state);
                if (r == 0)
                        call_check(sd_bus_wait(device->bus, WAIT_AT_MOST), "wait for the bus");
        }
}

static void set_managed(HeldDevice *device, int managed)
{
        call_check(sd_bus_set_property(device->bus, NM_NAME, device->path, NM_DEVICE_INTERFACE,
                                       "Managed", NULL, "b", managed),
                   "set Managed");
}

void held_device_wait_held(HeldDevice *device)
{
        while (sd_bus_process(device->bus, NULL) > 0)
                ; /* what has come in meanwhile: the state may be an old one */
        wait_state(device, STATE_IP_CONFIG, STATE_ACTIVATED);
}

void held_device_release(HeldDevice *device)
{
        set_managed(device, false);
        wait_state(device, STATE_UNMANAGED, STATE_UNMANAGED);
}

void held_device_give_back(HeldDevice *device)
{
        set_managed(device, true);
}
