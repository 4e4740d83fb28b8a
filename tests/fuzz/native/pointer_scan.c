// Words of either size and order; the first bytes say which, and what they point into.
#include <stdlib.h>
#include <string.h>

#include "pointer_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(const struct pointer_span *spans, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		if (value >= spans[i].start && value < spans[i].end)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pointer_scan scan;
	struct pointer_span spans[4];
	struct pointer_match matches[3];
	size_t position = 0, found = 3;

	if (size < 1 + sizeof(spans))
		return 0;
	size_t count = data[0] & 3, width = data[0] & 4 ? 4 : 8;
	memcpy(spans, data + 1, sizeof(spans));
	data += 1 + sizeof(spans);
	size -= 1 + sizeof(spans);
	if (pointer_scan_init(&scan, spans, count))
		return 0;
	while (found == 3) {
		size_t before = position;

		pointer_scan_run(&scan, data, size, width == 4, false, matches, 3, &position,
				 &found);
		if (position > size || position < before || found > 3)
			abort();
		for (size_t i = 0; i < found; i++)
			if (matches[i].offset < before || matches[i].offset + width > position ||
			    !within(spans, count, matches[i].value))
				abort();
	}
	return 0;
}
