#include "link_map.h"

#include <elf.h>

#include "core_files.h"
#include "process_memory.h"

// The process chose what stands there, and may have made circles.
enum { MODULE_LIMIT = 1024, DYNAMIC_LIMIT = 512, HEADER_LIMIT = 64, NAME_SIZE = 256 };

// Members of struct link_map (link.h), in words.
enum { LINK_NAME = 1, LINK_DYNAMIC = 2, LINK_NEXT = 3, LINK_WORDS = 5 };

static bool read_word(const struct keeper *keeper, const struct core_head *head,
		      uint64_t address, uint64_t *ret)
{
	return !process_memory_word(keeper->memory, head, address, ret);
}

// Members of a program header that lie at different places in ELF32 and ELF64.
static uint64_t find_dynamic(const struct keeper *keeper, const struct core_head *head)
{
	uint64_t at = core_auxiliary(head, AT_PHDR), count = core_auxiliary(head, AT_PHNUM);
	uint64_t bias = 0, dynamic = 0;
	size_t size = head->is_elf32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	union {
		Elf64_Phdr wide;
		Elf32_Phdr narrow;
	} header;

	for (uint64_t i = 0; i < count && i < HEADER_LIMIT; i++) {
		uint64_t from = at + i * size;
		if (from > INT64_MAX ||
		    process_memory_read(keeper->memory, &header, size, from) != (ssize_t)size)
			break;
		uint64_t start = head->is_elf32 ? header.narrow.p_vaddr : header.wide.p_vaddr;
		if (header.wide.p_type == PT_PHDR)
			bias = at - start;
		if (header.wide.p_type == PT_DYNAMIC)
			dynamic = start;
	}
	return dynamic ? dynamic + bias : 0;
}

// Address of the struct r_debug, 0 without one.
static uint64_t find_debug(const struct keeper *keeper, const struct core_head *head)
{
	uint64_t dynamic = find_dynamic(keeper, head), tag, value;
	size_t word = core_head_word_size(head);

	for (unsigned i = 0; dynamic && i < DYNAMIC_LIMIT; i++, dynamic += 2 * word) {
		if (!read_word(keeper, head, dynamic, &tag) || tag == DT_NULL ||
		    !read_word(keeper, head, dynamic + word, &value))
			break;
		if (tag == DT_DEBUG)
			return value;
	}
	return 0;
}

void link_map_keep(struct keeper *keeper, const struct core_head *head)
{
	size_t word = core_head_word_size(head);
	uint64_t debug = find_debug(keeper, head), at, value;

	keeper_keep(keeper, core_auxiliary(head, AT_PHDR), HEADER_LIMIT * sizeof(Elf64_Phdr));
	if (!debug || !read_word(keeper, head, debug + word, &at))
		return;
	keeper_keep(keeper, debug, 5 * word);
	for (unsigned i = 0; at && i < MODULE_LIMIT && !keeper->error; i++) {
		keeper_keep(keeper, at, LINK_WORDS * word);
		if (read_word(keeper, head, at + LINK_NAME * word, &value))
			keeper_keep(keeper, value, NAME_SIZE);
		if (read_word(keeper, head, at + LINK_DYNAMIC * word, &value))
			keeper_keep(keeper, value, 1);
		if (!read_word(keeper, head, at + LINK_NEXT * word, &at))
			break;
	}
}
