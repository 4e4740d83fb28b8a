// Walks the notes of an ELF file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One note; offsets count from the start of the note data.
struct elf_note {
	uint64_t name_offset;
	uint64_t description_offset;
	uint32_t name_size; // as stored: the terminating NUL included
	uint32_t description_size;
	uint32_t type;
};

// Read up to `capacity` notes from `*position` on, and move it behind them.
//
// A note is the same in ELF32 and ELF64: three 32-bit words (name size, description
// size, type), name, padding, description, padding. The gABI asks for padding to 8
// in ELF64; what everyone writes is 4, and 8 only where PT_NOTE or SHT_NOTE itself
// says 8 (NT_GNU_PROPERTY_TYPE_0, linux-abi). So `align` is p_align, and every value
// but 8 means 4: the kernel's cores had p_align 0 for decades (fs/binfmt_elf.c,
// fill_elf_note_phdr, before v6.9).
//
// Returns 0 with `ret` notes; fewer than `capacity` of them means the end.
// Returns -EBADMSG, with the notes before it in `ret`, at a note that does not fit
// into `size`. The padding behind the last description may be missing, and fewer
// than 12 zero bytes may follow it.
int elf_notes_walk(const void *data, size_t size, uint32_t align, bool big_endian,
		   struct elf_note *notes, size_t capacity, size_t *position,
		   size_t *ret);
