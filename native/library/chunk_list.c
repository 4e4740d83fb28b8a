#include "chunk_list.h"

#include <stdlib.h>
#include <string.h>

enum {
	FLAGS = 7,
	PAGE_SHIFT = 12,
};

static inline unsigned word_size(const struct chunk_list *list)
{
	return list->narrow ? 4 : 8;
}

static bool read_word(const struct chunk_list *list, uint64_t address, uint64_t *ret)
{
	bool swapped = list->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	size_t low = 0, high = list->piece_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->pieces[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == list->piece_count)
		return false;
	const struct chunk_piece *piece = &list->pieces[low];
	if (address < piece->start || piece->end - address < word_size(list))
		return false;
	const uint8_t *data = piece->data + (address - piece->start);
	if (list->narrow) {
		uint32_t word;
		memcpy(&word, data, sizeof(word));
		*ret = swapped ? __builtin_bswap32(word) : word;
	} else {
		uint64_t word;
		memcpy(&word, data, sizeof(word));
		*ret = swapped ? __builtin_bswap64(word) : word;
	}
	return true;
}

static inline bool is_size_right(const struct chunk_list *list, uint64_t word)
{
	uint64_t size = word & ~(uint64_t)FLAGS;

	return list->least <= size && size <= list->most;
}

int chunk_list_follow(struct chunk_list *list, uint64_t first)
{
	uint64_t block = first, link = 0, size = 0, passed = 0;
	size_t next_passed = 1;

	list->count = 0;
	while (block != 0) {
		list->at = block;
		if (block == passed)
			return CHUNK_LIST_LOOP;
		if (block % list->alignment != 0)
			return CHUNK_LIST_MISALIGNED;
		if (!read_word(list, block, &link) ||
		    !read_word(list, block - word_size(list), &size))
			return CHUNK_LIST_UNREADABLE;
		if (!is_size_right(list, size))
			return CHUNK_LIST_SIZE;
		if (list->count == list->capacity)
			return CHUNK_LIST_LIMIT;
		list->entries[list->count] = block;
		if (list->links != NULL)
			list->links[list->count] = link;
		// Brent: what is remembered moves on at every power of two.
		if (++list->count == next_passed) {
			passed = block;
			next_passed *= 2;
		}
		block = list->mangled ? link ^ (block >> PAGE_SHIFT) : link;
		if (block != 0)
			block += list->bias;
	}
	return CHUNK_LIST_END;
}

int chunk_list_circle(struct chunk_list *list, uint64_t head, size_t limit)
{
	unsigned word = word_size(list);
	uint64_t before = head, chunk = 0, back = 0, size = 0;

	list->count = 0;
	for (size_t passed = 0;; passed++) {
		list->at = list->before = before;
		if (!read_word(list, before + 2 * word, &chunk))
			return CHUNK_LIST_UNREADABLE;
		// A bin need not be aligned as chunks are.
		if (chunk != head && (chunk + 2 * word) % list->alignment != 0)
			return CHUNK_LIST_MISALIGNED;
		if (!read_word(list, chunk + 3 * word, &back))
			return CHUNK_LIST_UNREADABLE;
		list->at = chunk;
		if (back != before)
			return CHUNK_LIST_UNLINKED;
		if (chunk == head)
			return CHUNK_LIST_END;
		if (passed == limit)
			return CHUNK_LIST_LIMIT;
		if (!read_word(list, chunk + word, &size) || !is_size_right(list, size))
			return CHUNK_LIST_SIZE;
		if (list->count < list->capacity)
			list->entries[list->count++] = chunk;
		before = chunk;
	}
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

void chunk_list_sort(uint64_t *blocks, size_t count)
{
	qsort(blocks, count, sizeof(*blocks), compare);
}
