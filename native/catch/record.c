#include "record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "clock.h"

enum { RECORD_VERSION = 1 };

static void put_number(struct json *json, const char *key, int64_t value)
{
	if (value == NO_NUMBER)
		json_null(json, key);
	else
		json_number(json, key, value);
}

static void put_text(struct json *json, const char *key, const char *value)
{
	if (*value)
		json_string(json, key, value, strlen(value));
	else
		json_null(json, key);
}

static void put_boot_id(struct json *json)
{
	char id[64] = "";
	int64_t size = process_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", id,
				    sizeof(id) - 1, NULL);

	id[size > 0 ? size - 1 : 0] = '\0';
	put_text(json, "boot_id", id);
}

static void put_arguments(struct json *json, const struct arguments *arguments)
{
	bool has_time = arguments->time >= 0 && arguments->time <= INT64_MAX / NANOSECONDS;

	put_number(json, "pid", arguments->pid);
	put_number(json, "tid", arguments->tid);
	put_number(json, "signal", arguments->signal);
	put_number(json, "time",
		   has_time ? arguments->time * (int64_t)NANOSECONDS : NO_NUMBER);
	put_number(json, "uid", arguments->uid);
	put_number(json, "gid", arguments->gid);
	put_number(json, "dump_mode", arguments->dump_mode);
	if (arguments->has_core_limit)
		json_unsigned(json, "core_limit", arguments->core_limit);
	else
		json_null(json, "core_limit");
	put_text(json, "executable", arguments->executable);
}

static void put_admission(struct json *json, const struct kind *kind,
			  const struct admission *admission)
{
	char text[17];

	snprintf(text, sizeof(text), "%016" PRIx64, kind->fault);
	put_text(json, "kind", text);
	if (admission->counted)
		json_unsigned(json, "suppressed", admission->missed);
	else
		json_null(json, "suppressed");
}

void record_crash(const struct arguments *arguments, const char *executable,
		  const struct process *process, const struct kind *kind,
		  const struct admission *admission, const char *id, struct json *ret)
{
	struct utsname names;

	json_init(ret);
	json_open(ret, NULL, '{');
	json_number(ret, "version", RECORD_VERSION);
	put_text(ret, "id", id);
	put_arguments(ret, arguments);
	put_text(ret, "path", executable);
	put_admission(ret, kind, admission);
	json_bool(ret, "verified", process->verified);
	put_text(ret, "hostname", uname(&names) ? "" : names.nodename);
	put_boot_id(ret);
	json_number(ret, "realtime", clock_now(CLOCK_REALTIME));
	json_number(ret, "monotonic", clock_now(CLOCK_MONOTONIC));
	json_close(ret, '}');
}

static void put_checks(struct json *json, const struct checks *checks)
{
	static const char *const results[] = {"unknown", "passed", "failed"};

	json_open(json, "checks", '[');
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		const struct check *check = &checks->list[i];
		json_open(json, NULL, '{');
		put_text(json, "name", check->name);
		put_text(json, "result", results[check->result]);
		put_text(json, "expected", check->expected);
		put_text(json, "found", check->found);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_assets(struct json *json, const struct assets *assets)
{
	json_open(json, "assets", '{');
	json_unsigned(json, "members", assets->members);
	json_unsigned(json, "cut", assets->cut);
	json_unsigned(json, "left_out", assets->left_out);
	json_close(json, '}');
}

void record_capture(const struct capture *capture, const struct checks *checks,
		    const struct assets *assets, int64_t parked, struct json *ret)
{
	const char *cut = capture_cut(capture);

	json_init(ret);
	json_open(ret, NULL, '{');
	json_number(ret, "version", RECORD_VERSION);
	put_text(ret, "rung", rung_names[capture->rung]);
	put_text(ret, "rung_reason", capture->reason ? capture->reason : "");
	put_number(ret, "budget",
		   capture->policy->budget ? (int64_t)capture->policy->budget : NO_NUMBER);
	if (capture->rung == RUNG_STACKS)
		json_unsigned(ret, "stored_ranges", capture->stacks.runs);
	else
		json_null(ret, "stored_ranges");
	put_text(ret, "door", capture->by_socket ? "socket" : "pipe");
	put_text(ret, "way", capture->from_memory ? "memory" : "pipe");
	json_unsigned(ret, "bytes_in", capture->writer.bytes_in);
	json_unsigned(ret, "bytes_stored", capture->writer.bytes_stored);
	json_unsigned(ret, "holes", capture->writer.holes);
	json_unsigned(ret, "size", capture->writer.offset);
	if (capture->head.is_core)
		json_unsigned(ret, "expected_size", capture->head.end);
	else
		json_null(ret, "expected_size");
	json_bool(ret, "truncated", cut);
	put_text(ret, "cut", cut ? cut : "");
	json_bool(ret, "drained", capture->drained);
	json_number(ret, "parked", parked);
	put_checks(ret, checks);
	put_assets(ret, assets);
	json_close(ret, '}');
}
