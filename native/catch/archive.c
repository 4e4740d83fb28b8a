#include "archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "kernel_log.h"
#include "notify.h"
#include "record.h"
#include "space.h"

// The kernel's link, not %E, which a process in a chroot chooses. Its '/' are '!'.
static void name_executable(struct crash *crash)
{
	char *path = crash->executable;

	if (crash->process.directory < 0 || crash->process.foreign ||
	    process_link(crash->process.directory, "exe", path, sizeof(crash->executable)) < 0) {
		snprintf(path, sizeof(crash->executable), "%s", crash->arguments.executable);
		while ((path = strchr(path, '!')))
			*path = '/';
	}
}

static struct admission_request make_request(const struct crash *crash)
{
	struct admission_request request = {
		.kind = crash->kind,
		.uid = crash->arguments.uid,
		.signal = crash->arguments.signal,
		.executable = crash->executable,
		.settings = &crash->settings,
		.policy = crash->policy,
	};

	admission_clock_read(&request.clock);
	return request;
}

static void suppress(const struct crash *crash)
{
	const struct admission *admission = &crash->admission;

	if (admission->tell_daemon)
		notify(crash->settings.socket,
		       "suppressed pid=%" PRId64 " signal=%" PRId64 " kind=%016" PRIx64,
		       crash->arguments.pid, crash->arguments.signal, crash->kind.fault);
	if (admission->tell_log)
		kernel_log("crash of pid %" PRId64 " is only counted (kind %016" PRIx64
			   "), as were %" PRIu64 " before it",
			   crash->arguments.pid, crash->kind.fault, admission->untold);
}

static void read_settings(struct crash *crash)
{
	int error = settings_read(crash->arguments.settings, &crash->settings);

	if (error && error != -ENOENT)
		kernel_log("settings are refused or have errors: %s", strerror(-error));
}

int archive_admit(struct crash *crash)
{
	read_settings(crash);
	name_executable(crash);
	crash->policy = settings_policy(&crash->settings, crash->executable);
	kind_find(&crash->process, &crash->arguments, crash->executable, &crash->kind);
	struct admission_request request = make_request(crash);
	int error = admission_decide(&request, &crash->admission);
	if (error)
		kernel_log("crash of pid %" PRId64 " cannot be counted: %s",
			   crash->arguments.pid, strerror(-error));
	if (crash->admission.admitted)
		return 0;
	suppress(crash);
	return -ECANCELED;
}

// Look for room before anything is written. Returns -EDQUOT below the quota.
static int find_room(struct crash *crash)
{
	int error = spool_open(&crash->settings, &crash->spool);

	if (error)
		return error;
	if (!space_admits(crash->spool.pending, crash->settings.quota, SPACE_STEP))
		return -EDQUOT;
	return 0;
}

static void keep_record_only(struct crash *crash, const char *reason)
{
	crash->capture.rung = RUNG_RECORD;
	crash->capture.reason = reason;
}

// Why there is no file for the core, or none that can be trusted.
static const char *reason_of(int error)
{
	switch (-error) {
	case ENOSPC:
		return "no-space";
	case EDQUOT:
		return "quota";
	default:
		return "io-error";
	}
}

static int create_files(struct crash *crash)
{
	int error = spool_make_id(crash->id);

	error = error ? error : spool_create(crash->spool.assets, &crash->assets_file);
	if (error)
		return error;
	if (crash->policy->rung >= RUNG_RECORD) {
		keep_record_only(crash, "policy");
		return 0;
	}
	error = spool_create(crash->spool.pending, &crash->core_file);
	if (error)
		keep_record_only(crash, error == -ENOSPC ? "inodes" : reason_of(error));
	return 0;
}

// Whatever ends us from here on, a trace of the crash is left.
static void name_record(struct crash *crash)
{
	int error = spool_claim(&crash->spool, &crash->assets_file);

	if (!crash->has_record)
		return; // it would not say whose it is
	error = error ? error : spool_name(&crash->assets_file, crash->id);
	if (error)
		kernel_log("record of %s has no name yet: %s", crash->id, strerror(-error));
}

static int collect_context(struct crash *crash)
{
	struct json *json = &crash->json;
	int error = assets_init(&crash->assets, crash->assets_file.fd, crash->arguments.time);

	if (error)
		return error;
	record_crash(&crash->arguments, crash->executable, &crash->process, &crash->kind,
		     &crash->admission, crash->id, json);
	assets_add(&crash->assets, "crash.json", json->data, json->size);
	crash->has_record = crash->assets.members;
	name_record(crash);
	assets_add_process(&crash->assets, &crash->process, crash->arguments.tid,
			   crash->policy);
	assets_add_system(&crash->assets);
	assets_reserve(&crash->assets, sizeof(json->data));
	return 0;
}

static void collect_core(struct crash *crash)
{
	checks_init(&crash->checks, &crash->process);
	if (crash->capture.rung < RUNG_RECORD) {
		capture_init(&crash->capture);
		bool same = checks_same_process(&crash->checks, &crash->capture.head);
		int error = capture_core(&crash->capture, same, crash->core_file.fd);
		if (error)
			keep_record_only(crash, reason_of(error));
	}
	checks_run(&crash->checks, &crash->arguments, &crash->capture,
		   process_is_same(&crash->process));
}

