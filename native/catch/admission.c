#include "admission.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "admission_table.h"
#include "bucket.h"
#include "clock.h"

enum { USER_KINDS = 10 }; // new kinds of one user, times those of one executable

#define ABSENCE_LIMIT (10LL * 365 * 24 * 60 * 60 * NANOSECONDS)

// What the table knows that concerns one crash.
struct entry {
	struct admission_table table;
	struct admission_kind kind;
	struct admission_executable executable;
	struct admission_user user;
	off_t kind_offset;
	off_t executable_offset;
	off_t user_offset;
};

static int hex_digit(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
					      : -1;
}

void admission_clock_read(struct admission_clock *ret)
{
	char text[64];
	int64_t size = process_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text,
				    sizeof(text), NULL);
	size_t digits = 0;

	memset(ret, 0, sizeof(*ret));
	for (int64_t at = 0; at < size && digits < 2 * sizeof(ret->boot_id); at++) {
		int digit = hex_digit(text[at]);
		if (digit < 0)
			continue;
		ret->boot_id[digits / 2] |= (uint8_t)(digit << (digits % 2 ? 0 : 4));
		digits++;
	}
	ret->boottime = clock_now(CLOCK_BOOTTIME);
	ret->realtime = clock_now(CLOCK_REALTIME);
}

// Within a boot nobody can turn the clock. Across boots there is only the one that
// people set: what it claims is believed up to a limit, and never below zero.
static void advance(struct admission_header *header, const struct admission_clock *clock)
{
	bool same_boot = !memcmp(header->boot_id, clock->boot_id, sizeof(clock->boot_id));
	int64_t last = same_boot ? header->boottime : header->realtime;
	int64_t now = same_boot ? clock->boottime : clock->realtime;
	int64_t passed = last >= 0 && now > last ? now - last : 0;

	// A table without a crash has no time from which some could have passed.
	if (!header->seen)
		passed = 0;
	header->now += passed < ABSENCE_LIMIT ? passed : ABSENCE_LIMIT;
	memcpy(header->boot_id, clock->boot_id, sizeof(clock->boot_id));
	header->boottime = clock->boottime;
	header->realtime = clock->realtime;
}

static struct rate user_kinds(const struct settings *settings)
{
	struct rate rate = settings->policy.kinds;

	rate.burst = rate.burst < UINT32_MAX / USER_KINDS ? rate.burst * USER_KINDS : 0;
	return rate;
}

// A bucket that owes more than it can hold would stay empty for as long as it owes that.
static void settle(struct entry *entry, const struct admission_request *request)
{
	const struct policy *policy = request->policy;
	struct admission_header *header = &entry->table.header;
	struct admission_executable *executable = &entry->executable;
	struct rate user = user_kinds(request->settings);
	int64_t now = header->now;

	header->full_at = bucket_settle(header->full_at, &request->settings->rate, now);
	executable->full_at = bucket_settle(executable->full_at, &policy->rate, now);
	executable->kinds_full_at =
		bucket_settle(executable->kinds_full_at, &policy->kinds, now);
	entry->user.kinds_full_at = bucket_settle(entry->user.kinds_full_at, &user, now);
}

static int load(const struct admission_request *request, struct entry *ret)
{
	const struct settings *settings = request->settings;
	gid_t gid = settings->has_owner ? settings->gid : (gid_t)-1;
	int error = admission_table_open(settings->admission, gid, &ret->table);

	if (error)
		return error;
	advance(&ret->table.header, &request->clock);
	error = admission_table_find(&ret->table, ADMISSION_KINDS, request->kind.fault,
				     request->uid, &ret->kind, &ret->kind_offset);
	error = error ? error
		      : admission_table_find(&ret->table, ADMISSION_EXECUTABLES,
					     request->kind.executable, request->uid,
					     &ret->executable, &ret->executable_offset);
	error = error ? error
		      : admission_table_find(&ret->table, ADMISSION_USERS, 0, request->uid,
					     &ret->user, &ret->user_offset);
	if (error)
		admission_table_close(&ret->table);
	else
		settle(ret, request);
	return error;
}

