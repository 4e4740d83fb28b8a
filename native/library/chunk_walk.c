#include "chunk_walk.h"

#include <string.h>

enum {
	PREVIOUS_IN_USE = 1,
	FLAGS = 7,
};

struct header {
	uint64_t previous; // size of the chunk below, if that is free
	uint64_t size;	   // with flags
};

static inline uint64_t read_word(const struct chunk_walk *walk, const uint8_t *data)
{
	bool swapped = walk->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);

	if (walk->narrow) {
		uint32_t word;
		memcpy(&word, data, sizeof(word));
		return swapped ? __builtin_bswap32(word) : word;
	}
	uint64_t word;
	memcpy(&word, data, sizeof(word));
	return swapped ? __builtin_bswap64(word) : word;
}

static inline size_t header_size(const struct chunk_walk *walk)
{
	return walk->narrow ? 8 : 16;
}

// The header at `at`; false if it is not in the data.
static inline bool read_header(const struct chunk_walk *walk, const uint8_t *data,
			       size_t size, uint64_t address, uint64_t at,
			       struct header *ret)
{
	size_t width = header_size(walk);

	if (at < address || size < width || at - address > size - width)
		return false;
	data += at - address;
	ret->previous = read_word(walk, data);
	ret->size = read_word(walk, data + width / 2);
	return true;
}

// The flag of the chunk before it says nothing about a fence.
static inline bool is_fence(const struct chunk_walk *walk, uint64_t word)
{
	return (word & ~(uint64_t)PREVIOUS_IN_USE) == header_size(walk);
}

static inline bool is_previous_right(const struct header *header, uint64_t size)
{
	return size == 0 || header->size & PREVIOUS_IN_USE || header->previous == size;
}

static inline bool is_size_right(const struct chunk_walk *walk, uint64_t at, uint64_t word)
{
	uint64_t size = word & ~(uint64_t)FLAGS;

	return !(word & walk->bad_flags) && size >= walk->minimum &&
	       size % walk->alignment == 0 && at <= walk->stop && size <= walk->stop - at;
}

static inline bool is_cached(struct chunk_walk *walk, uint64_t block)
{
	while (walk->cached_at < walk->cached_count && walk->cached[walk->cached_at] < block)
		walk->cached_at++;
	return walk->cached_at < walk->cached_count && walk->cached[walk->cached_at] == block;
}

// The chunk before `at` is free or not, by the flag of the header at `at`.
static inline void count(struct chunk_walk *walk, uint64_t word)
{
	if (walk->size == 0)
		return;
	if (!(word & PREVIOUS_IN_USE)) {
		walk->freed++;
		walk->freed_bytes += walk->size;
	} else if (is_cached(walk, walk->at - walk->size + header_size(walk))) {
		walk->waiting++;
		walk->waiting_bytes += walk->size;
	} else {
		walk->used++;
		walk->used_bytes += walk->size;
	}
}

static inline void mark(struct chunk_walk *walk)
{
	uint64_t granule = (walk->at - walk->base) >> walk->shift;

	if (granule < walk->mark_count && walk->marks[granule] == 0)
		walk->marks[granule] = walk->at;
}

int chunk_walk_run(struct chunk_walk *walk, const void *data, size_t size, uint64_t address)
{
	struct header header;

	for (;;) {
		if (walk->at == walk->stop && !walk->last_has_header) {
			count(walk, PREVIOUS_IN_USE);
			return CHUNK_WALK_STOP;
		}
		if (!read_header(walk, data, size, address, walk->at, &header))
			return CHUNK_WALK_OUTSIDE;
		if (!is_previous_right(&header, walk->size))
			return CHUNK_WALK_PREVIOUS;
		if (walk->at == walk->stop) {
			count(walk, header.size);
			return CHUNK_WALK_STOP;
		}
		if (is_fence(walk, header.size)) {
			count(walk, header.size);
			return CHUNK_WALK_FENCE;
		}
		if (!is_size_right(walk, walk->at, header.size))
			return CHUNK_WALK_SIZE;
		count(walk, header.size);
		mark(walk);
		walk->size = header.size & ~(uint64_t)FLAGS;
		walk->at += walk->size;
	}
}

// Whether `wanted` chunks follow each other from `at` on.
static bool is_chain(const struct chunk_walk *walk, const uint8_t *data, size_t size,
		     uint64_t address, uint64_t at, unsigned wanted, uint64_t *budget)
{
	uint64_t before = 0;
	struct header header;

	for (unsigned i = 0; i <= wanted; i++) {
		if (*budget == 0 || at > walk->stop)
			return false;
		if (at == walk->stop && !walk->last_has_header)
			return i > 0;
		if (!read_header(walk, data, size, address, at, &header))
			return false;
		--*budget;
		if (!is_previous_right(&header, before))
			return false;
		if (at == walk->stop || is_fence(walk, header.size))
			return i > 0;
		if (!is_size_right(walk, at, header.size))
			return false;
		before = header.size & ~(uint64_t)FLAGS;
		at += before;
	}
	return true;
}

uint64_t chunk_walk_find(const struct chunk_walk *walk, const void *data, size_t size,
			 uint64_t address, uint64_t from, unsigned wanted,
			 uint64_t *budget)
{
	for (; from < walk->stop && *budget > 0; from += walk->alignment) {
		if (from < address || from - address >= size)
			return 0;
		if (is_chain(walk, data, size, address, from, wanted, budget))
			return from;
	}
	return 0;
}
