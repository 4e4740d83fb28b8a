// Eight threads: seven work, the last one throws what nobody catches.
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

std::map<std::string, int> stock = {{"bolts", 3}, {"nuts", 0}};

void take(const std::string &what)
{
	if (stock.at(what) == 0)
		throw std::runtime_error("no more " + what);
}

void wait()
{
	std::this_thread::sleep_for(std::chrono::hours(1));
}

} // namespace

int main()
{
	std::vector<std::thread> threads;
	for (int i = 0; i < 7; i++)
		threads.emplace_back(wait);
	std::this_thread::sleep_for(std::chrono::milliseconds(300));
	threads.emplace_back(take, "nuts");
	for (auto &thread : threads)
		thread.join();
	return 0;
}
