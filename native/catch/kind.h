// What kind of crash it is, known before the core is read: from /proc alone, within
// microseconds. Crashes of one kind have the executable, the signal and the place in
// common, on every machine.
#pragma once

#include "arguments.h"
#include "process.h"

struct kind {
	uint64_t fault;      // of executable, signal and place; never 0
	uint64_t executable; // of the executable alone; never 0
};

// `path` names the executable where nothing better is known. Where the process has gone,
// is not the one that crashed, or does not show its registers, crashes differ by less.
void kind_find(const struct process *process, const struct arguments *arguments,
	       const char *path, struct kind *ret);
