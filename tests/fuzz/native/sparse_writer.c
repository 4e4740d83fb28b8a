// A stream with holes: the file reads as what was given.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input_file.h"
#include "sparse_writer.h"
#include "zero_scan.h"

enum { SIZE_LIMIT = 1024 * 1024 };

// Two bytes are a piece: its length in 256 bytes, and what it is filled with.
static size_t expand(const uint8_t *data, size_t size, uint8_t *ret)
{
	size_t filled = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		size_t length = (data[i] + 1) * 256;

		if (filled + length > SIZE_LIMIT)
			break;
		memset(ret + filled, data[i + 1], length);
		filled += length;
	}
	return filled;
}

static void write_all(int target, const uint8_t *stream, size_t size)
{
	struct sparse_writer writer;
	size_t half = size / 3;
	uint64_t copied;
	int source = input_file(stream + half, size - half);

	if (sparse_writer_init(&writer, target, UINT64_MAX) ||
	    sparse_writer_append(&writer, stream, half) ||
	    sparse_writer_copy(&writer, source, size - half, &copied) ||
	    sparse_writer_finish(&writer) || copied != size - half)
		abort();
	sparse_writer_deinit(&writer);
	close(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[SIZE_LIMIT], read_back[SIZE_LIMIT];
	size_t filled = expand(data, size, stream);
	int target = memfd_create("target", MFD_CLOEXEC);
	bool zero;

	write_all(target, stream, filled);
	if (lseek(target, 0, SEEK_END) != (off_t)filled ||
	    pread(target, read_back, filled, 0) != (ssize_t)filled ||
	    memcmp(stream, read_back, filled) != 0)
		abort();
	for (size_t at = 0; at < filled;) {
		size_t run = zero_scan_run(stream + at, filled - at, 4096, &zero);

		if (run == 0 || (zero && !zero_scan_is_zero(stream + at, run)))
			abort();
		at += run;
	}
	close(target);
	return 0;
}
