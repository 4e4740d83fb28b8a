// A log is kept in memory with the words of other programs' failures; what goes wrong
// here is a null pointer.
//
// must: null memory.read
// may: null.read memory.unmapped
// never: assert double-free stack-smash fortify heap.* abort exception.uncaught
// function: last_line
#include <sys/mman.h>
#include "lab.h"

struct log {
	char lines[8][96];
	int count;
	char *last;
};

APART static int last_line(const struct log *log)
{
	return log->last[0];
}

int main(void)
{
	static const char *const said[] = {
		"server: main.c:12: serve: Assertion `count > 0' failed.",
		"free(): double free detected in tcache 2",
		"*** stack smashing detected ***: terminated",
		"*** buffer overflow detected ***: terminated",
		"malloc(): corrupted top size",
		"terminate called after throwing an instance of 'std::bad_alloc'",
	};
	struct log *log = calloc(1, sizeof(*log));
	// As libc keeps its own: a mapping of its own, its size in front.
	unsigned *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 6; i++)
		strcpy(log->lines[i], said[i]);
	copy[1] = 1;
	strcpy((char *)(copy + 2), said[1]);
	return last_line(log);
}
