// What a task threw arrives where its result is asked for, and is caught nowhere.
//
// must: exception.uncaught
// may: abort exception.handled
// never: memory.* null* heap.* assert deadlock use-after-free
// function: collect
// kind: aborted
#include <future>
#include <stdexcept>
#include <vector>
#include "lab.h"

APART static int measure(int number)
{
	if (number == 3)
		throw std::range_error("sensor 3 is out of range");
	return number * number;
}

APART static int collect(std::vector<std::future<int>> &results)
{
	int sum = 0;

	for (auto &result : results)
		sum += result.get();
	return sum;
}

int main()
{
	std::vector<std::future<int>> results;

	for (int i = 0; i < 6; i++)
		results.push_back(std::async(std::launch::async, measure, i));
	return collect(results);
}
