// An exception of the program's own class is caught nowhere.
//
// must: exception.uncaught
// may: abort
// never: memory.* null* heap.* assert double-free
// function: load
// kind: aborted
#include <string>
#include "lab.h"

namespace config {
struct Error {
	int line;
	std::string text;
};
}

APART static int load(const char *path, int line)
{
	if (line > 2)
		throw config::Error{line, std::string(path) + ": no value"};
	return line;
}

int main()
{
	int sum = 0;

	for (int line = 0; line < 5; line++)
		sum += load("/etc/lab.conf", line);
	return sum;
}
