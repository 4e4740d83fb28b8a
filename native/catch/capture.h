// Gets one core from the kernel into a file, by the faster way that is safe.
#pragma once

#include "core_head.h"
#include "process.h"
#include "settings.h"
#include "space.h"
#include "sparse_writer.h"

struct checks;

struct capture {
	struct core_head head;
	struct sparse_writer writer;
	bool from_memory; // else from the pipe
	bool drained;     // the pipe was read to its end
	int error;        // why the core is incomplete, -errno; 0 if nothing failed here
};

// Write the core into `fd`, an empty file. Returns 0 also for an incomplete core, and
// -ENOMEM if nothing could be tried. Whatever is returned, capture_deinit() is due.
int capture_core(int pipe, const struct process *process, const struct checks *checks,
		 const struct settings *settings, int fd, struct capture *ret);
void capture_deinit(struct capture *capture);

// One word for why the core is cut: NULL if, as far as its headers say, it is whole.
const char *capture_cut(const struct capture *capture);
