// Decides which crashes are archived, before anything of them is written: of many alike
// some, and the first of each kind. The rest is counted.
#pragma once

#include <stdbool.h>

#include "kind.h"
#include "settings.h"

struct admission_clock {
	uint8_t boot_id[16];
	int64_t boottime; // CLOCK_BOOTTIME, nanoseconds
	int64_t realtime; // CLOCK_REALTIME, nanoseconds
};

struct admission_request {
	struct kind kind;
	int64_t uid;            // NO_NUMBER if unknown
	int64_t signal;
	const char *executable; // its path
	const struct settings *settings;
	const struct policy *policy;
	struct admission_clock clock;
};

struct admission {
	bool admitted;
	bool counted;     // else the table could not be had
	bool is_new;      // the kind is not remembered
	bool took_rate;   // a token of the executable and one of all
	bool took_kind;   // a token of new kinds
	uint64_t missed;  // crashes of this kind since the last one that was archived
	bool tell_daemon; // of a crash not archived, at most once a second for a kind
	bool tell_log;    // of one, at most once a second
	uint64_t untold;  // of how many the kernel's log was not told before
};

void admission_clock_read(struct admission_clock *ret);

// Admit a crash or not. Returns 0 or -errno if it could not be counted. Then, and where
// no table is wanted, it is admitted unless the policy keeps nothing; `ret` is usable
// either way.
int admission_decide(const struct admission_request *request, struct admission *ret);

// Take back that a crash was admitted: it could not be archived. The next of its kind is
// as new as this one was. Returns 0 or -errno.
int admission_withdraw(const struct admission_request *request, struct admission *admission);

// The same for one of which only a record was archived, for want of room: the next of its
// kind is new, but nothing is given back. Returns 0 or -errno.
int admission_renew(const struct admission_request *request,
		    const struct admission *admission);
