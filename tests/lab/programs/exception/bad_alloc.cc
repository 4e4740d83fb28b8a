// A size that was computed from bad input is more than there is.
//
// must: exception.uncaught
// may: abort oom limit*
// never: memory.* null* heap.* assert
// function: read_records
// kind: aborted
#include <vector>
#include "lab.h"

struct Header {
	unsigned count, size;
};

APART static size_t read_records(const Header &header)
{
	std::vector<char> bytes;

	char *buffer = new char[(size_t)header.count * header.size];
	bytes.assign(buffer, buffer + header.size);
	delete[] buffer;
	return bytes.size();
}

int main()
{
	return (int)(read_records({3, 8}) + read_records({0xfffffff0, 0xfffffff0}));
}