// The kernel lets the process go when the last reader of the pipe is gone
// (fs/coredump.c, wait_for_dump_helpers), not only when we exit.
static void release_process(struct crash *crash)
{
	crash->parked = clock_now(CLOCK_MONOTONIC) - crash->started;
	close(crash->source);
	patience_deinit();
}

// The record, with how capture went at its end, on the disk and named.
static int commit_record(struct crash *crash)
{
	struct json *json = &crash->json;

	if (crash->capture.rung == RUNG_RECORD && !crash->has_record)
		return -ENOSPC;
	record_capture(&crash->capture, &crash->checks, &crash->assets, crash->parked, json);
	assets_add(&crash->assets, "capture.json", json->data, json->size);
	int error = tar_finish(&crash->assets.tar);
	if (error)
		kernel_log("assets of %s are incomplete: %s", crash->id, strerror(-error));
	error = spool_seal(&crash->spool, &crash->assets_file);
	if (error)
		kernel_log("assets of %s are not safe: %s", crash->id, strerror(-error));
	return spool_commit(&crash->assets_file, crash->id);
}

// The assets get their name first: a core in pending/ always has them.
static int commit(struct crash *crash)
{
	struct assets context = crash->assets;
	int error = 0;

	if (crash->capture.rung < RUNG_RECORD)
		error = spool_seal(&crash->spool, &crash->core_file);
	if (error)
		keep_record_only(crash, reason_of(error));
	error = commit_record(crash);
	if (error || crash->capture.rung == RUNG_RECORD)
		return error;
	error = spool_commit(&crash->core_file, crash->id);
	if (!error)
		return 0;
	// What is said of the core is not true any more.
	crash->assets = context;
	keep_record_only(crash, reason_of(error));
	return commit_record(crash);
}

// Closing them also says that nobody is dumping any more.
static void close_files(struct crash *crash)
{
	spool_discard(&crash->core_file);
	spool_discard(&crash->assets_file);
}

static void announce(const struct crash *crash)
{
	const struct capture *capture = &crash->capture;
	const char *cut = capture_cut(capture), *rung = rung_names[capture->rung];
	const char *reason = capture->reason ? capture->reason : cut;

	notify(crash->settings.socket, "%s pid=%" PRId64 " signal=%" PRId64 " rung=%s cut=%s",
	       crash->id, crash->arguments.pid, crash->arguments.signal, rung,
	       cut ? cut : "no");
	kernel_log("crash of pid %" PRId64 " archived as %s (%s%s%s)", crash->arguments.pid,
		   crash->id, rung, reason ? ": " : "", reason ? reason : "");
}

static void refuse(struct crash *crash, int error)
{
	struct admission *admission = &crash->admission;
	struct admission_request request = make_request(crash);

	admission_withdraw(&request, admission);
	notify(crash->settings.socket, "refused pid=%" PRId64 " signal=%" PRId64 " reason=%s",
	       crash->arguments.pid, crash->arguments.signal, reason_of(error));
	if (admission->tell_log)
		kernel_log("crash of pid %" PRId64 " is not archived: %s (%s)",
			   crash->arguments.pid, reason_of(error), strerror(-error));
}

// A record is not what the first of its kind was admitted for.
static void settle_admission(const struct crash *crash)
{
	struct admission_request request = make_request(crash);

	if (crash->capture.rung == RUNG_RECORD && crash->policy->rung < RUNG_RECORD)
		admission_renew(&request, &crash->admission);
}

static void prepare(struct crash *crash)
{
	crash->core_file.fd = crash->assets_file.fd = -1;
	patience_init(crash->started, crash->policy->budget, &crash->patience);
	crash->capture = (struct capture){
		.source = crash->source,
		.by_socket = crash->by_socket,
		.waits = crash->waits,
		.process = &crash->process,
		.settings = &crash->settings,
		.policy = crash->policy,
		.patience = &crash->patience,
	};
}

int archive_crash(struct crash *crash)
{
	prepare(crash);
	int error = find_room(crash);

	error = error ? error : create_files(crash);
	error = error ? error : collect_context(crash);
	if (!error) {
		modules_init(&crash->process, crash->policy, crash->source,
			     crash->settings.quota, &crash->assets, &crash->modules);
		collect_core(crash);
		modules_wait(&crash->modules);
	}
	release_process(crash);
	if (!error)
		modules_copy(&crash->modules, &crash->assets);
	error = error ? error : commit(crash);
	close_files(crash);
	if (error) {
		refuse(crash, error);
	} else {
		settle_admission(crash);
		announce(crash);
	}
	return error;
}

void crash_deinit(struct crash *crash)
{
	capture_deinit(&crash->capture);
	modules_deinit(&crash->modules);
	assets_deinit(&crash->assets);
	spool_close(&crash->spool);
	process_close(&crash->process);
}
