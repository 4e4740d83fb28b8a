// The rung `stacks`: a core of its important part, and of what was complete beside it.
#pragma once

#include "core_map.h"
#include "extents.h"
#include "process.h"
#include "space.h"
#include "sparse_writer.h"

struct stacks {
	const struct core_head *head;
	struct core_map map;
	struct extents extents;  // what the file holds
	uint64_t table;          // where the new program headers go, with room kept for them
	uint64_t end;            // of the memory in the file
	uint64_t runs;           // that the program headers claim
	uint64_t bytes_in;       // of the important part
	uint64_t bytes_stored;   // of it
	bool compact;
	bool kept;               // the important part is in the file, as far as it could be had
};

// Make ready for a core in `fd` whose front is written. A compact one puts its memory
// behind each other, else it stands where the kernel would put it. -errno if that
// cannot be; stacks_deinit() is due all the same.
int stacks_init(const struct core_head *head, int fd, bool compact, struct stacks *ret);
void stacks_deinit(struct stacks *stacks);

// Fetch the important part; `writer->offset` is then as before. Returns 0, -ESRCH
// if the process is gone, or -errno from storing; what was kept until then counts.
int stacks_keep(struct stacks *stacks, const struct process *process, struct space *space,
		struct sparse_writer *writer);

// Count what the kernel's core has before an offset of the file. Returns 0 or -E2BIG.
int stacks_add_front(struct stacks *stacks, uint64_t offset);

// Free what is in the file from an offset on and is not important. Returns 0 or -errno.
int stacks_drop(const struct stacks *stacks, int fd, uint64_t offset, uint64_t end);

// Let the room for program headers be given back when the file gets its size next: the
// core is whole. Returns 0 or -errno.
int stacks_release(const struct stacks *stacks, int fd);

// Let the core claim what it holds, and set the writer to its end.
int stacks_claim(struct stacks *stacks, struct sparse_writer *writer);
