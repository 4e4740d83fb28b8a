// The input of a target as a file without a name.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Returns a descriptor at the file's start; ends the program if there is none.
int input_file(const uint8_t *data, size_t size);
