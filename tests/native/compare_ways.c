// A core handler that gets one core by both ways, for a test to compare.
//
//     compare_ways DIRECTORY %P %I
//
// Writes DIRECTORY/memory through /proc/PID/{pagemap,mem}, then DIRECTORY/pipe from
// the pipe, byte by byte, and at last DIRECTORY/result, the error of the former.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catch/core_head.h"
#include "catch/memory_fetch.h"

static int create(const char *directory, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

static struct patience patience;

static int fetch(const struct core_head *head, const struct process *process, int fd)
{
	struct space space = {fd, 0, 0};
	struct sparse_writer writer;
	int error = sparse_writer_init(&writer, fd, UINT64_MAX);

	if (!error)
		error = sparse_writer_append(&writer, head->data, head->size);
	if (!error)
		error = memory_fetch(head, process, &space, &patience, &writer);
	if (!error)
		error = sparse_writer_finish(&writer);
	sparse_writer_deinit(&writer);
	return error;
}

static int copy(const struct core_head *head, int fd)
{
	static char buffer[65536];
	ssize_t got;

	if (write(fd, head->data, head->size) != (ssize_t)head->size)
		return 1;
	while ((got = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
		if (write(fd, buffer, (size_t)got) != got)
			return 1;
	return got < 0;
}

int main(int argc, char **argv)
{
	struct core_head head;
	struct process process;

	// 1 and 2 are closed: no file of ours may become one of them.
	for (int fd = 0; fd <= STDERR_FILENO;)
		fd = open("/dev/null", O_RDWR);
	patience_init(0, 0, &patience);
	if (argc < 4 || process_open(atoll(argv[2]), atoll(argv[3]), -1, &process) ||
	    core_head_init(STDIN_FILENO, &patience, &head))
		return 1;
	int result = create(argv[1], "result.new");
	int error = fetch(&head, &process, create(argv[1], "memory"));
	int copied = copy(&head, create(argv[1], "pipe"));
	dprintf(result, "%d %d\n", error, copied);
	fsync(result);
	char from[4096], to[4096];
	snprintf(from, sizeof(from), "%s/result.new", argv[1]);
	snprintf(to, sizeof(to), "%s/result", argv[1]);
	return rename(from, to);
}
