// A function that takes a lock calls another one that takes it, too.
//
// must: deadlock signal.sent
// may: abort hang
// never: memory.* null* heap.* assert
// function: log_line
// kind: aborted
// by: signal SIGABRT
#include <pthread.h>
#include "lab.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char lines[16][80];
static int count;

APART static void log_line(const char *line)
{
	pthread_mutex_lock(&lock);
	snprintf(lines[count++ % 16], 80, "%s", line);
	pthread_mutex_unlock(&lock);
}

APART static void flush(void)
{
	pthread_mutex_lock(&lock);
	if (count > 3) {
		tell_ready();
		log_line("flushing");
	}
	count = 0;
	pthread_mutex_unlock(&lock);
}

int main(void)
{
	for (int i = 0; i < 4; i++)
		log_line("a line");
	flush();
	return 0;
}
