// A thread object dies before it was joined.
//
// must: terminate
// may: abort
// never: memory.* null* heap.* assert exception.uncaught pure-virtual
// function: start
// kind: aborted
#include <chrono>
#include <thread>
#include "lab.h"

APART static int start(int seconds)
{
	std::thread worker([seconds] {
		std::this_thread::sleep_for(std::chrono::seconds(seconds));
	});

	if (seconds > 5)
		return -1;
	worker.join();
	return 0;
}

int main()
{
	return start(20);
}
