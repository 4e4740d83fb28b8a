// What the administrator wants for one program: the defaults, or a rule's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// How much of a crash is kept. Each rung keeps less than the one before it.
enum rung { RUNG_FULL, RUNG_STACKS, RUNG_NOTES, RUNG_RECORD, RUNG_NOTHING };

enum modules_kept { MODULES_NO, MODULES_CONTAINER, MODULES_ALL };

// Tokens of a bucket, and how long an empty one takes to fill.
struct rate {
	uint32_t burst;   // 0: no limit
	uint32_t seconds; // above 0
};

struct policy {
	enum rung rung;            // keep at most this
	struct rate rate;          // crashes of one executable
	struct rate kinds;         // new kinds of one executable
	uint64_t budget;           // nanoseconds to hold the process, 0 for no limit
	uint64_t logical;          // apparent bytes of a core, UINT64_MAX for no limit
	uint64_t physical;         // stored bytes of a core, UINT64_MAX for no limit
	enum modules_kept modules; // whose executable and libraries are kept
	const char *environment;   // names to keep, comma separated, * at the end
};

// "full", "stacks", ... as in settings and records.
extern const char *const rung_names[];