static int save_slot(const struct admission_table *table, enum admission_part part,
		     const struct admission_slot *slot, off_t offset)
{
	return slot->used_at ? admission_table_save(table, part, slot, offset) : 0;
}

static int save(const struct entry *entry)
{
	const struct admission_table *table = &entry->table;
	int error = admission_table_save_header(table);

	error = error ? error
		      : save_slot(table, ADMISSION_KINDS, &entry->kind.slot,
				  entry->kind_offset);
	error = error ? error
		      : save_slot(table, ADMISSION_EXECUTABLES, &entry->executable.slot,
				  entry->executable_offset);
	return error ? error
		     : save_slot(table, ADMISSION_USERS, &entry->user.slot,
				 entry->user_offset);
}

static bool take_kind(struct entry *entry, const struct admission_request *request)
{
	const struct rate user = user_kinds(request->settings), *own = &request->policy->kinds;
	int64_t now = entry->table.header.now;
	int64_t *own_bucket = &entry->executable.kinds_full_at;
	int64_t *user_bucket = &entry->user.kinds_full_at;

	if (!bucket_has(*own_bucket, own, now) || !bucket_has(*user_bucket, &user, now))
		return false;
	*own_bucket = bucket_take(*own_bucket, own, now);
	*user_bucket = bucket_take(*user_bucket, &user, now);
	return true;
}

static bool take_rate(struct entry *entry, const struct admission_request *request)
{
	const struct rate *all = &request->settings->rate, *own = &request->policy->rate;
	int64_t now = entry->table.header.now;
	int64_t *own_bucket = &entry->executable.full_at;
	int64_t *all_bucket = &entry->table.header.full_at;

	if (!bucket_has(*own_bucket, own, now) || !bucket_has(*all_bucket, all, now))
		return false;
	*own_bucket = bucket_take(*own_bucket, own, now);
	*all_bucket = bucket_take(*all_bucket, all, now);
	return true;
}

static bool is_remembered(const struct entry *entry, uint32_t seconds)
{
	int64_t now = entry->table.header.now, new_at = entry->kind.new_at;

	return new_at && new_at <= now && now - new_at < (int64_t)seconds * NANOSECONDS;
}

static void decide(struct entry *entry, const struct admission_request *request,
		   struct admission *ret)
{
	ret->is_new = !is_remembered(entry, request->settings->remember);
	if (request->policy->rung == RUNG_NOTHING) {
		// A slot costs a token, so that nobody can push others' kinds out of the table.
		ret->took_kind = !entry->kind.slot.used_at && take_kind(entry, request);
		return;
	}
	ret->took_kind = ret->is_new && take_kind(entry, request);
	ret->took_rate = take_rate(entry, request);
	ret->admitted = ret->took_kind || ret->took_rate;
	if (ret->is_new && ret->admitted)
		entry->kind.new_at = entry->table.header.now;
}

static void put_name(const char *path, char *ret, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(ret, size, "%s", slash ? slash + 1 : path);
}

static void count_kind(struct entry *entry, const struct admission_request *request,
		       struct admission *admission)
{
	struct admission_kind *kind = &entry->kind;

	if (!kind->slot.used_at) {
		if (!admission->took_kind && !admission->took_rate)
			return;
		kind->first = request->clock.realtime;
		kind->executable = request->kind.executable;
		kind->signal = (int32_t)request->signal;
		put_name(request->executable, kind->name, sizeof(kind->name));
	}
	kind->slot.used_at = entry->table.header.now;
	kind->last = request->clock.realtime;
	kind->seen++;
	kind->archived += admission->admitted;
	kind->suppressed += !admission->admitted;
	admission->missed = kind->missed;
	kind->missed = admission->admitted ? 0 : kind->missed + 1;
}

