// One crash that the kernel sends to a coredump socket.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Decide on the crash at the other end of `connection`, and archive it or not. `asks`:
// the kernel speaks the protocol of request.h first. `accepted` is CLOCK_MONOTONIC.
// For a process that ends afterwards; ends it earlier if that takes too long.
void connection_handle(int connection, const char *settings, bool asks, int64_t accepted);
