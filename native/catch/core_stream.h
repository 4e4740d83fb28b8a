// The plain way: everything that the kernel pushes through the pipe.
#pragma once

#include "space.h"
#include "sparse_writer.h"

// Let the kernel write ahead of us by up to 1 MiB, if it permits. Only once nothing
// more is wanted from /proc: without kernel.core_pipe_limit a process is gone as soon
// as the rest of its core fits into the pipe.
void core_stream_enlarge(int pipe);

// Append the pipe to its end. -EDQUOT at the quota, -ETIMEDOUT if nothing came for
// half a minute, -ENOSPC and others from storing.
int core_stream_copy(int pipe, struct space *space, struct sparse_writer *writer);

// Throw the rest of the pipe away, so that the kernel can finish what it calls a
// dumped core. Returns 0 at the end of the pipe.
int core_stream_drain(int pipe);