static void count(struct entry *entry, const struct admission_request *request,
		  struct admission *admission)
{
	struct admission_header *header = &entry->table.header;
	struct admission_executable *executable = &entry->executable;

	count_kind(entry, request, admission);
	put_name(request->executable, executable->name, sizeof(executable->name));
	executable->slot.used_at = entry->user.slot.used_at = header->now;
	executable->last = request->clock.realtime;
	executable->seen++;
	executable->archived += admission->admitted;
	executable->suppressed += !admission->admitted;
	header->seen++;
	header->archived += admission->admitted;
	header->suppressed += !admission->admitted;
}

static bool is_due(int64_t told_at, int64_t now)
{
	return !told_at || told_at > now || now - told_at >= NANOSECONDS;
}

static void choose_telling(struct entry *entry, struct admission *ret)
{
	struct admission_header *header = &entry->table.header;

	ret->tell_log = is_due(header->told_at, header->now);
	ret->tell_daemon = ret->tell_log;
	if (entry->kind.slot.used_at) {
		ret->tell_daemon = is_due(entry->kind.told_at, header->now);
		if (ret->tell_daemon)
			entry->kind.told_at = header->now;
	}
	ret->untold = header->untold;
	header->untold = ret->tell_log ? 0 : header->untold + 1;
	if (ret->tell_log)
		header->told_at = header->now;
}

int admission_decide(const struct admission_request *request, struct admission *ret)
{
	struct entry entry;

	*ret = (struct admission){
		.admitted = request->policy->rung != RUNG_NOTHING,
		.tell_daemon = true,
		.tell_log = true,
	};
	if (!*request->settings->admission)
		return 0;
	int error = load(request, &entry);
	if (error)
		return error;
	*ret = (struct admission){.counted = true};
	decide(&entry, request, ret);
	count(&entry, request, ret);
	if (!ret->admitted)
		choose_telling(&entry, ret);
	error = save(&entry);
	admission_table_close(&entry.table);
	return error;
}

static void give_back(struct entry *entry, const struct admission_request *request,
		      const struct admission *admission)
{
	const struct rate user = user_kinds(request->settings);
	struct admission_executable *executable = &entry->executable;
	struct admission_header *header = &entry->table.header;
	int64_t now = header->now;

	if (admission->took_kind) {
		executable->kinds_full_at =
			bucket_return(executable->kinds_full_at, &request->policy->kinds, now);
		entry->user.kinds_full_at = bucket_return(entry->user.kinds_full_at, &user, now);
	}
	if (admission->is_new)
		entry->kind.new_at = 0;
	if (admission->took_rate) {
		executable->full_at =
			bucket_return(executable->full_at, &request->policy->rate, now);
		header->full_at =
			bucket_return(header->full_at, &request->settings->rate, now);
	}
}

static void decrease(uint64_t *number)
{
	*number -= *number > 0;
}

int admission_withdraw(const struct admission_request *request, struct admission *admission)
{
	struct entry entry;

	admission->tell_log = true;
	int error = admission->counted ? load(request, &entry) : 0;
	if (error || !admission->counted)
		return error;
	give_back(&entry, request, admission);
	decrease(&entry.table.header.archived);
	entry.table.header.refused++;
	decrease(&entry.executable.archived);
	if (entry.kind.slot.used_at) {
		decrease(&entry.kind.archived);
		entry.kind.missed += admission->missed + 1;
	}
	choose_telling(&entry, admission);
	error = save(&entry);
	admission_table_close(&entry.table);
	return error;
}

int admission_renew(const struct admission_request *request,
		    const struct admission *admission)
{
	struct entry entry;
	int error = admission->counted && admission->is_new ? load(request, &entry) : 0;

	if (error || !admission->counted || !admission->is_new)
		return error;
	entry.kind.new_at = 0;
	error = save(&entry);
	admission_table_close(&entry.table);
	return error;
}
