#include "core_head.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { BIG_ENDIAN_HERE = 0, ELF_DATA_HERE = ELFDATA2LSB };
#else
enum { BIG_ENDIAN_HERE = 1, ELF_DATA_HERE = ELFDATA2MSB };
#endif

enum { NOTE_BATCH = 64 };

// Read until `size` bytes are held, or the pipe ends.
static int read_to(int pipe, size_t size, struct patience *patience,
		   struct core_head *head)
{
	while (head->size < size) {
		ssize_t got = read(pipe, head->buffer + head->size, size - head->size);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 0;
		head->size += got < 0 ? 0 : (size_t)got;
		if (got > 0)
			patience_progress(patience);
		int error = patience_check_front(patience);
		if (error)
			return error;
	}
	return 0;
}

// Take from the ELF header where the program headers are; false if it is no core.
static bool parse_header(struct core_head *head, uint32_t *ret_count)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;

	if (head->size < sizeof(wide) || memcmp(head->data, ELFMAG, SELFMAG) ||
	    head->data[EI_DATA] != ELF_DATA_HERE)
		return false;
	head->is_elf32 = head->data[EI_CLASS] == ELFCLASS32;
	memcpy(&wide, head->data, sizeof(wide));
	memcpy(&narrow, head->data, sizeof(narrow));
	head->machine = wide.e_machine;
	head->segments = head->is_elf32 ? narrow.e_phoff : wide.e_phoff;
	*ret_count = head->is_elf32 ? narrow.e_phnum : wide.e_phnum;
	// The true number of more than 65534 headers comes behind the memory
	// (fs/binfmt_elf.c, fill_extnum_info), too late for a pipe.
	return wide.e_type == ET_CORE && *ret_count != PN_XNUM &&
	       (head->is_elf32 ? narrow.e_phentsize == sizeof(Elf32_Phdr)
			       : wide.e_phentsize == sizeof(Elf64_Phdr));
}

static size_t segment_size(const struct core_head *head)
{
	return head->is_elf32 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
}

static void find_extents(struct core_head *head)
{
	struct core_segment segment;

	head->memory = UINT64_MAX;
	for (uint32_t i = 0; i < head->segment_count; i++) {
		uint64_t end;
		core_head_segment(head, i, &segment);
		if (__builtin_add_overflow(segment.offset, segment.size, &end))
			end = UINT64_MAX;
		if (segment.type == PT_LOAD && segment.size && segment.offset < head->memory)
			head->memory = segment.offset;
		if (segment.size && end > head->end)
			head->end = end;
	}
	if (head->memory > head->end)
		head->memory = head->end;
}

int core_head_init(int pipe, struct patience *patience, struct core_head *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->buffer = mmap(NULL, CORE_HEAD_LIMIT, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ret->buffer == MAP_FAILED) {
		ret->buffer = NULL;
		return -ENOMEM;
	}
	ret->data = ret->buffer;
	uint32_t count = 0;
	int error = read_to(pipe, sizeof(Elf64_Ehdr), patience, ret);
	if (error || !parse_header(ret, &count))
		return error;
	size_t table = count * segment_size(ret);
	if (ret->segments > CORE_HEAD_LIMIT - table)
		return 0;
	error = read_to(pipe, ret->segments + table, patience, ret);
	if (error || ret->size < ret->segments + table)
		return error;
	ret->is_core = true;
	ret->segment_count = count;
	find_extents(ret);
	return read_to(pipe, ret->memory < CORE_HEAD_LIMIT ? ret->memory : CORE_HEAD_LIMIT,
		       patience, ret);
}

void core_head_deinit(struct core_head *head)
{
	if (head->buffer)
		munmap(head->buffer, CORE_HEAD_LIMIT);
	head->buffer = NULL;
}

void core_head_segment(const struct core_head *head, uint32_t index,
		       struct core_segment *ret)
{
	const uint8_t *at = head->data + head->segments + index * segment_size(head);
	Elf64_Phdr wide;
	Elf32_Phdr narrow;

	if (head->is_elf32) {
		memcpy(&narrow, at, sizeof(narrow));
		*ret = (struct core_segment){narrow.p_type, narrow.p_flags, narrow.p_offset,
					     narrow.p_vaddr, narrow.p_filesz,
					     narrow.p_memsz};
	} else {
		memcpy(&wide, at, sizeof(wide));
		*ret = (struct core_segment){wide.p_type, wide.p_flags, wide.p_offset,
					     wide.p_vaddr, wide.p_filesz,
					     wide.p_memsz};
	}
}

// Bytes of a segment that are held.
static const uint8_t *held(const struct core_head *head, const struct core_segment *segment,
			   size_t *ret_size)
{
	if (segment->offset >= head->size)
		return NULL;
	uint64_t size = head->size - segment->offset;
	*ret_size = (size_t)(segment->size < size ? segment->size : size);
	return head->data + segment->offset;
}

static bool is_note(const uint8_t *data, const struct elf_note *note, const char *owner,
		    uint32_t type)
{
	size_t size = strlen(owner) + 1;

	return note->type == type && note->name_size == size &&
	       !memcmp(data + note->name_offset, owner, size);
}

static size_t find_notes(const uint8_t *data, size_t size, const char *owner, uint32_t type,
			 struct core_note *ret, size_t limit)
{
	struct elf_note notes[NOTE_BATCH];
	size_t position = 0, found = NOTE_BATCH, count = 0;
	int error = 0;

	while (!error && found == NOTE_BATCH) {
		error = elf_notes_walk(data, size, 4, BIG_ENDIAN_HERE, notes, NOTE_BATCH,
				       &position, &found);
		for (size_t i = 0; i < found && count < limit; i++)
			if (is_note(data, &notes[i], owner, type))
				ret[count++] = (struct core_note){
					data + notes[i].description_offset,
					notes[i].description_size,
				};
		if (count == limit)
			break;
	}
	return count;
}

size_t core_head_notes(const struct core_head *head, const char *owner, uint32_t type,
		       struct core_note *ret, size_t limit)
{
	struct core_segment segment;
	size_t size, count = 0;

	for (uint32_t i = 0; i < head->segment_count && count < limit; i++) {
		core_head_segment(head, i, &segment);
		if (segment.type != PT_NOTE)
			continue;
		const uint8_t *notes = held(head, &segment, &size);
		if (notes)
			count += find_notes(notes, size, owner, type, ret + count,
					    limit - count);
	}
	return count;
}

const uint8_t *core_head_note(const struct core_head *head, const char *owner,
			      uint32_t type, size_t *ret_size)
{
	struct core_note note;

	if (!core_head_notes(head, owner, type, &note, 1))
		return NULL;
	*ret_size = note.size;
	return note.data;
}

size_t core_head_word_size(const struct core_head *head)
{
	return head->is_elf32 ? sizeof(uint32_t) : sizeof(uint64_t);
}

uint64_t core_head_word(const struct core_head *head, const uint8_t *data)
{
	uint64_t wide;
	uint32_t narrow;

	memcpy(&narrow, data, sizeof(narrow));
	if (head->is_elf32)
		return narrow;
	memcpy(&wide, data, sizeof(wide));
	return wide;
}
