// Keeps the executable and the libraries of a process whose files nobody will find
// later: those of another mount namespace, which may be gone with it.
//
// They are opened through /proc/PID/map_files, which names no path and enters no root,
// by a child: a filesystem that does not answer costs the child and not the core.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "assets.h"
#include "policy.h"
#include "process.h"

struct modules {
	pid_t child; // 0: nothing is kept
	int channel; // to the child
};

// Begin to open the mapped files, if `policy` wants them; do not wait for that. `pipe`,
// where the core comes from, is not kept open by the child; `quota` is in percent.
void modules_init(const struct process *process, const struct policy *policy, int pipe,
		  unsigned quota, struct assets *assets, struct modules *ret);
void modules_deinit(struct modules *modules);

// Wait until all are open, but not for long: then the process may go.
void modules_wait(struct modules *modules);

// Append `modules/index` and `modules/<n>` to the assets. What does not come in time,
// or does not fit, is left out.
void modules_copy(struct modules *modules, struct assets *assets);
