// The fields of /proc/PID/stat by their numbers in proc_pid_stat(5).
#pragma once

#include <stdint.h>

enum {
	STAT_FLAGS = 9,
	STAT_START_CODE = 26,
	STAT_STACK_POINTER = 29,
	STAT_PROGRAM_COUNTER = 30,
	STAT_ARGUMENTS = 48, // start and end; then those of the environment
	STAT_EXIT_CODE = 52,
};

// Read `count` fields from the one numbered `first` on, which is behind the name. Returns
// how many there are; the rest of `ret` is zeros.
int process_stat(int directory, const char *name, int first, int count, uint64_t *ret);
