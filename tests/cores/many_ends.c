// Ends in the way that the argument names, each by a mistake of its own.
#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
	long number;
	struct item *next;
	char *name;
};

static volatile int zero;
static __thread int turns;
static struct item *volatile kept;

__attribute__((noinline)) static void rename_item(struct item *item)
{
	turns++;
	item->name[0] = 'x';
}

static void null_write(void)
{
	struct item item = {7, NULL, NULL};
	rename_item(&item);
}

static void freed(void)
{
	struct item *item = malloc(sizeof(*item));
	item->number = 5;
	item->name = malloc(16);
	kept = item;
	free(item);
	rename_item(kept);
}

static void far_away(void)
{
	struct item item = {8, NULL, (char *)0x4141414141414141};
	rename_item(&item);
}

__attribute__((noinline)) static int descend(int depth)
{
	volatile char room[2000];
	room[depth % 2000] = (char)depth;
	return descend(depth + 1) + room[0];
}

__attribute__((noinline)) static int share(int total)
{
	return total / zero;
}

__attribute__((noinline)) static void check(int number)
{
	assert(number == 43 && "the number is 43");
}

static void called_null(void)
{
	void (*volatile function)(void) = NULL;
	function();
}

static void *work(void *argument)
{
	turns = 3;
	rename_item(argument);
	return NULL;
}

static void *wait_for_ever(void *argument)
{
	pthread_barrier_wait(argument);
	for (;;)
		pthread_testcancel();
}

static void threads(void)
{
	static struct item item = {9, NULL, NULL};
	static pthread_barrier_t barrier;
	pthread_t one, other;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&other, NULL, wait_for_ever, &barrier);
	pthread_barrier_wait(&barrier);
	pthread_create(&one, NULL, work, &item);
	pthread_join(one, NULL);
}

static void give_up(int number)
{
	turns += number;
	abort();
}

static void send_again(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void handled(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_flags = flags};
	action.sa_handler = handler;
	sigaction(SIGSEGV, &action, NULL);
	null_write();
}

int main(int count, char **arguments)
{
	const char *way = count > 1 ? arguments[1] : "";
	if (!strcmp(way, "null"))
		null_write();
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "assert"))
		check(42);
	if (!strcmp(way, "freed"))
		freed();
	if (!strcmp(way, "stack"))
		return descend(0);
	if (!strcmp(way, "divide"))
		return share(count);
	if (!strcmp(way, "far"))
		far_away();
	if (!strcmp(way, "call"))
		called_null();
	if (!strcmp(way, "trap"))
		__builtin_trap();
	if (!strcmp(way, "threads"))
		threads();
	if (!strcmp(way, "again"))
		handled(send_again, SA_SIGINFO);
	if (!strcmp(way, "again-plain"))
		handled(send_again, 0);
	if (!strcmp(way, "handled"))
		handled(give_up, SA_SIGINFO);
	return 0;
}
