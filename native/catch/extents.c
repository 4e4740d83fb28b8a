#include "extents.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int extents_init(size_t limit, struct extents *ret)
{
	*ret = (struct extents){.limit = limit};
	ret->list = mmap(NULL, limit * sizeof(*ret->list), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ret->list == MAP_FAILED) {
		*ret = (struct extents){0};
		return -ENOMEM;
	}
	return 0;
}

void extents_deinit(struct extents *extents)
{
	if (extents->list)
		munmap(extents->list, extents->limit * sizeof(*extents->list));
	*extents = (struct extents){0};
}

size_t extents_after(const struct extents *extents, uint64_t address)
{
	size_t low = 0, high = extents->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct extent *extent = &extents->list[middle];
		if (extent->address + extent->size <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool continues(const struct extent *first, const struct extent *second)
{
	return first->address + first->size == second->address &&
	       first->offset + first->size == second->offset;
}

int extents_add(struct extents *extents, struct extent extent)
{
	size_t at = extents_after(extents, extent.address);
	struct extent *list = extents->list;

	if (at < extents->count && continues(&extent, &list[at])) {
		list[at].address = extent.address;
		list[at].offset = extent.offset;
		list[at].size += extent.size;
		if (at && continues(&list[at - 1], &list[at])) {
			list[at - 1].size += list[at].size;
			extents->count--;
			memmove(&list[at], &list[at + 1],
				(extents->count - at) * sizeof(*list));
		}
		return 0;
	}
	if (at && continues(&list[at - 1], &extent)) {
		list[at - 1].size += extent.size;
		return 0;
	}
	if (extents->count == extents->limit)
		return -E2BIG;
	memmove(&list[at + 1], &list[at], (extents->count - at) * sizeof(*list));
	list[at] = extent;
	extents->count++;
	return 0;
}
