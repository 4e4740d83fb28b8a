// How long one crash may take: its budget, a standstill, and a request to finish.
#pragma once

#include <stdint.h>

struct patience {
	int64_t end;      // CLOCK_MONOTONIC at which the process has to go, INT64_MAX for never
	int64_t progress; // CLOCK_MONOTONIC when something came last
};

// Let SIGTERM ask for an end, and interrupt system calls that wait each second and when
// the budget is over. `budget` is nanoseconds from `started` on, 0 for none.
void patience_init(int64_t started, uint64_t budget, struct patience *ret);
void patience_deinit(void);

void patience_progress(struct patience *patience);

// Say why the core has to end here: -ECANCELED if asked to finish, -ETIME if the budget
// is over, -ETIMEDOUT if nothing came for half a minute; else 0.
int patience_check(const struct patience *patience);

// The same for the front of a core, which is short and without which there is none:
// it is waited for whatever the budget, and for a second after a request to finish.
int patience_check_front(const struct patience *patience);
