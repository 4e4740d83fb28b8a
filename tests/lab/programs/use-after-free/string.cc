// A view of a string that was a temporary: the characters are a freed block's, and what
// is made of them is a pointer.
//
// must: memory.read use-after-free
// may: memory.unmapped noncanonical invalid-pointer
// never: null double-free heap.overflow exception.uncaught memory.write
// function: deserialize
// only: glibc junk
#include <string>
#include <string_view>
#include "lab.h"

struct Entry {
	const long *values;
	long count;
};

APART static std::string serialize(const Entry &entry)
{
	std::string bytes(100, '\0');

	bytes.replace(0, sizeof(entry), reinterpret_cast<const char *>(&entry), sizeof(entry));
	return bytes;
}

APART static long deserialize(std::string_view bytes)
{
	const auto *entry = reinterpret_cast<const Entry *>(bytes.data());

	return entry->values[1];
}

int main()
{
	static const long values[] = {1, 2, 3};
	std::string_view view = serialize({values, 3});

	tell_block("free", view.data(), 101);
	return (int)deserialize(view);
}
