// The part of a core that explains a crash: stacks, what registers and pointers lead
// to, the data of modules, and the state of the allocator.
#pragma once

#include "keeper.h"

// Keep it, what matters most first, up to some 100 MiB; see keeper_keep() for errors.
void important_keep(struct keeper *keeper, const struct core_head *head);
