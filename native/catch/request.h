// The protocol of `@@` sockets, by which the kernel asks before it sends a core
// (include/uapi/linux/coredump.h, since Linux 6.17). In this machine's byte order.
#pragma once

#include <stdint.h>

// Bits of a mask: what the kernel offers, and what it is to do.
enum {
	REQUEST_KERNEL = 1 << 0, // send the core
	REQUEST_REJECT = 1 << 2, // no core, and the parent is told that there is none
	REQUEST_WAIT = 1 << 3,   // keep the process until the connection is closed
};

struct request {
	uint32_t size;     // bytes of the kernel's request
	uint32_t size_ack; // bytes of an answer that the kernel knows
	uint64_t mask;     // what it offers
};

// Wait for the kernel's question, some seconds at most. Returns 0, -EPROTO if that is no
// question, -EAGAIN if none came, -ECONNRESET or -EPIPE if the process is gone.
int request_read(int connection, struct request *ret);

// Answer with one of REQUEST_KERNEL and REQUEST_REJECT, and perhaps REQUEST_WAIT.
// Returns 0 once the kernel has agreed, -ENOTSUP if it did not offer that, -EPROTO if it
// disagrees, other -errno like above.
int request_answer(int connection, const struct request *request, uint64_t mask);
