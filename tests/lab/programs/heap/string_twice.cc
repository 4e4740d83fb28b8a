// A record with a string in it is copied byte by byte, and both copies die.
//
// must: double-free abort
// may: use-after-free
// never: memory.* null* heap.overflow exception.uncaught
// function: expire
// only: glibc
#include <string>
#include "lab.h"

struct Session {
	long id;
	std::string user;
};

struct Table {
	alignas(Session) unsigned char slots[4][sizeof(Session)];
	Session *at(int slot) { return reinterpret_cast<Session *>(slots[slot]); }
};

APART static void expire(Table &table, int slot)
{
	table.at(slot)->~Session();
}

int main()
{
	static Table table;

	new (table.at(0)) Session{1, "a name that is too long to be kept inside of a string"};
	memcpy(table.slots[1], table.slots[0], sizeof(Session));
	expire(table, 0);
	expire(table, 1);
	return 0;
}
