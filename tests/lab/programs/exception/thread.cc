// One of several threads throws what nobody in it catches.
//
// must: exception.uncaught
// may: abort
// never: memory.* null* heap.* assert deadlock
// function: crunch
// kind: aborted
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>
#include "lab.h"

APART static long crunch(int number)
{
	long sum = 0;

	for (int i = 0; i < 10000; i++)
		sum += i % (number + 1);
	if (number == 3) {
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
		throw std::domain_error("number 3 does not crunch");
	}
	std::this_thread::sleep_for(std::chrono::seconds(30));
	return sum;
}

int main()
{
	std::vector<std::thread> threads;

	for (int i = 0; i < 6; i++)
		threads.emplace_back(crunch, i);
	for (auto &thread : threads)
		thread.join();
	return 0;
}
