// The dynamic linker's list of modules, which debuggers read first.
#pragma once

#include "keeper.h"

// Keep the list that the executable's DT_DEBUG leads to, with names.
void link_map_keep(struct keeper *keeper, const struct core_head *head);
