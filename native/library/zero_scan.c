#include "zero_scan.h"

#include <stdint.h>
#include <string.h>

enum { STRIDE = 128 };

// True if `size` bytes, a multiple of STRIDE, are zero.
typedef bool (*block_scan)(const uint8_t *data, size_t size);

static bool scan_words(const uint8_t *data, size_t size)
{
	uint64_t words[STRIDE / sizeof(uint64_t)];

	for (size_t at = 0; at < size; at += STRIDE) {
		uint64_t seen = 0;
		memcpy(words, data + at, STRIDE);
		for (size_t i = 0; i < STRIDE / sizeof(uint64_t); i++)
			seen |= words[i];
		if (seen)
			return false;
	}
	return true;
}

#if defined(__x86_64__) && !defined(ZERO_SCAN_PORTABLE)
#include <immintrin.h>

__attribute__((target("avx2"))) static bool scan_avx2(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at += STRIDE) {
		const __m256i *lane = (const __m256i *)(data + at);
		__m256i seen = _mm256_or_si256(
			_mm256_or_si256(_mm256_loadu_si256(lane), _mm256_loadu_si256(lane + 1)),
			_mm256_or_si256(_mm256_loadu_si256(lane + 2), _mm256_loadu_si256(lane + 3)));
		if (!_mm256_testz_si256(seen, seen))
			return false;
	}
	return true;
}

static block_scan best_scan(void)
{
	return __builtin_cpu_supports("avx2") ? scan_avx2 : scan_words;
}
#else
static block_scan best_scan(void)
{
	return scan_words;
}
#endif

bool zero_scan_is_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t whole = size - size % STRIDE;

	for (size_t at = whole; at < size; at++)
		if (bytes[at])
			return false;
	return best_scan()(bytes, whole);
}

size_t zero_scan_run(const void *data, size_t size, size_t page_size, bool *ret)
{
	const uint8_t *bytes = data;
	size_t end = size < page_size ? size : page_size;

	*ret = zero_scan_is_zero(bytes, end);
	while (end < size) {
		size_t piece = size - end < page_size ? size - end : page_size;
		if (zero_scan_is_zero(bytes + end, piece) != *ret)
			break;
		end += piece;
	}
	return end;
}
