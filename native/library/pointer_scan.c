#include "pointer_scan.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK = 32,	      // words that are compared before anything is decided
	GRANULES_WANTED = 4096, // with a span in each of as many, an eighth of the bits
	PAGE_SHIFT = 12,
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
	// Fibonacci hashing: the top 16 bits of the product choose among 1 << 16.
	return (size_t)((granule * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
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
	scan->shift = PAGE_SHIFT;
	while (scan->shift < 63 && touched(spans, count, scan->shift) > count + GRANULES_WANTED)
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
	size_t low = 0, high = scan->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (scan->spans[middle].end <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < scan->count && scan->spans[low].start <= value;
}

static inline bool may_match(const struct pointer_scan *scan, uint64_t value)
{
	if (value - scan->lowest > scan->extent)
		return false;
	size_t bit = granule_bit(value >> scan->shift);
	return scan->granules[bit / 64] >> (bit % 64) & 1;
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

// Always inlined, so that `width` and `read` are constants in each of its four uses.
__attribute__((always_inline)) static inline void
run(const struct pointer_scan *scan, const uint8_t *data, size_t size, size_t width,
    word_read read, struct pointer_match *matches, size_t capacity, size_t *position,
    size_t *ret)
{
	size_t at = *position, found = 0;

	while (found < capacity && at < size && size - at >= width) {
		size_t end = size - at >= BLOCK * width ? at + BLOCK * width : size;
		if (end - at == BLOCK * width && !block_may_match(scan, data + at, width, read)) {
			at = end;
			continue;
		}
		for (; found < capacity && end - at >= width; at += width) {
			uint64_t value = read(data + at);
			if (!may_match(scan, value) || !in_spans(scan, value))
				continue;
			matches[found++] = (struct pointer_match){at, value};
		}
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
