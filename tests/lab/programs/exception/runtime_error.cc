// A std::runtime_error whose text says what was wrong.
//
// must: exception.uncaught
// may: abort exception.handled
// never: memory.* null* heap.* assert double-free
// function: connect_to
// kind: aborted
#include <map>
#include <stdexcept>
#include <string>
#include <vector>
#include "lab.h"

static std::map<std::string, std::vector<int>> hosts{{"a", {1, 2}}, {"b", {3}}};

APART static int connect_to(const std::string &name)
{
	auto found = hosts.find(name);

	if (found == hosts.end())
		throw std::runtime_error("no such host: " + name);
	return found->second.front();
}

int main()
{
	try {
		connect_to("z");
	} catch (const std::exception &error) {
		puts(error.what());
	}
	return connect_to("a") + connect_to("the other host");
}
