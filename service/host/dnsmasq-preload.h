/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What dnsmasq.c and the library in the dnsmasq that it starts agree on. */

/* The index of the NIC whose addresses it is to be told of. */
#define DNSMASQ_INDEX_VARIABLE "DNSMASQ_INTERFACE_INDEX"
