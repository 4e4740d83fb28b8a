// One crash on its way into the spool: admission, context, core, commit.
#pragma once

#include "arguments.h"
#include "assets.h"
#include "capture.h"
#include "checks.h"
#include "json.h"
#include "process.h"
#include "settings.h"
#include "spool.h"

// Zero but for what the kernel said and where the core comes from.
struct crash {
	struct arguments arguments;
	struct settings settings;
	struct process process;
	struct spool spool;
	struct assets assets;
	struct capture capture;
	struct checks checks;
	struct json json;
	const struct policy *policy; // of the crashed program
	int64_t started;             // CLOCK_MONOTONIC, nanoseconds
	int64_t parked;              // nanoseconds until the process was let go
	int pipe;                    // or the kernel's socket
	bool waits;                  // the kernel has promised to wait for us
	struct spool_file core_file;
	struct spool_file assets_file;
	struct patience patience;
	bool has_record; // crash.json is written
	char id[SPOOL_ID_SIZE + 1];
};

// Take the crash into the spool, or refuse it, and tell daemon and kernel log. The
// process is let go as early as that is safe. Returns 0 or -errno.
int archive_crash(struct crash *crash);
void crash_deinit(struct crash *crash);
