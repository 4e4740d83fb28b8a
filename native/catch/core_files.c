#include "core_files.h"

#include <elf.h>
#include <errno.h>

#ifndef NT_FILE
enum { NT_FILE = 0x46494c45 };
#endif

static uint64_t file_word(const struct core_files *files, size_t file, size_t word)
{
	size_t size = core_head_word_size(files->head);

	return core_head_word(files->head, files->list + (3 * file + word) * size);
}

uint64_t core_auxiliary(const struct core_head *head, uint64_t type)
{
	size_t size, word = core_head_word_size(head);
	const uint8_t *vector = core_head_note(head, "CORE", NT_AUXV, &size);

	for (size_t at = 0; vector && at + 2 * word <= size; at += 2 * word)
		if (core_head_word(head, vector + at) == type)
			return core_head_word(head, vector + at + word);
	return 0;
}

// NT_FILE: count, page size, then three words for each file (fs/binfmt_elf.c,
// fill_files_note).
static int find_files(struct core_files *files)
{
	size_t size, word = core_head_word_size(files->head);
	const uint8_t *note = core_head_note(files->head, "CORE", NT_FILE, &size);

	if (!note || size < 2 * word)
		return -ENOTSUP;
	uint64_t count = core_head_word(files->head, note);
	if (count > (size - 2 * word) / (3 * word))
		return -ENOTSUP;
	files->list = note + 2 * word;
	for (size_t i = 1; i < count; i++)
		if (file_word(files, i - 1, 1) > file_word(files, i, 0))
			return -ENOTSUP;
	files->count = (size_t)count;
	return 0;
}

int core_files_init(const struct core_head *head, struct core_files *ret)
{
	*ret = (struct core_files){.head = head};
	ret->vdso = core_auxiliary(head, AT_SYSINFO_EHDR);
	return find_files(ret);
}

bool core_files_find(const struct core_files *files, uint64_t address,
		     struct core_file *ret)
{
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (file_word(files, middle, 1) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == files->count || file_word(files, low, 0) > address)
		return false;
	*ret = (struct core_file){file_word(files, low, 0), file_word(files, low, 1),
				  file_word(files, low, 2)};
	return true;
}
