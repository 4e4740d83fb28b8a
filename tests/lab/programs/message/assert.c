// A queue notices that it lost count.
//
// must: assert abort
// never: memory.* null* heap.* double-free stack-smash
// function: pop
// kind: aborted
#include <assert.h>
#include "lab.h"

struct queue {
	int items[8];
	unsigned first, count;
};

APART static int pop(struct queue *queue)
{
	assert(queue->count > 0 && "the queue is empty");
	queue->count--;
	return queue->items[queue->first++ % 8];
}

int main(void)
{
	struct queue queue = { { 1, 2, 3 }, 0, 3 };
	int sum = 0;

	for (int i = 0; i < 4; i++)
		sum += pop(&queue);
	return sum;
}
