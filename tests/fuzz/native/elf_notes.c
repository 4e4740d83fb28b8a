// Notes of either byte order; the first byte says which, and the alignment.
#include <errno.h>
#include <stdlib.h>

#include "elf_notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_note notes[4];
	size_t position = 0, count = 4;
	int error = 0;

	if (size == 0)
		return 0;
	while (error == 0 && count == 4) {
		size_t before = position;

		error = elf_notes_walk(data + 1, size - 1, data[0] & 1 ? 8 : 4,
				       data[0] & 2, notes, 4, &position, &count);
		if (position > size - 1 || position < before || (error && error != -EBADMSG))
			abort();
		for (size_t i = 0; i < count; i++) {
			if (notes[i].name_offset + notes[i].name_size > size - 1 ||
			    notes[i].description_offset + notes[i].description_size > size - 1)
				abort();
		}
	}
	return 0;
}
