// An object is deleted through its second base, which has no virtual destructor.
//
// must: invalid-free abort
// never: memory.* null* double-free use-after-free pure-virtual exception.uncaught
// unfound: block no pointer is known of a free that aborted: libc keeps it nowhere
// function: remove_listener
// only: glibc
#include <vector>
#include "lab.h"

struct Widget {
	virtual ~Widget() = default;
	long id = 7;
	char title[40] = {};
};

struct Listener {
	long events = 0;
};

struct Button : Widget, Listener {
	int clicks = 0;
};

APART static void remove_listener(std::vector<Listener *> &listeners)
{
	delete listeners.back();
	listeners.pop_back();
}

int main()
{
	std::vector<Listener *> listeners{new Listener};
	Button *button = new Button;

	listeners.push_back(button);
	tell_block("live", button, sizeof(Button));
	remove_listener(listeners);
	return 0;
}
