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
static void choose_policy(struct crash *crash)
{
	char executable[4096];

	if (crash->process.directory < 0 ||
	    process_link(crash->process.directory, "exe", executable, sizeof(executable)) < 0) {
		snprintf(executable, sizeof(executable), "%s", crash->arguments.executable);
		for (char *at = executable; (at = strchr(at, '!'));)
			*at = '/';
	}
	crash->policy = settings_policy(&crash->settings, executable);
}

// Decide before anything is written. Returns -EDQUOT below the quota.
static int admit(struct crash *crash)
{
	int error = spool_open(&crash->settings, &crash->spool);

	if (error)
		return error;
	if (!space_admits(crash->spool.pending, crash->settings.quota, SPACE_STEP))
		return -EDQUOT;
	error = spool_make_id(crash->id);
	if (error)
		return error;
	crash->assets_file = spool_create(crash->spool.assets);
	crash->core_file = spool_create(crash->spool.pending);
	if (crash->assets_file < 0)
		return crash->assets_file;
	return crash->core_file < 0 ? crash->core_file : 0;
}

static int collect_context(struct crash *crash)
{
	struct json *json = &crash->json;
	int error = assets_init(&crash->assets, crash->assets_file, crash->arguments.time);

	if (error)
		return error;
	record_crash(&crash->arguments, &crash->process, crash->id, json);
	assets_add(&crash->assets, "crash.json", json->data, json->size);
	assets_add_process(&crash->assets, &crash->process, crash->arguments.tid,
			   crash->policy);
	assets_add_system(&crash->assets);
	assets_reserve(&crash->assets, sizeof(json->data));
	return 0;
}

static int collect_core(struct crash *crash)
{
	checks_init(&crash->checks, &crash->process);
	int error = capture_core(crash->pipe, &crash->process, &crash->checks,
				 &crash->settings, crash->core_file, &crash->capture);
	if (error)
		return error;
	checks_run(&crash->checks, &crash->arguments, &crash->capture,
		   process_is_same(&crash->process));
	return 0;
}

// The kernel lets the process go when the last reader of the pipe is gone
// (fs/coredump.c, wait_for_dump_helpers), not only when we exit.
static void release_process(struct crash *crash)
{
	crash->parked = clock_now(CLOCK_MONOTONIC) - crash->started;
	close(crash->pipe);
}

// The assets get their name first: a core in pending/ always has them.
static int commit(struct crash *crash)
{
	struct json *json = &crash->json;

	record_capture(&crash->capture, &crash->checks, &crash->assets, crash->parked, json);
	assets_add(&crash->assets, "capture.json", json->data, json->size);
	int error = tar_finish(&crash->assets.tar);
	if (error)
		kernel_log("assets of %s are incomplete: %s", crash->id, strerror(-error));
	error = spool_seal(&crash->spool, crash->assets_file);
	error = error ? error : spool_seal(&crash->spool, crash->core_file);
	error = error ? error
		      : spool_commit(crash->spool.assets, crash->assets_file, crash->id);
	return error ? error
		     : spool_commit(crash->spool.pending, crash->core_file, crash->id);
}

static void announce(const struct crash *crash)
{
	const char *cut = capture_cut(&crash->capture);

	notify(crash->settings.socket, "%s pid=%" PRId64 " signal=%" PRId64 " cut=%s",
	       crash->id, crash->arguments.pid, crash->arguments.signal, cut ? cut : "no");
	kernel_log("crash of pid %" PRId64 " archived as %s%s%s", crash->arguments.pid,
		   crash->id, cut ? ", cut: " : "", cut ? cut : "");
}

static void refuse(const struct crash *crash, int error)
{
	const char *reason = error == -EDQUOT ? "quota" : strerror(-error);

	notify(crash->settings.socket, "refused pid=%" PRId64 " signal=%" PRId64 " reason=%s",
	       crash->arguments.pid, crash->arguments.signal, reason);
	kernel_log("crash of pid %" PRId64 " is not archived: %s", crash->arguments.pid,
		   reason);
}

int archive_crash(struct crash *crash)
{
	choose_policy(crash);
	int error = admit(crash);

	error = error ? error : collect_context(crash);
	error = error ? error : collect_core(crash);
	release_process(crash);
	error = error ? error : commit(crash);
	if (error)
		refuse(crash, error);
	else
		announce(crash);
	return error;
}

void crash_deinit(struct crash *crash)
{
	capture_deinit(&crash->capture);
	assets_deinit(&crash->assets);
	spool_close(&crash->spool);
	process_close(&crash->process);
}
