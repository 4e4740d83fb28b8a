// What the kernel says about the crash, on the command line of core_pattern.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ARGUMENTS_SETTINGS "/var/coresnap/catch.conf"

// Every number is NO_NUMBER where the kernel did not say it: older kernels expand an
// unknown specifier to nothing.
enum { NO_NUMBER = -1 };

struct arguments {
	const char *settings;   // -c, a path
	const char *door;       // -l: the core_pattern of the socket to serve, else NULL
	const char *way_back;   // -l: the core_pattern for when nobody serves it
	int64_t pid;            // %P, in the initial PID namespace
	int64_t tid;            // %I
	int64_t signal;         // %s
	int64_t time;           // %t, seconds since the epoch
	int64_t uid;            // %u, in the initial user namespace
	int64_t gid;            // %g
	int64_t dump_mode;      // %d, 1: the user may have the core, 2: root only
	uint64_t core_limit;    // %c, bytes, UINT64_MAX for unlimited
	bool has_core_limit;
	int64_t pidfd;          // %F, Linux 6.16
	const char *executable; // %E, process-chosen: '/' became '!'; "" if missing
};

// Nothing is known.
void arguments_init(struct arguments *ret);

// Read `coresnap-catch [-c CONF] %P %I %s %t %u %g %d %c %F -- %E`. Missing and extra
// arguments are no error; without a pid, or with a malformed number, -EINVAL. Or read
// `coresnap-catch [-c CONF] -l DOOR WAY_BACK`.
int arguments_parse(int argc, char **argv, struct arguments *ret);
