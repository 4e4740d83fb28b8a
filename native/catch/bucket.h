// A token bucket in one number: the time at which it will be full again.
//
// Times are nanoseconds of a clock that never goes back. What stands in `full_at` may be
// anything: a bucket is never worse than empty.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"

// Returns the new `full_at` of a bucket whose rate, or whose number, may have changed.
int64_t bucket_settle(int64_t full_at, const struct rate *rate, int64_t now);

// Say whether there is a token. Always so if the rate has no limit.
bool bucket_has(int64_t full_at, const struct rate *rate, int64_t now);

// Take a token; from an empty bucket nothing is taken. Returns the new `full_at`.
int64_t bucket_take(int64_t full_at, const struct rate *rate, int64_t now);

// Put one back.
int64_t bucket_return(int64_t full_at, const struct rate *rate, int64_t now);
