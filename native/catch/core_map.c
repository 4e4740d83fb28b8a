#include "core_map.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int compare(const void *first, const void *second)
{
	const struct core_segment *a = first, *b = second;

	return (a->address > b->address) - (a->address < b->address);
}

// They are sorted but for kernel.core_sort_vma.
static void sort(struct core_map *map)
{
	for (size_t i = 1; i < map->count; i++) {
		if (map->list[i - 1].address > map->list[i].address) {
			qsort(map->list, map->count, sizeof(*map->list), compare);
			return;
		}
	}
}

// A core that the kernel has written is made of pages, each there once. Addresses of
// the kernel's half (x86's vsyscall) cannot be read by anybody.
static bool is_usable(const struct core_segment *segment, uint64_t page_size)
{
	uint64_t last, end;

	return segment->size && !(segment->address % page_size) &&
	       !(segment->size % page_size) &&
	       !__builtin_add_overflow(segment->address, segment->size - 1, &last) &&
	       !__builtin_add_overflow(segment->offset, segment->size, &end) &&
	       last <= INT64_MAX && end <= INT64_MAX;
}

static void fill(const struct core_head *head, struct core_map *map)
{
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);

	for (uint32_t i = 0; i < head->segment_count; i++) {
		struct core_segment *segment = &map->list[map->count];
		core_head_segment(head, i, segment);
		if (segment->type == PT_LOAD && is_usable(segment, page_size))
			map->count++;
	}
}

int core_map_init(const struct core_head *head, struct core_map *ret)
{
	*ret = (struct core_map){.size = (head->segment_count + 1) * sizeof(*ret->list)};
	ret->list = mmap(NULL, ret->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ret->list == MAP_FAILED) {
		*ret = (struct core_map){0};
		return -ENOMEM;
	}
	fill(head, ret);
	sort(ret);
	for (size_t i = 1; i < ret->count; i++) {
		const struct core_segment *before = &ret->list[i - 1];
		if (before->address + before->size > ret->list[i].address) {
			core_map_deinit(ret);
			return -ENOTSUP;
		}
	}
	return 0;
}

void core_map_deinit(struct core_map *map)
{
	if (map->list)
		munmap(map->list, map->size);
	*map = (struct core_map){0};
}

size_t core_map_after(const struct core_map *map, uint64_t address)
{
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct core_segment *segment = &map->list[middle];
		if (segment->address + segment->size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct core_segment *core_map_find(const struct core_map *map, uint64_t address)
{
	size_t at = core_map_after(map, address);

	return at < map->count && map->list[at].address <= address ? &map->list[at] : NULL;
}
