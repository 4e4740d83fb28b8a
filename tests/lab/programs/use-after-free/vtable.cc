// A method is called on an object that its owner has deleted.
//
// must: memory.read use-after-free
// must jemalloc: pure-virtual
// must junk: memory.read use-after-free
// may jemalloc: use-after-free abort
// may: memory.unmapped invalid-pointer noncanonical vtable*
// never: null memory.write double-free heap.overflow pure-virtual
// function: step
#include <memory>
#include <string>
#include <vector>
#include "lab.h"

struct Actor {
	virtual ~Actor() = default;
	virtual void act(int tick) = 0;
};

struct Walker : Actor {
	int x = 0;
	std::string name = "walker";
	void act(int tick) override { x += tick; }
};

struct World {
	std::vector<std::unique_ptr<Actor>> owned;
	std::vector<Actor *> active;
	APART void step(int tick)
	{
		for (Actor *actor : active)
			actor->act(tick);
	}
};

int main()
{
	World world;

	for (int i = 0; i < 5; i++) {
		world.owned.push_back(std::make_unique<Walker>());
		world.active.push_back(world.owned.back().get());
	}
	world.step(1);
	tell_block("free", world.active[3], sizeof(Walker));
	world.owned.erase(world.owned.begin() + 3);
	world.step(2);
	return 0;
}
