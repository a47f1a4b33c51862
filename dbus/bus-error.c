/* SPDX-License-Identifier: GPL-2.0-or-later */

/* One table: each code of our domain has exactly one name on the bus. Errors of other domains have
 * only travelled up and are Failed. */

#include "dbus/bus-error.h"

#define ERROR(name) "org.jumpstarter.DutNetwork.Error." name

static const char *const names[SERVICE_ERROR_MAX] = {
        [SERVICE_ERROR_INVALID_ARGS] = SD_BUS_ERROR_INVALID_ARGS,
        [SERVICE_ERROR_ACCESS_DENIED] = SD_BUS_ERROR_ACCESS_DENIED,
        [SERVICE_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED] =
                SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
        [SERVICE_ERROR_NO_SUCH_NETWORK] = ERROR("NoSuchNetwork"),
        [SERVICE_ERROR_NETWORK_EXISTS] = ERROR("NetworkExists"),
        [SERVICE_ERROR_INTERFACE_IN_USE] = ERROR("InterfaceInUse"),
        [SERVICE_ERROR_FOREIGN_DHCP_SERVER] = ERROR("ForeignDhcpServer"),
        [SERVICE_ERROR_ADDRESS_IN_USE] = ERROR("AddressInUse"),
        [SERVICE_ERROR_NO_SUCH_ADDRESS] = ERROR("NoSuchAddress"),
        [SERVICE_ERROR_NO_SUCH_ENTRY] = ERROR("NoSuchEntry"),
        [SERVICE_ERROR_NO_SUCH_LEASE] = ERROR("NoSuchLease"),
        [SERVICE_ERROR_NO_SUCH_GUEST] = ERROR("NoSuchGuest"),
        [SERVICE_ERROR_IN_USE] = ERROR("InUse"),
        [SERVICE_ERROR_LIMIT_EXCEEDED] = ERROR("LimitExceeded"),
        [SERVICE_ERROR_UNREACHABLE] = ERROR("Unreachable"),
        [SERVICE_ERROR_REFUSED] = ERROR("Refused"),
        [SERVICE_ERROR_TIMED_OUT] = ERROR("TimedOut"),
        [SERVICE_ERROR_FAILED] = ERROR("Failed"),
};

const char *bus_error_name(ServiceError code)
{
        g_assert(code < SERVICE_ERROR_MAX && names[code]);
        return names[code];
}

int bus_error_set(sd_bus_error *error, const GError *cause)
{
        ServiceError code =
                cause->domain == SERVICE_ERROR ? (ServiceError)cause->code : SERVICE_ERROR_FAILED;
        return sd_bus_error_set(error, bus_error_name(code), cause->message);
}

void bus_error_reply(sd_bus_message *message, const GError *cause)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        (void)bus_error_set(&error, cause);
        (void)sd_bus_reply_method_error(message, &error); /* the caller may be gone */
        sd_bus_error_free(&error);
}
