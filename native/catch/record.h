// The two JSON members of the assets tar: what was said, and how capture went.
#pragma once

#include "admission.h"
#include "arguments.h"
#include "assets.h"
#include "checks.h"
#include "json.h"

// crash.json: what the kernel said, before anything was read.
// `executable` is the path that chose the policy.
void record_crash(const struct arguments *arguments, const char *executable,
		  const struct process *process, const struct kind *kind,
		  const struct admission *admission, const char *id, struct json *ret);

// capture.json: what became of the core. `parked` is how long the process had to wait
// for us, nanoseconds.
void record_capture(const struct capture *capture, const struct checks *checks,
		    const struct assets *assets, int64_t parked, struct json *ret);
