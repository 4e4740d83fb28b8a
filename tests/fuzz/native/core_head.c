// The front of a core, its notes and the map of its memory.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core_head.h"
#include "core_map.h"
#include "input_file.h"

static volatile uint64_t sink;

static void read_notes(const struct core_head *head)
{
	struct core_note notes[8];
	size_t count = core_head_notes(head, "CORE", 1, notes, 8);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < notes[i].size; j++)
			sink += notes[i].data[j];
}

static void read_map(const struct core_head *head)
{
	struct core_map map;

	if (core_map_init(head, &map))
		return;
	for (size_t i = 0; i < map.count; i++) {
		if (core_map_find(&map, map.list[i].address) != &map.list[i] ||
		    core_map_after(&map, map.list[i].address) != i)
			abort();
	}
	core_map_deinit(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = input_file(data, size);
	struct patience patience = { INT64_MAX, INT64_MAX };
	struct core_head head;

	if (core_head_init(file, &patience, &head) == 0) {
		if (head.size > size || memcmp(head.data, data, head.size) != 0)
			abort();
		for (uint32_t i = 0; i < head.segment_count; i++) {
			struct core_segment segment;

			core_head_segment(&head, i, &segment);
			sink += segment.address;
		}
		if (head.is_core) {
			read_notes(&head);
			read_map(&head);
		}
	}
	core_head_deinit(&head);
	close(file);
	return 0;
}
