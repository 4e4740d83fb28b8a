// Finds the words that point into given spans of addresses, at memory speed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	POINTER_SCAN_SPANS = 4096, // spans of one scan, at most
	POINTER_SCAN_GRANULE_BITS = 18,
	POINTER_SCAN_GRANULES = 1 << POINTER_SCAN_GRANULE_BITS,
};

// Addresses from `start` to before `end`.
struct pointer_span {
	uint64_t start;
	uint64_t end;
};

struct pointer_match {
	uint64_t offset; // bytes from the start of the scanned data
	uint64_t value;
};

// What is looked for. The address space is cut into granules of 1 << `shift` bytes;
// `granules` has a bit for each that a span touches, by a hash of its number.
struct pointer_scan {
	const struct pointer_span *spans;
	size_t count;
	uint64_t lowest;
	uint64_t extent; // from `lowest` to the last address of the last span
	unsigned shift;
	uint64_t granules[POINTER_SCAN_GRANULES / 64];
};

// Look for pointers into `count` spans, which must outlive the scan.
//
// Returns 0, or -EINVAL if there are none or more than POINTER_SCAN_SPANS, one is
// empty, or they are not ascending and disjoint.
int pointer_scan_init(struct pointer_scan *scan, const struct pointer_span *spans,
		      size_t count);

// Read words from `*position` on until `capacity` matches are found, and move it
// behind the last word that was read.
//
// Words are 8 bytes, or 4 where `narrow`, aligned as `data` is: what is left at the end
// is no word. Fewer than `capacity` matches in `ret` mean the end.
void pointer_scan_run(const struct pointer_scan *scan, const void *data, size_t size,
		      bool narrow, bool big_endian, struct pointer_match *matches,
		      size_t capacity, size_t *position, size_t *ret);
