#include "elf_notes.h"

#include <errno.h>

#include "zero_scan.h"

enum { HEADER_SIZE = 12 };

static uint32_t read_word(const uint8_t *at, bool big_endian)
{
	if (big_endian)
		return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
		       (uint32_t)at[2] << 8 | at[3];
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 |
	       at[0];
}

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

// Sizes are 32-bit words, so no sum here can overflow 64 bits.
static int read_note(const uint8_t *data, size_t size, uint64_t align, bool big_endian,
		     size_t position, struct elf_note *ret)
{
	if (size - position < HEADER_SIZE)
		return -EBADMSG;
	ret->name_size = read_word(data + position, big_endian);
	ret->description_size = read_word(data + position + 4, big_endian);
	ret->type = read_word(data + position + 8, big_endian);
	ret->name_offset = (uint64_t)position + HEADER_SIZE;
	ret->description_offset = align_up(ret->name_offset + ret->name_size, align);
	// The padding of an empty description at the very end may be missing too.
	if (!ret->description_size && ret->description_offset > size &&
	    ret->name_offset + ret->name_size <= size)
		ret->description_offset = size;
	if (ret->description_offset + ret->description_size > size)
		return -EBADMSG;
	return 0;
}

int elf_notes_walk(const void *data, size_t size, uint32_t align, bool big_endian,
		   struct elf_note *notes, size_t capacity, size_t *position,
		   size_t *ret)
{
	const uint8_t *bytes = data;
	uint64_t padding = align == 8 ? 8 : 4;

	*ret = 0;
	while (*ret < capacity && *position < size) {
		struct elf_note *note = &notes[*ret];
		size_t left = size - *position;

		if (left < HEADER_SIZE && zero_scan_is_zero(bytes + *position, left)) {
			*position = size;
			break;
		}
		int error = read_note(bytes, size, padding, big_endian, *position, note);
		if (error)
			return error;
		uint64_t next = align_up(
			note->description_offset + note->description_size, padding);
		*position = next < size ? (size_t)next : size;
		++*ret;
	}
	return 0;
}
