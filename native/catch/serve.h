// The second front door: a listening socket that the kernel sends cores to, served by a
// process that stays, with a child for each crash.
#pragma once

#include "arguments.h"

// Serve `listener` until SIGTERM, or until nobody holds the other end of `warden`, which
// is told by one byte that we are there. Then core_pattern, if it is still
// `arguments->door`, becomes `arguments->way_back`, and what has come is served to its
// end. Returns 0 or -errno if it cannot serve.
int serve(const struct arguments *arguments, int listener, int warden);
