// The file that remembers which kinds of crashes there were, and how many of each. Its
// format is in docs/formats.md. Only what a crash concerns is read and written, by calls
// that fail when the disk does, where a mapping would fault.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct admission_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t layout[7];  // size of the header, then number and size of each part's slots
	uint8_t boot_id[16]; // of the last crash
	int64_t boottime;    // CLOCK_BOOTTIME of it, nanoseconds
	int64_t realtime;    // CLOCK_REALTIME of it, nanoseconds
	int64_t now;         // the table's own clock, nanoseconds, which never goes back
	uint64_t seen;       // crashes: archived, suppressed and refused
	uint64_t archived;
	uint64_t suppressed;
	uint64_t refused;    // admitted, but there was no room or the like
	int64_t full_at;     // bucket of all crashes
	int64_t told_at;     // when the kernel's log was told last of one not archived
	uint64_t untold;     // of how many it was not told since then
};

// Begins each slot. Times are of the table's clock where nothing else is said.
struct admission_slot {
	uint64_t key;
	int64_t uid;     // -1 if unknown
	int64_t used_at; // 0: the slot is free
};

struct admission_kind {
	struct admission_slot slot; // by fault
	uint64_t executable;
	int64_t new_at;      // when one was archived that was not remembered, 0 for never
	int64_t told_at;     // when the daemon was told last of one suppressed
	int64_t first;       // UTC nanoseconds
	int64_t last;        // UTC nanoseconds
	uint64_t seen;
	uint64_t archived;
	uint64_t suppressed;
	uint64_t missed;     // not archived since the last one that was
	int32_t signal;
	char name[28];       // of the executable, without directories
};

struct admission_executable {
	struct admission_slot slot;
	int64_t full_at;       // bucket of its crashes
	int64_t kinds_full_at; // bucket of its new kinds
	int64_t last;          // UTC nanoseconds
	uint64_t seen;
	uint64_t archived;
	uint64_t suppressed;
	char name[56];
};

struct admission_user {
	struct admission_slot slot; // key 0
	int64_t kinds_full_at;      // bucket of new kinds in all executables
};

enum admission_part { ADMISSION_KINDS, ADMISSION_EXECUTABLES, ADMISSION_USERS };

struct admission_table {
	int file;
	int lock;
	struct admission_header header;
};

// Open the table and take it for us alone. One that is missing, damaged or not ours is
// made anew. The group may read it, unless it is (gid_t)-1. Returns 0, -EBUSY if others
// do not let go of it, or -errno.
int admission_table_open(const char *path, gid_t gid, struct admission_table *ret);
void admission_table_close(struct admission_table *table);

int admission_table_save_header(const struct admission_table *table);

// Find the slot of a key. Without one, `ret` is empty but for the key, and stands for a
// free slot, or the one not used for longest. `ret_offset` is where it belongs. Returns
// 0 or -errno.
int admission_table_find(const struct admission_table *table, enum admission_part part,
			 uint64_t key, int64_t uid, void *ret, off_t *ret_offset);
int admission_table_save(const struct admission_table *table, enum admission_part part,
			 const void *slot, off_t offset);
