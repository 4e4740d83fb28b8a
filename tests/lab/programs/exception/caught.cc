// Thousands of exceptions were thrown and caught, one is being handled; what goes wrong
// is a null pointer.
//
// must: null memory.read
// may: null.read memory.unmapped exception.handled
// never: exception.uncaught terminate abort use-after-free
// function: report
#include <stdexcept>
#include <string>
#include "lab.h"

struct Logger {
	const char *prefix;
	int lines;
};

static Logger *logger;

APART static size_t report(const std::exception &error)
{
	std::string line(logger->prefix);

	return (line + error.what()).size();
}

APART static int parse(const std::string &text)
{
	return std::stoi(text);
}

int main()
{
	size_t size = 0;

	for (int i = 0; i < 3000; i++) {
		try {
			parse(i % 2 ? "17" : "seventeen");
		} catch (const std::invalid_argument &error) {
			size += i;
		}
	}
	try {
		parse("the last one");
	} catch (const std::exception &error) {
		size += report(error);
	}
	return (int)size;
}
