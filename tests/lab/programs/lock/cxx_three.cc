// A ring of three std::mutexes, each thread holding one and waiting for the next.
//
// must: deadlock abort
// may: hang
// never: memory.* null* heap.* assert exception.uncaught
// function: main
// kind: aborted
// build: -g -O2
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>
#include "lab.h"

static std::mutex forks[3];
static std::atomic<int> seated;

APART static void dine(int seat)
{
	std::lock_guard left(forks[seat]);
	seated++;
	while (seated < 3)
		std::this_thread::yield();
	std::lock_guard right(forks[(seat + 1) % 3]);
}

int main()
{
	std::vector<std::thread> philosophers;

	for (int i = 0; i < 3; i++)
		philosophers.emplace_back(dine, i);
	std::this_thread::sleep_for(std::chrono::milliseconds(100));
	abort();
}
