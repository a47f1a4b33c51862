/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The entry of every fuzz target, by libFuzzer's name (https://llvm.org/docs/LibFuzzer.html). */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
