// A thread with the smallest stack calls what has a large local buffer.
//
// must: stack-overflow
// may: memory.write memory.read memory.protection memory.unmapped limit*
// never: recursion null use-after-free
// function: format_report
#include <limits.h>
#include <pthread.h>
#include "lab.h"

APART static int format_report(int number)
{
	char buffer[18000];

	memset(buffer, number, sizeof(buffer));
	return buffer[17];
}

static void *report(void *unused)
{
	return (void *)(uintptr_t)format_report(7);
}

int main(void)
{
	pthread_t thread;
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setguardsize(&small, 64 << 10);
	pthread_attr_setstacksize(&small, 16384);
	pthread_create(&thread, &small, report, NULL);
	pthread_join(thread, NULL);
	return 0;
}
