// A pool is freed as a whole; later one of the objects in it is freed by itself.
//
// must: invalid-free|double-free
// may: invalid-free double-free use-after-free heap.corrupt abort memory.* call-contract
//     invalid-pointer
// never: null heap.overflow
// unfound: block no pointer is known of a free that aborted: libc keeps it nowhere
// function: drop
// only: glibc
#include "lab.h"

struct object {
	long kind;
	char data[56];
};

APART static void drop(struct object *object)
{
	free(object);
}

int main(void)
{
	struct object *pool = malloc(200 * sizeof(*pool));
	char *guard = malloc(100);

	for (int i = 0; i < 200; i++) {
		pool[i].kind = i;
		memset(pool[i].data, 0, sizeof(pool[i].data));
	}
	tell_block("free", pool, 200 * sizeof(*pool));
	free(pool);
	drop(hidden(&pool[17]));
	return guard[0];
}
