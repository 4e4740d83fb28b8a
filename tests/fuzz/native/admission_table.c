// A table of crashes that anything may have happened to: it is read, or made anew.
#include <stdlib.h>
#include <unistd.h>

#include "admission_table.h"

enum { TABLE_SIZE = 667648 }; // docs/formats.md

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admission_table table;
	struct admission_kind kind;
	char path[] = "/tmp/coresnap-fuzz-XXXXXX";
	int file = mkstemp(path);
	off_t offset;

	// A table is sparse: what the input does not reach is zero.
	if (file < 0 || write(file, data, size) != (ssize_t)size ||
	    ftruncate(file, size > 128 ? TABLE_SIZE : (off_t)size))
		abort();
	close(file);
	if (admission_table_open(path, (gid_t)-1, &table) == 0) {
		if (admission_table_find(&table, ADMISSION_KINDS, 7, 0, &kind, &offset) ||
		    kind.slot.key != 7 ||
		    admission_table_save(&table, ADMISSION_KINDS, &kind, offset) ||
		    admission_table_save_header(&table))
			abort();
		admission_table_close(&table);
	}
	unlink(path);
	return 0;
}
