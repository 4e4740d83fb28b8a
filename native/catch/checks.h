// Compares what the core says with what the kernel and /proc said. A core that fails
// a check is kept; the check is recorded.
#pragma once

#include "arguments.h"
#include "capture.h"
#include "process.h"

enum check_result { CHECK_UNKNOWN, CHECK_PASSED, CHECK_FAILED };

enum { CHECK_COUNT = 8, CHECK_TEXT = 512 };

struct check {
	const char *name;
	enum check_result result;
	char expected[CHECK_TEXT]; // "" if unknown; may hold names that a process chose
	char found[CHECK_TEXT];
};

// Facts of /proc that are gone once the process is: taken before the core is read.
struct checks {
	struct check list[CHECK_COUNT];
	int64_t inner_pid;          // pid in the innermost PID namespace, NO_NUMBER
	char command[64];           // comm of the process, "" if unknown
	char executable[4096];      // target of /proc/PID/exe, "" if unknown
};

void checks_init(struct checks *checks, const struct process *process);

// Say whether the core names the pid and the command of the process in /proc.
bool checks_same_process(const struct checks *checks, const struct core_head *head);

// Fill in the list, in this order: format, machine, pid, signal, command, executable,
// extents, process. `same` says what process_is_same() said after the last read.
void checks_run(struct checks *checks, const struct arguments *arguments,
		const struct capture *capture, bool same);
