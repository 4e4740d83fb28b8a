// What the programs of the laboratory have in common: they tell the truth before they
// crash, and hide from the compiler what they do wrong.
#ifndef LAB_H
#define LAB_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define APART __attribute__((noinline))

// Tell the harness of a block that the verdict has to know, without allocating:
// state is "live", "free" or "gone" (given back to the system).
static inline void tell_block(const char *state, const void *block, size_t size)
{
	char line[96];
	int length = snprintf(line, sizeof(line), "block %#lx %zu %s\n",
			      (unsigned long)(uintptr_t)block, size, state);
	if (write(1, line, (size_t)length) < 0)
		_exit(2);
}

// Tell the harness that everything is as it should be when it is looked at.
static inline void tell_ready(void)
{
	if (write(1, "ready\n", 6) < 0)
		_exit(2);
}

// A pointer of which the compiler knows nothing.
static inline void *hidden(const void *pointer)
{
	__asm__ volatile("" : "+r"(pointer));
	return (void *)(uintptr_t)pointer;
}

// A number of which the compiler knows nothing.
static inline long hidden_number(long number)
{
	__asm__ volatile("" : "+r"(number));
	return number;
}

#endif
