#include "bucket.h"

#include "clock.h"

static int64_t duration(const struct rate *rate)
{
	return (int64_t)rate->seconds * NANOSECONDS;
}

static int64_t interval(const struct rate *rate)
{
	return duration(rate) / rate->burst;
}

static int64_t debt(int64_t full_at, const struct rate *rate, int64_t now)
{
	if (!rate->burst || full_at <= now)
		return 0;
	return full_at > now + duration(rate) ? duration(rate) : full_at - now;
}

int64_t bucket_settle(int64_t full_at, const struct rate *rate, int64_t now)
{
	return now + debt(full_at, rate, now);
}

bool bucket_has(int64_t full_at, const struct rate *rate, int64_t now)
{
	return !rate->burst ||
	       debt(full_at, rate, now) <= duration(rate) - interval(rate);
}

int64_t bucket_take(int64_t full_at, const struct rate *rate, int64_t now)
{
	int64_t owed = debt(full_at, rate, now);

	if (!rate->burst || !bucket_has(full_at, rate, now))
		return now + owed;
	return now + owed + interval(rate);
}

int64_t bucket_return(int64_t full_at, const struct rate *rate, int64_t now)
{
	int64_t owed = debt(full_at, rate, now);

	if (!rate->burst || owed < interval(rate))
		return now;
	return now + owed - interval(rate);
}
