#include "environment.h"

#include <string.h>

static int matches(const char *pattern, size_t pattern_size, const char *name, size_t size)
{
	if (pattern_size && pattern[pattern_size - 1] == '*') {
		pattern_size--;
		return size >= pattern_size && !memcmp(pattern, name, pattern_size);
	}
	return size == pattern_size && !memcmp(pattern, name, size);
}

int environment_allows(const char *allowed, const char *variable, size_t size)
{
	const char *equals = memchr(variable, '=', size);

	if (!equals)
		return 0;
	while (*allowed) {
		size_t length = strcspn(allowed, ",");
		if (length && matches(allowed, length, variable, (size_t)(equals - variable)))
			return 1;
		allowed += length;
		allowed += *allowed == ',';
	}
	return 0;
}

size_t environment_filter(const char *allowed, char *environment, size_t size)
{
	size_t kept = 0;
	const char *end;

	for (size_t at = 0; at < size; at = (size_t)(end - environment) + 1) {
		end = memchr(environment + at, '\0', size - at);
		if (!end)
			break;
		size_t length = (size_t)(end - environment) - at;
		if (!environment_allows(allowed, environment + at, length))
			continue;
		memmove(environment + kept, environment + at, length + 1);
		kept += length + 1;
	}
	return kept;
}
