// The front of a core: ELF header, program headers and notes, before any memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf_notes.h"
#include "patience.h"

// Bytes of the front that are held. The first thread's notes, the auxiliary vector
// and the list of mapped files (core_file_note_size_limit: 4 MiB by default) come
// first, so that what is beyond are registers of further threads.
enum { CORE_HEAD_LIMIT = 8 * 1024 * 1024 };

struct core_segment {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;   // bytes in the file
	uint64_t memory; // bytes in memory
};

struct core_head {
	const uint8_t *data; // what was read: the core's first `size` bytes
	size_t size;
	bool is_core;  // an ELF core of this byte order, with all its program headers
	bool is_elf32; // else ELF64
	uint16_t machine;
	uint32_t segment_count; // 0 unless `is_core`
	size_t segments;      // offset of the program headers
	uint64_t memory;      // offset of the first byte of memory
	uint64_t end;         // offset where the last segment's bytes end
	uint8_t *buffer;      // address space for CORE_HEAD_LIMIT bytes
};

// Read from the pipe up to the memory, or up to the limit. Returns 0 also for what is
// no core, then `data` holds what came so far; -errno if reading failed, or like
// patience_check_front().
int core_head_init(int pipe, struct patience *patience, struct core_head *ret);
void core_head_deinit(struct core_head *head);

// Program header number `index`, below `segment_count`.
void core_head_segment(const struct core_head *head, uint32_t index,
		       struct core_segment *ret);

struct core_note {
	const uint8_t *data; // its description
	size_t size;
};

// All notes of a type and owner within the bytes that are held, `limit` at most.
// Returns how many.
size_t core_head_notes(const struct core_head *head, const char *owner, uint32_t type,
		       struct core_note *ret, size_t limit);

// First note of a type and owner within the bytes that are held: its description and
// size, or NULL.
const uint8_t *core_head_note(const struct core_head *head, const char *owner,
			      uint32_t type, size_t *ret_size);

// A `long` of the crashed process at `data`.
uint64_t core_head_word(const struct core_head *head, const uint8_t *data);
size_t core_head_word_size(const struct core_head *head);
