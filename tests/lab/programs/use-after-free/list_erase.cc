// An element is erased from a std::list inside of a loop over it.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow exception.uncaught
// function: remove_odd
// only: glibc junk
#include <list>
#include "lab.h"

APART static long remove_odd(std::list<long> &numbers)
{
	long sum = 0;

	for (auto it = numbers.begin(); it != numbers.end(); ++it) {
		sum += *it;
		if (*it % 2)
			numbers.erase(it);
	}
	return sum;
}

int main()
{
	std::list<long> numbers;

	for (long i = 0; i < 20; i++)
		numbers.push_back(i);
	auto first_odd = std::next(numbers.begin());
	tell_block("free", &*first_odd - 2, 24);
	return (int)remove_odd(numbers);
}
