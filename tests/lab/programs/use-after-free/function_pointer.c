// A timer is cancelled, which frees it, and still fires.
//
// must: use-after-free memory.exec
// must junk: memory.read use-after-free
// may: wild-jump security* memory.unmapped noncanonical invalid-pointer
// never: null double-free heap.overflow return-corrupted
// function: fire
// only: glibc junk
// build: -g -O1
#include "lab.h"

struct timer {
	void (*call)(void *);
	void *argument;
	long when;
	struct timer *next;
};

static struct timer *timers;

static void beat(void *argument) { ++*(int *)argument; }

APART static struct timer *schedule(void (*call)(void *), void *argument, long when)
{
	struct timer *timer = malloc(sizeof(*timer));

	*timer = (struct timer){ call, argument, when, timers };
	return timers = timer;
}

APART static void cancel(struct timer *timer)
{
	tell_block("free", timer, sizeof(*timer));
	free(timer);
}

APART static void fire(long now)
{
	for (struct timer *timer = timers; timer; timer = timer->next)
		if (timer->when <= now)
			timer->call(timer->argument);
}

int main(void)
{
	int beats = 0;

	schedule(beat, &beats, 1);
	schedule(beat, &beats, 2);
	struct timer *last = schedule(beat, &beats, 3);
	fire(10);
	cancel(last);
	fire(10);
	return beats;
}
