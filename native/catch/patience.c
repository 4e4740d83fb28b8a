#include "patience.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#include "clock.h"

enum { STANDSTILL = 30, TICK = 1 }; // seconds

static const int64_t MICROSECOND = 1000;

static volatile sig_atomic_t asked_to_finish;

// SIGALRM is only there to interrupt a read(2) that waits.
static void note(int number)
{
	if (number == SIGTERM)
		asked_to_finish = 1;
}

static void tick_after(int64_t nanoseconds)
{
	struct itimerval interval = {{TICK, 0}, {TICK, 0}};

	if (nanoseconds < (int64_t)TICK * NANOSECONDS)
		interval.it_value = (struct timeval){
			0, nanoseconds > MICROSECOND ? nanoseconds / MICROSECOND : 1};
	setitimer(ITIMER_REAL, &interval, NULL);
}

void patience_init(int64_t started, uint64_t budget, struct patience *ret)
{
	// Without SA_RESTART, so that what waits comes back and looks.
	struct sigaction action = {.sa_handler = note};
	int64_t now = clock_now(CLOCK_MONOTONIC);

	ret->progress = now;
	if (!budget || __builtin_add_overflow(started, budget, &ret->end))
		ret->end = INT64_MAX;
	asked_to_finish = 0;
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	tick_after(ret->end - now);
}

void patience_deinit(void)
{
	struct itimerval never = {{0, 0}, {0, 0}};

	setitimer(ITIMER_REAL, &never, NULL);
}

void patience_progress(struct patience *patience)
{
	patience->progress = clock_now(CLOCK_MONOTONIC);
}

int patience_check(const struct patience *patience)
{
	int64_t now = clock_now(CLOCK_MONOTONIC);

	if (asked_to_finish)
		return -ECANCELED;
	if (now > patience->end)
		return -ETIME;
	return now - patience->progress > (int64_t)STANDSTILL * NANOSECONDS ? -ETIMEDOUT : 0;
}

int patience_check_front(const struct patience *patience)
{
	int64_t idle = clock_now(CLOCK_MONOTONIC) - patience->progress;

	if (asked_to_finish && idle > NANOSECONDS)
		return -ECANCELED;
	return idle > (int64_t)STANDSTILL * NANOSECONDS ? -ETIMEDOUT : 0;
}
