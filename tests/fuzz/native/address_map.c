// The text of /proc/PID/maps, in which the process chooses the names of files.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "address_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_file(int directory, const char *name, const uint8_t *data, size_t size)
{
	int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (file < 0 || write(file, data, size) != (ssize_t)size)
		abort();
	close(file);
}

static void find_all(struct address_map *map)
{
	struct mapping mapping = { 0 };
	uint64_t address = 0;

	// The kernel's maps ascend; these may not, and still have to come to an end.
	for (int i = 0; i < 64 && address_map_find_next(map, address, &mapping) == 0; i++) {
		address_map_is_present(map, mapping.start);
		address = mapping.end;
	}
	address_map_find(map, 0x1800, &mapping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/coresnap-fuzz-XXXXXX";
	int directory = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY) : -1;
	struct address_map map;

	if (directory < 0)
		abort();
	write_file(directory, "maps", data, size);
	write_file(directory, "pagemap", data, size);
	if (address_map_open(directory, &map) == 0) {
		find_all(&map);
		address_map_close(&map);
	}
	unlinkat(directory, "maps", 0);
	unlinkat(directory, "pagemap", 0);
	close(directory);
	rmdir(path);
	return 0;
}
