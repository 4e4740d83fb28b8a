// Gives up in the way that the first argument names: what libc finds, and says.
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile size_t none;
static void *volatile kept;

// The compiler may know neither sizes nor what becomes of the memory.
static char *get(size_t size)
{
	kept = malloc(size + none);
	return kept;
}

static void give(void *memory)
{
	kept = memory;
	free(kept);
}

static int positive(int number)
{
	assert(number > 0 && "positive numbers only");
	return number;
}

static void smash(void)
{
	char array[16];
	volatile char *end = array;
	for (size_t i = 0; i < sizeof(array) + 48; i++)
		end[i] = 'A';
}

__attribute__((noinline)) static void fortified(const char *text)
{
	char array[8];
	strcpy(array, text);
	puts(array);
}

static void free_twice(size_t size)
{
	char *first = get(size), *second = get(size), *last = get(size);
	give(first);
	give(second);
	give(first);
	give(last);
}

static void overrun_top(void)
{
	memset(get(24), 'A', 24 + 16 + none);
	get(200000 >> 1);
}

static void alarmed(int number)
{
	(void)number;
	get(100);
	abort();
}

int main(int count, char **arguments)
{
	const char *way = count > 1 ? arguments[1] : "";
	if (!strcmp(way, "assert"))
		return positive(-count);
	if (!strcmp(way, "smash"))
		smash();
	if (!strcmp(way, "fortify"))
		fortified("much too long for it");
	if (!strcmp(way, "twice"))
		free_twice(24);
	if (!strcmp(way, "twice-large"))
		free_twice(2000);
	if (!strcmp(way, "inside"))
		give(get(100) + 16);
	if (!strcmp(way, "top"))
		overrun_top();
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "fault"))
		*(volatile int *)none = count;
	if (!strcmp(way, "kill"))
		kill(getpid(), SIGSEGV);
	if (!strcmp(way, "handler")) {
		signal(SIGUSR1, alarmed);
		raise(SIGUSR1);
	}
	return 0;
}
