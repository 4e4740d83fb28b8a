#include "pointer_scan.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK = 32, // words that are compared before anything is decided
	GRANULES_WANTED = 2 * POINTER_SCAN_SPANS, // a thirty-second of the bits
	LEAST_SHIFT = 4, // what malloc hands out is aligned to 16 bytes
};

typedef uint64_t (*word_read)(const uint8_t *data);

static inline uint64_t read_64(const uint8_t *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static inline uint64_t read_32(const uint8_t *data)
{
	uint32_t word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static inline uint64_t read_swapped_64(const uint8_t *data)
{
	return __builtin_bswap64(read_64(data));
}

static inline uint64_t read_swapped_32(const uint8_t *data)
{
	return __builtin_bswap32((uint32_t)read_32(data));
}

static inline size_t granule_bit(uint64_t granule)
{
	// Fibonacci hashing: the top bits of the product.
	return (size_t)((granule * UINT64_C(0x9e3779b97f4a7c15)) >>
			(64 - POINTER_SCAN_GRANULE_BITS));
}

static uint64_t touched(const struct pointer_span *spans, size_t count, unsigned shift)
{
	uint64_t granules = 0;

	for (size_t i = 0; i < count; i++)
		granules += ((spans[i].end - 1) >> shift) - (spans[i].start >> shift) + 1;
	return granules;
}

int pointer_scan_init(struct pointer_scan *scan, const struct pointer_span *spans,
		      size_t count)
{
	memset(scan, 0, sizeof(*scan));
	if (count == 0 || count > POINTER_SCAN_SPANS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (spans[i].start >= spans[i].end)
			return -EINVAL;
		if (i > 0 && spans[i].start < spans[i - 1].end)
			return -EINVAL;
	}
	scan->spans = spans;
	scan->count = count;
	scan->lowest = spans[0].start;
	scan->extent = spans[count - 1].end - 1 - scan->lowest;
	scan->shift = LEAST_SHIFT;
	while (scan->shift < 63 && touched(spans, count, scan->shift) > GRANULES_WANTED)
		scan->shift++;
	for (size_t i = 0; i < count; i++) {
		uint64_t last = (spans[i].end - 1) >> scan->shift;
		for (uint64_t at = spans[i].start >> scan->shift; at <= last; at++) {
			size_t bit = granule_bit(at);
			scan->granules[bit / 64] |= UINT64_C(1) << (bit % 64);
		}
	}
	return 0;
}

static bool in_spans(const struct pointer_scan *scan, uint64_t value)
{
	const struct pointer_span *span = scan->spans;

	// The last span that does not begin behind the value, halving what is left.
	for (size_t left = scan->count; left > 1; left -= left / 2)
		span += span[left / 2].start <= value ? left / 2 : 0;
	return span->start <= value && value < span->end;
}

static inline bool may_match(const struct pointer_scan *scan, uint64_t value)
{
	size_t bit = granule_bit(value >> scan->shift);
	bool is_touched = scan->granules[bit / 64] >> (bit % 64) & 1;

	// No branch: in a heap, which words are pointers is anyone's guess.
	return (value - scan->lowest <= scan->extent) & is_touched;
}

// Whether one of BLOCK words is between the first span and the last.
static inline bool block_may_match(const struct pointer_scan *scan, const uint8_t *data,
				   size_t width, word_read read)
{
	uint64_t lowest = scan->lowest, extent = scan->extent;
	unsigned seen = 0;

	for (size_t i = 0; i < BLOCK; i++)
		seen |= read(data + i * width) - lowest <= extent;
	return seen;
}

// The words among `count` that may match, as indexes in `ret`; returns how many.
static inline size_t candidates(const struct pointer_scan *scan, const uint8_t *data,
				size_t count, size_t width, word_read read, uint8_t *ret)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		ret[found] = (uint8_t)i;
		found += may_match(scan, read(data + i * width));
	}
	return found;
}

// Always inlined, so that `width` and `read` are constants in each of its four uses.
__attribute__((always_inline)) static inline void
run(const struct pointer_scan *scan, const uint8_t *data, size_t size, size_t width,
    word_read read, struct pointer_match *matches, size_t capacity, size_t *position,
    size_t *ret)
{
	size_t at = *position, found = 0;
	uint8_t maybe[BLOCK];

	while (found < capacity && at < size && size - at >= width) {
		size_t count = (size - at) / width < BLOCK ? (size - at) / width : BLOCK;
		size_t end = at + count * width, left = 0;

		if (count < BLOCK || block_may_match(scan, data + at, width, read))
			left = candidates(scan, data + at, count, width, read, maybe);
		for (size_t i = 0; i < left; i++) {
			size_t offset = at + maybe[i] * width;
			uint64_t value = read(data + offset);
			if (!in_spans(scan, value))
				continue;
			matches[found++] = (struct pointer_match){offset, value};
			if (found == capacity) {
				end = offset + width;
				break;
			}
		}
		at = end;
	}
	*position = at;
	*ret = found;
}

void pointer_scan_run(const struct pointer_scan *scan, const void *data, size_t size,
		      bool narrow, bool big_endian, struct pointer_match *matches,
		      size_t capacity, size_t *position, size_t *ret)
{
	bool swapped = big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);

	if (narrow && swapped)
		run(scan, data, size, 4, read_swapped_32, matches, capacity, position, ret);
	else if (narrow)
		run(scan, data, size, 4, read_32, matches, capacity, position, ret);
	else if (swapped)
		run(scan, data, size, 8, read_swapped_64, matches, capacity, position, ret);
	else
		run(scan, data, size, 8, read_64, matches, capacity, position, ret);
}
