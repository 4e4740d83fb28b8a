// A stream whose jump table something wrote over: libc does not trust it.
//
// must: fatal
// may: abort security
// never: memory.* null* heap.* double-free use-after-free assert
// function: log_line
#include "lab.h"

struct sink {
	char name[16];
	FILE *file;
};

static void *own_table[21];

APART static void log_line(struct sink *sink, const char *line)
{
	fputs(line, sink->file);
	fflush(sink->file);
}

int main(void)
{
	struct sink sink = { "log", fopen("/dev/null", "w") };

	log_line(&sink, "first\n");
	// Where struct _IO_FILE_plus has it, behind the 216 bytes of struct _IO_FILE.
	memcpy((char *)hidden(sink.file) + 216, &(void *){ own_table }, sizeof(void *));
	log_line(&sink, "second\n");
	return 0;
}
