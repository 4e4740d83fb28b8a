// A wall clock of its own for one process and its children, by LD_PRELOAD. What is
// added to the machine's time, in seconds, is in the file that WALLCLOCK names, as
// eight bytes; writing them sets the clock. Other clocks, and what waits by them, stay.
//
// libfaketime 0.9.10 also shifts clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME), which
// it was told not to fake: Python's time.sleep fails with EINVAL, or does not end.

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("WALLCLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *memory;

	if (file < 0)
		return;
	memory = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
	if (memory != MAP_FAILED)
		ahead = memory;
	close(file);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int status = (int)syscall(SYS_clock_gettime, clock, ret);

	if (!status && ahead &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ret->tv_sec += *ahead;
	return status;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}
