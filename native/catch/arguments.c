#include "arguments.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { POSITIONS = 9, CORE_LIMIT = 7 };

static int parse_unsigned(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

// An empty argument is a specifier that this kernel does not know.
static int parse_number(const char *text, int64_t *ret)
{
	uint64_t number;

	if (!*text)
		return 0;
	if (parse_unsigned(text, &number) || number > INT64_MAX)
		return -EINVAL;
	*ret = (int64_t)number;
	return 0;
}

static int parse_core_limit(const char *text, struct arguments *ret)
{
	if (!*text)
		return 0;
	ret->has_core_limit = true;
	return parse_unsigned(text, &ret->core_limit);
}

static int parse_position(int position, const char *text, struct arguments *ret)
{
	int64_t *const numbers[POSITIONS] = {
		&ret->pid,  &ret->tid,       &ret->signal, &ret->time,  &ret->uid,
		&ret->gid,  &ret->dump_mode, NULL,         &ret->pidfd,
	};

	if (position == CORE_LIMIT)
		return parse_core_limit(text, ret);
	return position < POSITIONS ? parse_number(text, numbers[position]) : 0;
}

void arguments_init(struct arguments *ret)
{
	*ret = (struct arguments){
		.settings = ARGUMENTS_SETTINGS,
		.pid = NO_NUMBER,
		.tid = NO_NUMBER,
		.signal = NO_NUMBER,
		.time = NO_NUMBER,
		.uid = NO_NUMBER,
		.gid = NO_NUMBER,
		.dump_mode = NO_NUMBER,
		.pidfd = NO_NUMBER,
		.executable = "",
	};
}

int arguments_parse(int argc, char **argv, struct arguments *ret)
{
	int at = 1, error = 0;

	arguments_init(ret);
	if (at + 1 < argc && !strcmp(argv[at], "-c")) {
		ret->settings = argv[at + 1];
		at += 2;
	}
	if (at + 2 < argc && !strcmp(argv[at], "-l")) {
		ret->door = argv[at + 1];
		ret->way_back = argv[at + 2];
		return 0;
	}
	for (int position = 0; at < argc && strcmp(argv[at], "--"); at++, position++)
		if (parse_position(position, argv[at], ret))
			error = -EINVAL;
	if (at + 1 < argc)
		ret->executable = argv[at + 1];
	return error ? error : ret->pid > 0 ? 0 : -EINVAL;
}
