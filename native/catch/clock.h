// Time in nanoseconds, as a number.
#pragma once

#include <stdint.h>
#include <time.h>

enum { NANOSECONDS = 1000000000 };

static inline int64_t clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NANOSECONDS + now.tv_nsec;
}
