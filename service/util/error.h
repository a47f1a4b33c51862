/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The service's one error domain. Each code has exactly one D-Bus error name (dbus/error-map.c). */

#include <glib.h>

#define SERVICE_ERROR (service_error_quark())

/* Each code is a documented condition, for the caller to react to; all that only travels up is
 * FAILED. */
typedef enum ServiceError {
        SERVICE_ERROR_INVALID_ARGS,  /* the caller mends its input; the message names key and value
                                      */
        SERVICE_ERROR_ACCESS_DENIED, /* the administrator grants it */
        SERVICE_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, /* the caller asks again, allowing
                                                             interaction */
        SERVICE_ERROR_NO_SUCH_NETWORK,
        SERVICE_ERROR_NETWORK_EXISTS,
        SERVICE_ERROR_INTERFACE_IN_USE, /* the upstream, another network's, or the default route's
                                         */
        SERVICE_ERROR_FOREIGN_DHCP_SERVER, /* the caller turns DHCP off, or forces it */
        SERVICE_ERROR_ADDRESS_IN_USE,
        SERVICE_ERROR_NO_SUCH_ADDRESS,
        SERVICE_ERROR_NO_SUCH_ENTRY,
        SERVICE_ERROR_NO_SUCH_LEASE,
        SERVICE_ERROR_NO_SUCH_GUEST,
        SERVICE_ERROR_IN_USE, /* a guest's TAP: the caller waits, or ends who has it */
        SERVICE_ERROR_LIMIT_EXCEEDED,
        SERVICE_ERROR_UNREACHABLE, /* a DUT: no way to it, or nobody has the address */
        SERVICE_ERROR_REFUSED,     /* a DUT: nothing listens there */
        SERVICE_ERROR_TIMED_OUT,   /* a DUT: it does not answer */
        SERVICE_ERROR_FAILED,      /* the message names step and cause */
        SERVICE_ERROR_MAX,
} ServiceError;

GQuark service_error_quark(void);

/* Where the next error of several goes, so that the first counts: @error, or NULL where it is set.
 */
GError **error_first(GError **error);
