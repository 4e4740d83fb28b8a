// The crashed process, held so that a recycled pid cannot take its place.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process {
	int64_t pid;
	int directory; // /proc/PID: never shows another process once it is open
	int task;      // /proc/PID/task/TID, else a copy of `directory`
	int pidfd;     // of %F, -1 without it
	bool verified; // the pidfd is of this pid, so the directory is the crashed process
	bool foreign;  // the pidfd is of somebody else: /proc/PID must not be believed
};

// Hold /proc/PID. Returns 0, or -errno if it is gone; `ret` is usable either way.
int process_open(int64_t pid, int64_t tid, int64_t pidfd, struct process *ret);
void process_close(struct process *process);

// Say whether the process still exists, and is still the one that was opened.
bool process_is_same(const struct process *process);

// Say whether it runs the program that we are.
bool process_is_ourselves(const struct process *process);

// Read a file of /proc to its end or to `size` bytes. Returns bytes read or -errno.
// `ret_cut`, if not NULL, says whether there was more.
int64_t process_read(int directory, const char *name, void *data, size_t size,
		     bool *ret_cut);

// Read where a symbolic link of /proc points to; nothing is followed. `ret` ends
// with a NUL. Returns its length or -errno.
int64_t process_link(int directory, const char *name, char *ret, size_t size);
