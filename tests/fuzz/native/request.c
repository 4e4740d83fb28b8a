// What the other end of a coredump socket may say, which should be the kernel.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request;
	int pair[2];

	if (size > 16 * 1024)
		return 0; // more than a socket holds
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	if (send(pair[1], data, size, 0) != (ssize_t)size && size)
		abort();
	// The answer still has somewhere to go.
	shutdown(pair[1], SHUT_WR);
	if (request_read(pair[0], &request) == 0)
		request_answer(pair[0], &request, REQUEST_KERNEL | REQUEST_WAIT);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
