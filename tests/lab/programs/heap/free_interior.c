// A reader moves its pointer along and frees where it ended, not where it began.
//
// must: invalid-free
// may: null null.read memory.read memory.unmapped invalid-pointer call-contract abort
// never: memory.write double-free use-after-free
// function: count_words
// only: glibc
#include "lab.h"

APART static int count_words(const char *line)
{
	char *copy = strdup(line);
	int words = 1;

	tell_block("live", copy, strlen(line) + 1);
	while (*copy) {
		if (*copy == ' ')
			words++;
		copy += 4;
	}
	free(copy);
	return words;
}

int main(void)
{
	char *kept = malloc(100);

	return count_words(hidden("sixteen letters.")) + kept[0];
}
