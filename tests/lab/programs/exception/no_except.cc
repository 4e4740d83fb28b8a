// A function that promised to throw nothing throws; main would have caught it.
//
// must: exception.uncaught|noexcept|terminate
// may: abort exception* noexcept terminate exception.handled
// never: memory.* null* heap.* assert
// function: close_all
// kind: aborted
#include <stdexcept>
#include <vector>
#include "lab.h"

struct File {
	int fd;
	void close()
	{
		if (fd < 0)
			throw std::invalid_argument("not open");
		fd = -1;
	}
};

APART static void close_all(std::vector<File> &files) noexcept
{
	for (File &file : files)
		file.close();
}

int main()
{
	std::vector<File> files{{1}, {2}, {-1}};

	try {
		close_all(files);
	} catch (const std::exception &error) {
		puts(error.what());
	}
	return 0;
}
