// Gets one core from the kernel into a file, by the faster way that is safe, and as much
// of it as there is room and time for.
#pragma once

#include "core_head.h"
#include "patience.h"
#include "process.h"
#include "settings.h"
#include "space.h"
#include "sparse_writer.h"
#include "stacks.h"

struct capture {
	// What is given.
	int source; // the kernel's pipe or socket
	bool by_socket;
	bool waits; // the kernel has promised that the process stays until we are done
	const struct process *process;
	const struct settings *settings;
	const struct policy *policy;
	struct patience *patience;
	// What comes of it.
	struct core_head head;
	struct sparse_writer writer;
	struct stacks stacks;
	uint64_t estimate;  // bytes to be stored at most, UINT64_MAX if unknown
	enum rung rung;     // how much is kept
	const char *reason; // why no more: a `rung_reason`, NULL for a full core
	bool has_memory;    // /proc/PID/mem is the process's, and it waits
	bool from_memory;   // else from the pipe
	bool drained;       // the pipe was read to its end
	int error;          // why the core is incomplete, -errno; 0 if nothing failed here
};

// Read the front of the core; whether that failed is in `error`. capture_deinit() is
// due in any case.
void capture_init(struct capture *capture);
void capture_deinit(struct capture *capture);

// Write the core into `fd`, an empty file; `same` says whether the front of the core is
// of the process in /proc. Returns 0 also for an incomplete core, and -ENOMEM if nothing
// could be tried.
int capture_core(struct capture *capture, bool same, int fd);

// Where the core would end if it were all there; of less than a full one, where it ends.
uint64_t capture_expected_size(const struct capture *capture);

// One word for why the core is cut: NULL if, as far as its headers say, it is whole.
const char *capture_cut(const struct capture *capture);
