// A server that throws and catches all day.
//
// may: exception.handled
// never: exception.uncaught terminate memory.* null* heap.* use-after-free
// kind: healthy
// by: gcore
#include <stdexcept>
#include <string>
#include "lab.h"

APART static int parse(const std::string &text)
{
	if (text.size() % 3 == 0)
		throw std::invalid_argument("cannot parse " + text);
	return std::stoi(text);
}

APART static int serve(int number)
{
	try {
		return parse(std::to_string(number));
	} catch (const std::invalid_argument &error) {
		return (int)std::string(error.what()).size();
	}
}

int main()
{
	volatile long sum = 0;

	for (int i = 0; i < 5000; i++)
		sum += serve(i);
	tell_ready();
	for (int i = 0;; i++)
		sum += serve(i % 100000);
}
