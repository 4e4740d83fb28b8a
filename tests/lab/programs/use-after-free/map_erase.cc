// A session is dropped from the map that is being walked, on another function's account.
//
// must: memory.read use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null memory.write double-free heap.overflow exception.uncaught
// function: expire
// only: glibc junk
// build: -g -O2
#include <string>
#include <unordered_map>
#include "lab.h"

struct Session {
	std::string user;
	int idle = 0;
};

static std::unordered_map<int, Session> sessions;

APART static void close_session(int id)
{
	sessions.erase(id);
}

APART static int expire(int limit)
{
	int closed = 0;

	for (auto &[id, session] : sessions)
		if (++session.idle > limit) {
			close_session(id);
			closed++;
		}
	return closed;
}

int main()
{
	for (int i = 0; i < 30; i++)
		sessions[i] = {"a user with a rather long name " + std::to_string(i), i};
	return expire(12);
}
