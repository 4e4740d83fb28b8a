#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 16 * 1024 };

void settings_default(struct settings *ret)
{
	*ret = (struct settings){
		.spool = "/var/coresnap/archive",
		.socket = "/run/coresnap/notify",
		.environment = "PATH,LANG,LANGUAGE,LC_*,TZ,SHELL,TERM,LD_LIBRARY_PATH,"
			       "LD_PRELOAD,MALLOC_*",
		.quota = 10,
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

static int copy_text(const char *value, size_t size, char *ret)
{
	size_t length = strlen(value);

	if (!length || length >= size)
		return -EINVAL;
	memcpy(ret, value, length + 1);
	return 0;
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

static int parse_value(const char *key, const char *value, struct settings *ret)
{
	static const char *const ways[] = {"auto", "pipe", "memory", NULL};
	static const char *const drains[] = {"auto", "yes", "no", NULL};
	int chosen = 0, error;

	if (!strcmp(key, "spool"))
		return copy_text(value, sizeof(ret->spool), ret->spool);
	if (!strcmp(key, "socket"))
		return copy_text(value, sizeof(ret->socket), ret->socket);
	if (!strcmp(key, "environ"))
		return copy_text(value, sizeof(ret->environment), ret->environment);
	if (!strcmp(key, "quota"))
		return parse_quota(value, &ret->quota);
	if (!strcmp(key, "owner"))
		return parse_owner(value, ret);
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
	return parse_value(line, value, ret);
}

int settings_read(const char *path, struct settings *ret)
{
	char text[FILE_LIMIT];
	int error = 0;

	settings_default(ret);
	int fd = open_trusted(path);
	if (fd < 0)
		return fd;
	ssize_t size = read(fd, text, sizeof(text));
	close(fd);
	if (size < 0)
		return -EIO;
	if (size == FILE_LIMIT)
		return -EINVAL;
	text[size] = '\0';
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (parse_line(line, ret))
			error = -EINVAL;
	return error;
}
