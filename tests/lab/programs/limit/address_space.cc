// A limit on the address space: a container grows until it cannot.
//
// must: exception.uncaught
// may: abort oom limit*
// never: memory.* null* heap.* use-after-free
// function: remember
// kind: aborted
// shell: ulimit -v 200000
// only: glibc
#include <string>
#include <vector>
#include "lab.h"

APART static void remember(std::vector<std::string> &lines, int number)
{
	lines.push_back(std::string(1 << 20, (char)('a' + number % 26)));
}

int main()
{
	std::vector<std::string> lines;

	for (int i = 0; i < 1000; i++)
		remember(lines, i);
	return 0;
}
