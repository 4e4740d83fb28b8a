// Crashes as fast as the machine can fork. Usage: storm COUNT PARALLEL DIFFERENT
//
// Of COUNT processes, at most PARALLEL at once, all write through a null pointer in the
// same place, but for number DIFFERENT, which does so in another one. Then it prints how
// many crashed, and how many of them the kernel says have dumped a core.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int *volatile nothing;

__attribute__((noinline)) static void crash(void)
{
	*nothing = 1;
}

__attribute__((noinline)) static void crash_differently(void)
{
	*nothing = 2;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, parallel = argc > 2 ? atoi(argv[2]) : 1;
	int different = argc > 3 ? atoi(argv[3]) : -1;
	int running = 0, crashed = 0, dumped = 0, status;

	for (int number = 0; number < count || running;) {
		if (number < count && running < parallel) {
			pid_t child = fork();
			if (!child) {
				if (number == different)
					crash_differently();
				crash();
			}
			if (child < 0)
				return 1;
			running++;
			number++;
			continue;
		}
		if (wait(&status) < 0)
			return 1;
		running--;
		crashed += WIFSIGNALED(status);
		dumped += WIFSIGNALED(status) && WCOREDUMP(status);
	}
	printf("%d %d\n", crashed, dumped);
	return 0;
}
