#include "process_stat.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"

enum { FIRST_AFTER_NAME = 3 };

int process_stat(int directory, const char *name, int first, int count, uint64_t *ret)
{
	char text[2048];
	int64_t size = process_read(directory, name, text, sizeof(text) - 1, NULL);

	memset(ret, 0, (size_t)count * sizeof(*ret));
	text[size > 0 ? size : 0] = '\0';
	char *rest = strrchr(text, ')'); // the name before it may hold anything
	if (!rest || !rest[1])
		return 0;
	rest += 2;
	for (int field = FIRST_AFTER_NAME; field < first + count; field++) {
		const char *word = strsep(&rest, " ");
		if (!word)
			return field > first ? field - first : 0;
		if (field >= first)
			ret[field - first] = strtoull(word, NULL, 10);
	}
	return count;
}
