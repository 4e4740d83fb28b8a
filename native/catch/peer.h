// The crashed process at the other end of a coredump socket.
#pragma once

#include "arguments.h"
#include "process.h"

// Find what core_pattern's arguments would have said, and hold the process. What is not
// certainly of that process is unknown. `executable`, of `size` bytes, is what a text
// points into; the settings' path stays. Returns 0, or -ENOTCONN if the peer is no
// process that dumps core, and the connection not the kernel's; then nothing is held.
int peer_find(int connection, char *executable, size_t size, struct arguments *ret_arguments,
	      struct process *ret_process);
