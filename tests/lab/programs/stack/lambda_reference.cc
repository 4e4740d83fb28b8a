// A lambda that captured a local variable by reference runs after its function returned.
//
// must: memory.read|memory.write
// may: memory.* noncanonical invalid-pointer stale-pointer null* uninitialised
//     use-after-free
// never: double-free heap.* exception.uncaught stack-overflow
// function: run_all
#include <functional>
#include <string>
#include <vector>
#include "lab.h"

struct Node {
	Node *next;
	long value;
};

static std::vector<std::function<long()>> tasks;

APART static void schedule(Node *list)
{
	Node *cursor = list;

	tasks.push_back([&cursor] { return cursor->value; });
}

APART static void set_up(Node *list)
{
	volatile char pad[900];

	pad[7] = 1;
	schedule(list);
	pad[8] = pad[7];
}

APART static int scribble(int seed)
{
	volatile char bytes[1500];

	for (int i = 0; i < 1500; i++)
		bytes[i] = (char)(0x61 + (seed + i) % 26);
	return bytes[seed];
}

APART static long run_all()
{
	long sum = 0;

	for (auto &task : tasks)
		sum += task();
	return sum;
}

int main()
{
	Node last{nullptr, 2}, first{&last, 1};

	set_up(&first);
	scribble(7);
	return (int)run_all();
}
