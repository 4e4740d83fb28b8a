// The library throws: a vector has no such element.
//
// must: exception.uncaught
// may: abort
// never: memory.* null* heap.* assert
// function: median
// kind: aborted
// build: -g -O2
#include <algorithm>
#include <vector>
#include "lab.h"

APART static double median(std::vector<double> values)
{
	std::sort(values.begin(), values.end());
	return values.at(values.size() / 2);
}

int main()
{
	return (int)(median({3, 1, 2}) + median({}));
}
