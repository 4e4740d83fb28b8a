// For tests that speak as the kernel does: whoever connects is the process that crashed.
#include <sys/socket.h>

#include "peer.h"

int __wrap_peer_find(int connection, char *executable, size_t size,
		     struct arguments *ret_arguments, struct process *ret_process);

int __wrap_peer_find(int connection, char *executable, size_t size,
		     struct arguments *ret_arguments, struct process *ret_process)
{
	const char *settings = ret_arguments->settings;
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	(void)executable, (void)size;
	getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	arguments_init(ret_arguments);
	ret_arguments->settings = settings;
	ret_arguments->pid = ret_arguments->tid = peer.pid;
	ret_arguments->signal = 11;
	process_open(peer.pid, peer.pid, NO_NUMBER, ret_process);
	return 0;
}
