// A std::function that nobody filled is called.
//
// must: exception.uncaught
// may: abort
// never: memory.* null* heap.* assert pure-virtual use-after-free
// function: emit
// kind: aborted
// build: -g -O2
#include <functional>
#include <string>
#include <vector>
#include "lab.h"

struct Signal {
	std::vector<std::function<void(const std::string &)>> slots;
	APART void emit(const std::string &what)
	{
		for (auto &slot : slots)
			slot(what);
	}
};

int main()
{
	Signal changed;

	changed.slots.push_back([](const std::string &what) { puts(what.c_str()); });
	changed.slots.emplace_back();
	changed.emit("something");
	return 0;
}
