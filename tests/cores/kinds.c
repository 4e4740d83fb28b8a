// Crashes that are of one kind, or of several. Usage: kinds WHAT
//
//     null, other     writes through a null pointer in two places
//     thread          the first of them in a thread
//     abort, exit     calls abort() in two places
//     wild            jumps to an address that is another one each time
//     compiled        jumps to bad code in a file without a name, as compilers make it
//     killed          ends by a signal that comes from outside
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static int *volatile nothing;

__attribute__((noinline)) static void write_null(void)
{
	*nothing = 1;
}

__attribute__((noinline)) static void write_null_elsewhere(void)
{
	*nothing = 2;
}

__attribute__((noinline)) static void give_up(void)
{
	abort();
}

__attribute__((noinline)) static void give_up_elsewhere(void)
{
	abort();
}

__attribute__((noinline)) static void call(uintptr_t address)
{
	((void (*)(void))address)();
	*nothing = 3;
}

static void *run_thread(void *argument)
{
	write_null();
	return argument;
}

static void crash_in_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run_thread, NULL);
	pthread_join(thread, NULL);
}

static void jump_anywhere(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) == sizeof(random))
		call(0x100000000000 + (uintptr_t)random % 0x10000 * 65536);
}

static void run_compiled(void)
{
	int file = memfd_create("code", 0);
	char bad[4096];

	memset(bad, 0xff, sizeof(bad));
	if (write(file, bad, sizeof(bad)) == sizeof(bad))
		call((uintptr_t)mmap(NULL, sizeof(bad), PROT_READ | PROT_EXEC, MAP_PRIVATE,
				     file, 0));
}

static void be_killed(void)
{
	kill(getpid(), SIGQUIT);
	pause();
}

static const struct {
	const char *name;
	void (*crash)(void);
} ways[] = {
	{"null", write_null},	  {"other", write_null_elsewhere},
	{"thread", crash_in_thread}, {"abort", give_up},
	{"exit", give_up_elsewhere}, {"wild", jump_anywhere},
	{"compiled", run_compiled},  {"killed", be_killed},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (argc > 1 && !strcmp(argv[1], ways[i].name))
			ways[i].crash();
	return 0;
}
