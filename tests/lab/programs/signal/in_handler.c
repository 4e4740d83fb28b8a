// A handler of a timer's signal uses what main has not set yet.
//
// must: null memory.read
// may: null.read memory.unmapped signal.handler
// never: signal.sent use-after-free heap.* abort
// function: on_alarm
#include <signal.h>
#include <sys/time.h>
#include "lab.h"

struct statistics {
	long ticks[8];
};

static struct statistics *volatile statistics;
static volatile long seen;

APART static void on_alarm(int number)
{
	seen += statistics->ticks[3];
}

int main(void)
{
	struct itimerval soon = { { 0, 1000 }, { 0, 1000 } };

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	for (volatile long i = 0;; i++)
		;
	return (int)seen;
}
