// An observer dies without a word to its subject, which sits in another thread.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical vtable*
// never: null memory.write double-free heap.overflow pure-virtual
// function: notify
// only: glibc junk
// build: -g -O1
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
#include "lab.h"

class Observer {
public:
	virtual ~Observer() = default;
	virtual void changed(const std::string &what) = 0;
};

class Screen : public Observer {
	std::vector<std::string> lines;
	int redraws = 0;

public:
	void changed(const std::string &what) override
	{
		lines.push_back(what);
		redraws++;
	}
};

class Subject {
	std::mutex lock;
	std::vector<Observer *> observers;

public:
	void add(Observer *observer)
	{
		std::lock_guard guard(lock);
		observers.push_back(observer);
	}
	APART void notify(const std::string &what)
	{
		std::lock_guard guard(lock);
		for (Observer *observer : observers)
			observer->changed(what);
	}
};

int main()
{
	Subject subject;
	Screen main_screen;
	std::unique_ptr<Screen> second = std::make_unique<Screen>();

	subject.add(&main_screen);
	subject.add(second.get());
	std::thread sender([&] {
		subject.notify("started");
		tell_block("free", second.get(), sizeof(Screen));
		second.reset();
		subject.notify("one screen is gone");
	});
	sender.join();
	return 0;
}
