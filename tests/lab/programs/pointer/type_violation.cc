// A base object is taken for a derived one that is larger: what it reads as a member is
// another block's.
//
// must: memory.read
// may: memory.unmapped noncanonical invalid-pointer type-violation heap.overflow
//     stale-pointer
// may jemalloc: null*
// never: null use-after-free double-free pure-virtual
// function: describe
#include <vector>
#include "lab.h"

struct Vehicle {
	long wheels = 4;
	explicit Vehicle(long wheels) : wheels(wheels) {}
};

struct Bus : Vehicle {
	long lines[6] = {};
	const char *company = "city";
	Bus() : Vehicle(6) {}
};

APART static long describe(const Vehicle *vehicle)
{
	auto bus = static_cast<const Bus *>(vehicle);

	return bus->wheels + bus->company[0];
}

int main()
{
	std::vector<Vehicle *> vehicles{new Bus, new Vehicle(4)};
	long *after = new long[8]{11, 12, 13, 14, 15, 0x1516, 17, 18};
	long sum = 0;

	tell_block("live", vehicles[1], sizeof(Vehicle));
	for (auto vehicle : vehicles)
		sum += describe(vehicle);
	return (int)(sum + after[0]);
}
