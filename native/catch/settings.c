#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { DAY = 24 * 60 * 60 };

void settings_default(struct settings *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->spool = "/var/coresnap/archive";
	ret->socket = "/run/coresnap/notify";
	ret->admission = "/var/coresnap/admission";
	ret->quota = 10;
	ret->important = 64 << 20;
	ret->remember = DAY;
	ret->rate = (struct rate){60, 600};
	ret->policy = (struct policy){
		.rate = {10, 600},
		.kinds = {100, DAY},
		.budget = 120 * 1000000000ULL,
		.logical = UINT64_MAX,
		.physical = 32ULL << 30,
		.modules = MODULES_CONTAINER,
		.environment = "PATH,LANG,LANGUAGE,LC_*,TZ,SHELL,TERM,LD_LIBRARY_PATH,"
			       "LD_PRELOAD,MALLOC_*,container,BACKTRACE_DEFAULTS,"
			       "CORESNAP_ATTRIBUTES",
	};
}

static int open_trusted(const char *path)
{
	struct stat file;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &file) || !S_ISREG(file.st_mode) ||
	    (file.st_uid != 0 && file.st_uid != geteuid()) ||
	    (file.st_mode & (S_IWGRP | S_IWOTH))) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static int choose(const char *value, const char *const names[], int *ret)
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(value, names[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_quota(const char *value, unsigned *ret)
{
	char *end;
	unsigned long percent = strtoul(value, &end, 10);

	if (end == value || strcmp(end, "%") || percent > 100)
		return -EINVAL;
	*ret = (unsigned)percent;
	return 0;
}

static int parse_owner(const char *value, struct settings *ret)
{
	unsigned uid, gid;
	char rest;

	if (sscanf(value, "%u:%u%c", &uid, &gid, &rest) != 2)
		return -EINVAL;
	ret->has_owner = true;
	ret->uid = uid;
	ret->gid = gid;
	return 0;
}

// A plain number; with `none` an empty value is UINT64_MAX.
static int parse_number(const char *value, bool none, uint64_t *ret)
{
	char *end;

	if (none && !*value) {
		*ret = UINT64_MAX;
		return 0;
	}
	if (*value < '0' || *value > '9')
		return -EINVAL;
	errno = 0;
	uint64_t number = strtoull(value, &end, 10);
	if (errno || *end)
		return -EINVAL;
	*ret = number;
	return 0;
}

// BURST/SECONDS
static int parse_rate(const char *value, struct rate *ret)
{
	struct rate rate;
	char rest;

	if (sscanf(value, "%u/%u%c", &rate.burst, &rate.seconds, &rest) != 2 || !rate.seconds)
		return -EINVAL;
	*ret = rate;
	return 0;
}

static int parse_policy(const char *key, const char *value, struct policy *ret)
{
	static const char *const modules[] = {"no", "container", "all", NULL};
	int chosen = 0, error;
	uint64_t milliseconds;

	if (!strcmp(key, "rate"))
		return parse_rate(value, &ret->rate);
	if (!strcmp(key, "kinds"))
		return parse_rate(value, &ret->kinds);
	if (!strcmp(key, "logical"))
		return parse_number(value, true, &ret->logical);
	if (!strcmp(key, "physical"))
		return parse_number(value, true, &ret->physical);
	if (!strcmp(key, "environ")) {
		ret->environment = value;
		return 0;
	}
	if (!strcmp(key, "budget")) {
		error = parse_number(value, false, &milliseconds);
		if (!error && milliseconds <= UINT32_MAX)
			ret->budget = milliseconds * 1000000;
		return error;
	}
	if (!strcmp(key, "keep")) {
		error = choose(value, rung_names, &chosen);
		ret->rung = error ? ret->rung : (enum rung)chosen;
		return error;
	}
	if (!strcmp(key, "modules")) {
		error = choose(value, modules, &chosen);
		ret->modules = error ? ret->modules : (enum modules_kept)chosen;
		return error;
	}
	return -ENOENT;
}

// PATTERN, then `key=value` of a policy, all separated by tabs.
static int parse_rule(char *text, struct settings *ret)
{
	int error = 0;

	if (ret->rule_count == SETTINGS_RULE_LIMIT)
		return -EINVAL;
	struct rule *rule = &ret->rules[ret->rule_count];
	rule->pattern = strsep(&text, "\t");
	rule->policy = ret->policy;
	for (char *pair; (pair = strsep(&text, "\t"));) {
		char *value = strchr(pair, '=');
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		if (parse_policy(pair, value, &rule->policy))
			error = -EINVAL;
	}
	ret->rule_count++;
	return error;
}

static int parse_global(const char *key, char *value, struct settings *ret)
{
	static const char *const ways[] = {"auto", "pipe", "memory", NULL};
	static const char *const drains[] = {"auto", "yes", "no", NULL};
	int chosen = 0, error;
	uint64_t number = 0;

	if (!strcmp(key, "spool") && *value) {
		ret->spool = value;
		return 0;
	}
	if (!strcmp(key, "socket") && *value &&
	    strlen(value) < sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		ret->socket = value;
		return 0;
	}
	if (!strcmp(key, "admission")) {
		ret->admission = value;
		return 0;
	}
	if (!strcmp(key, "quota"))
		return parse_quota(value, &ret->quota);
	if (!strcmp(key, "owner"))
		return parse_owner(value, ret);
	if (!strcmp(key, "important"))
		return parse_number(value, true, &ret->important);
	if (!strcmp(key, "remember")) {
		error = parse_number(value, false, &number);
		ret->remember = !error && number <= UINT32_MAX ? (uint32_t)number
							       : ret->remember;
		return error;
	}
	if (!strcmp(key, "rate.global"))
		return parse_rate(value, &ret->rate);
	if (!strcmp(key, "rule"))
		return parse_rule(value, ret);
	if (!strcmp(key, "fetch")) {
		error = choose(value, ways, &chosen);
		ret->fetch = error ? ret->fetch : (enum fetch_way)chosen;
		return error;
	}
	if (!strcmp(key, "drain")) {
		// "auto" is where a kernel needs it, and none is known that does.
		error = choose(value, drains, &chosen);
		ret->drain = error ? ret->drain : chosen == 1;
		return error;
	}
	return -EINVAL;
}

static int parse_line(char *line, struct settings *ret)
{
	if (!*line || *line == '#')
		return 0;
	char *value = strchr(line, '=');
	if (!value)
		return -EINVAL;
	*value++ = '\0';
	int error = parse_policy(line, value, &ret->policy);
	return error == -ENOENT ? parse_global(line, value, ret) : error;
}

int settings_read(const char *path, struct settings *ret)
{
	int error = 0;

	settings_default(ret);
	int fd = open_trusted(path);
	if (fd < 0)
		return fd;
	ssize_t size = read(fd, ret->text, sizeof(ret->text));
	close(fd);
	if (size < 0)
		return -EIO;
	if (size == (ssize_t)sizeof(ret->text))
		return -EINVAL;
	ret->text[size] = '\0';
	char *rest = ret->text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (parse_line(line, ret))
			error = -EINVAL;
	return error;
}

const struct policy *settings_policy(const struct settings *settings,
				     const char *executable)
{
	for (size_t i = 0; i < settings->rule_count; i++)
		if (!fnmatch(settings->rules[i].pattern, executable, 0))
			return &settings->rules[i].policy;
	return &settings->policy;
}
