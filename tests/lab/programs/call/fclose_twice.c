// A log file is closed by its owner and by an exit handler: libc frees its memory twice.
//
// must: double-free|use-after-free
// may: abort call-contract double-free use-after-free memory.* noncanonical
//     invalid-pointer
// never: null heap.overflow
// function: close_log
// only: glibc
#include "lab.h"

static FILE *log_file;

APART static void close_log(void)
{
	fputs("closed\n", log_file);
	fclose(log_file);
}

int main(void)
{
	log_file = fopen("/dev/null", "w");
	atexit(close_log);
	fputs("opened\n", log_file);
	fclose(log_file);
	return 0;
}
