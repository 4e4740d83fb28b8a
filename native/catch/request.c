#include "request.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kernel_log.h"

enum { PATIENCE = 10, SIZE_LIMIT = 4096 }; // seconds, bytes

struct answer {
	uint32_t size;
	uint32_t spare; // 0
	uint64_t mask;
};

// The kernel's reply, by number.
static const char *const marks[] = {"agreed", "the answer is too short",
				    "the answer is too long", "the answer is not supported",
				    "the answer contradicts itself"};

// Later reads of the core have a patience of their own: 0 seconds for none here.
static int limit_waiting(int connection, time_t seconds)
{
	struct timeval limit = {seconds, 0};

	if (setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	return 0;
}

static int receive(int connection, void *data, size_t size)
{
	char *bytes = data;

	for (size_t done = 0; done < size;) {
		ssize_t got = recv(connection, bytes + done, size - done, 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		done += got < 0 ? 0 : (size_t)got;
	}
	return 0;
}

// A later kernel may ask in more words, which are read and not understood.
static int receive_rest(int connection, size_t size)
{
	char rest[SIZE_LIMIT];

	return size ? receive(connection, rest, size) : 0;
}

int request_read(int connection, struct request *ret)
{
	int error = limit_waiting(connection, PATIENCE);

	*ret = (struct request){0};
	error = error ? error : receive(connection, &ret->size, sizeof(ret->size));
	if (error)
		return error;
	if (ret->size < sizeof(*ret) || ret->size > SIZE_LIMIT)
		return -EPROTO;
	size_t rest = sizeof(*ret) - offsetof(struct request, size_ack);
	error = receive(connection, &ret->size_ack, rest);
	error = error ? error : receive_rest(connection, ret->size - sizeof(*ret));
	if (error)
		return error;
	return ret->size_ack < sizeof(struct answer) ? -EPROTO : 0;
}

static int read_mark(int connection)
{
	uint32_t mark;
	int error = receive(connection, &mark, sizeof(mark));

	if (error || !mark)
		return error;
	if (mark < sizeof(marks) / sizeof(*marks))
		kernel_log("the kernel says: %s", marks[mark]);
	else
		kernel_log("the kernel gives an unknown reply, %u", mark);
	return -EPROTO;
}

int request_answer(int connection, const struct request *request, uint64_t mask)
{
	const struct answer answer = {.size = sizeof(answer), .mask = mask};

	if (mask & ~request->mask)
		return -ENOTSUP;
	// As small as it is, it goes whole or not at all.
	if (send(connection, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
		return -errno;
	int error = read_mark(connection);
	return error ? error : limit_waiting(connection, 0);
}
