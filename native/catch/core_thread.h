// Registers of the threads, as the core's notes have them.
#pragma once

#include "core_head.h"

enum { CORE_REGISTER_LIMIT = 48 };

struct core_thread {
	uint64_t stack_pointer;
	uint64_t registers[CORE_REGISTER_LIMIT]; // general-purpose, as the kernel orders them
	size_t register_count;
};

// Take a thread from its NT_PRSTATUS. False for a machine that is not known here.
bool core_thread_read(const struct core_head *head, const struct core_note *note,
		      struct core_thread *ret);
