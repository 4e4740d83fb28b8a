// Which addresses of the crashed process belong to a file, by the core's own notes.
#pragma once

#include "core_head.h"

struct core_files {
	const struct core_head *head;
	const uint8_t *list; // NT_FILE: {start, end, offset} of each mapped file
	size_t count;
	uint64_t vdso; // AT_SYSINFO_EHDR, 0 without one
};

struct core_file {
	uint64_t start;
	uint64_t end;
	uint64_t offset; // in pages of the file
};

// Returns -ENOTSUP without the note, or if it is not in the order of addresses, as it
// is not when kernel.core_sort_vma is set; then there are no files.
int core_files_init(const struct core_head *head, struct core_files *ret);

// Find the file that is mapped at an address.
bool core_files_find(const struct core_files *files, uint64_t address,
		     struct core_file *ret);

// Value of an entry of the auxiliary vector, 0 without it.
uint64_t core_auxiliary(const struct core_head *head, uint64_t type);
