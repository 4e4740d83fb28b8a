// Takes the pid of another process, once that is free, and keeps it.
//
//     impostor PID
//
// Prints a line when a child of this program, with the command name "impostor" and an
// environment to be recognised by, has the pid. Ends with 1 if that is never so.

#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIES = 5000, PAUSE = 1000 }; // microseconds

int main(int argc, char **argv)
{
	static char *const environment[] = {"PATH=/impostor-canary", NULL};
	pid_t wanted = argc > 1 ? atoi(argv[1]) : 0;
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&wanted,
		.set_tid_size = 1,
	};

	if (argc > 2) { // the child, started again with its new environment
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "impostor");
		puts("here");
		fflush(stdout);
		pause();
		return 0;
	}
	for (int try = 0; try < TRIES; try++, usleep(PAUSE)) {
		long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
		if (pid == 0)
			execle("/proc/self/exe", argv[0], argv[1], "child", NULL, environment);
		if (pid > 0)
			return waitpid((pid_t)pid, NULL, 0) < 0;
	}
	return 1;
}
