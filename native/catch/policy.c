#include "policy.h"

#include <stddef.h>

const char *const rung_names[] = {"full", "stacks", "notes", "record", "nothing", NULL};
