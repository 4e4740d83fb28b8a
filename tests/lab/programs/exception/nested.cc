// An exception that wraps another one, which wraps a third.
//
// must: exception.uncaught
// may: abort exception.handled
// never: memory.* null* heap.* assert
// function: start
// kind: aborted
#include <exception>
#include <stdexcept>
#include "lab.h"

APART static void open_file(int number)
{
	throw std::out_of_range("file " + std::to_string(number));
}

APART static void read_settings(int number)
{
	try {
		open_file(number);
	} catch (...) {
		std::throw_with_nested(std::runtime_error("cannot read settings"));
	}
}

APART static void start()
{
	try {
		read_settings(3);
	} catch (...) {
		std::throw_with_nested(std::logic_error("cannot start"));
	}
}

int main()
{
	start();
	return 0;
}
