// Keeps of an environment only what the administrator allows.
#pragma once

#include <stddef.h>

// Say whether a variable, `size` bytes of `NAME=value`, is in `allowed`: names with
// commas between them, `*` at the end of one stands for anything.
int environment_allows(const char *allowed, const char *variable, size_t size);

// Drop from a NUL-separated environment what is not allowed, in place. Returns what
// is left, bytes. A last variable without NUL was cut and is dropped too.
size_t environment_filter(const char *allowed, char *environment, size_t size);
