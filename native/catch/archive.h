// One crash on its way into the spool: admission, context, core, commit.
#pragma once

#include "admission.h"
#include "arguments.h"
#include "assets.h"
#include "capture.h"
#include "checks.h"
#include "json.h"
#include "kind.h"
#include "modules.h"
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
	struct modules modules;
	struct capture capture;
	struct checks checks;
	struct json json;
	char executable[4096];       // its path
	const struct policy *policy; // of that program
	struct kind kind;
	struct admission admission;
	int64_t started;             // CLOCK_MONOTONIC, nanoseconds
	int64_t parked;              // nanoseconds until the process was let go
	int source;                  // the kernel's pipe or socket
	bool by_socket;
	bool waits;                  // the kernel has promised to wait for us
	struct spool_file core_file;
	struct spool_file assets_file;
	struct patience patience;
	bool has_record; // crash.json is written
	char id[SPOOL_ID_SIZE + 1];
};

// Read the settings and decide whether the crash is one of too many, before anything is
// written or the core is read. Returns 0, or -ECANCELED if it is only counted; who has to
// know is told.
int archive_admit(struct crash *crash);

// Take an admitted crash into the spool, or refuse it, and tell daemon and kernel log. The
// process is let go as early as that is safe. Returns 0 or -errno.
int archive_crash(struct crash *crash);
void crash_deinit(struct crash *crash);
