#include "process_words.h"

#include "process_memory.h"
#include "process_stat.h"

enum { WORDS = 4 }; // starts and ends of arguments and environment

bool process_words_are_at_hand(const struct process *process)
{
	struct process_memory memory;
	uint64_t places[WORDS];

	if (process_stat(process->task, "stat", STAT_ARGUMENTS, WORDS, places) != WORDS)
		return false;
	bool good = !process_memory_open(process, &memory);
	for (int i = 0; i < WORDS && good; i += 2)
		good = places[i] >= places[i + 1] ||
		       process_memory_is_at_hand(&memory, places[i], places[i + 1] - places[i]);
	process_memory_close(&memory);
	return good;
}
