// Finds zero pages at memory speed.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Say whether all `size` bytes at `data` are zero.
bool zero_scan_is_zero(const void *data, size_t size);

// Length of the first run of pages of one kind, zero or not, in `size` bytes.
// Pages are counted from `data`; the last one may be short. `ret` says which kind.
size_t zero_scan_run(const void *data, size_t size, size_t page_size, bool *ret);
