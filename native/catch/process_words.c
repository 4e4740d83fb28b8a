#include "process_words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "process_memory.h"

// Fields of proc_pid_stat(5).
enum { FIRST_AFTER_NAME = 3, ARGUMENTS = 48, WORDS = 4 };

// Starts and ends of arguments and environment. Returns false if they are not known.
static bool read_places(const struct process *process, uint64_t *ret)
{
	char text[2048];
	int64_t size = process_read(process->task, "stat", text, sizeof(text) - 1, NULL);

	if (size <= 0)
		return false;
	text[size] = '\0';
	char *rest = strrchr(text, ')'); // the name before it may hold anything
	if (!rest || !rest[1])
		return false;
	rest += 2;
	for (int field = FIRST_AFTER_NAME; field < ARGUMENTS + WORDS; field++) {
		const char *word = strsep(&rest, " ");
		if (!word)
			return false;
		if (field >= ARGUMENTS)
			ret[field - ARGUMENTS] = strtoull(word, NULL, 10);
	}
	return true;
}

bool process_words_are_at_hand(const struct process *process)
{
	struct process_memory memory;
	uint64_t places[WORDS];

	if (!read_places(process, places))
		return false;
	bool good = !process_memory_open(process, &memory);
	for (int i = 0; i < WORDS && good; i += 2)
		good = places[i] >= places[i + 1] ||
		       process_memory_is_at_hand(&memory, places[i], places[i + 1] - places[i]);
	process_memory_close(&memory);
	return good;
}
