// The plain way: everything that the kernel pushes through the pipe.
#pragma once

#include "patience.h"
#include "space.h"
#include "sparse_writer.h"

// Let the kernel write ahead of us by up to 1 MiB, if it permits. Only once nothing
// more is wanted from /proc: without kernel.core_pipe_limit a process is gone as soon
// as the rest of its core fits into the pipe.
void core_stream_enlarge(int pipe);

// Append the pipe to its end. -EDQUOT at the quota, like patience_check() if the core
// has to end here, -ENOSPC and others from storing.
int core_stream_copy(int pipe, struct space *space, struct patience *patience,
		     struct sparse_writer *writer);

// Throw the rest of the pipe away. Linux does not need it: the parent is told of a
// dumped core however early the pipe is closed (measured on 6.18; elf_core_dump() has
// called it dumped before its first write since 2.6). Returns 0 at the end of the pipe.
int core_stream_drain(int pipe, struct patience *patience);
