// Containers that grow and shrink.
//
// never: memory.* null* heap.* use-after-free double-free exception.uncaught
// kind: healthy
// by: gcore
// build: -g -O2
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>
#include "lab.h"

struct World {
	std::map<std::string, std::vector<int>> lists;
	std::unordered_map<int, std::string> names;
	std::deque<std::string> queue;
	std::list<long> numbers;

	APART void step(int i)
	{
		lists["list " + std::to_string(i % 97)].push_back(i);
		names[i % 1000] = std::string(i % 200, 'n');
		queue.push_back("entry number " + std::to_string(i));
		numbers.push_front(i);
		if (i % 3 == 0)
			queue.pop_front();
		if (i % 5 == 0)
			names.erase(i % 500);
		if (i % 200 == 0)
			numbers.clear();
		if (i % 777 == 0)
			lists.clear();
	}
};

int main()
{
	World world;

	for (int i = 0; i < 20000; i++)
		world.step(i);
	tell_ready();
	for (int i = 0;; i = (i + 1) % 20000)
		world.step(i);
}
