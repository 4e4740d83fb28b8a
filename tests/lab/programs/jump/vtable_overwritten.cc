// An object's first member is written over by what copies too much: its vtable is text.
//
// must: memory.read noncanonical
// may: invalid-pointer heap.overflow security vtable*
// never: null use-after-free double-free pure-virtual
// function: draw_all
// build: -g -O1
#include <memory>
#include <vector>
#include "lab.h"

struct Shape {
	virtual ~Shape() = default;
	virtual int draw() const = 0;
	char label[24] = {};
};

struct Circle : Shape {
	int draw() const override { return 3; }
};

APART static int draw_all(const std::vector<std::unique_ptr<Shape>> &shapes)
{
	int sum = 0;

	for (auto &shape : shapes)
		sum += shape->draw();
	return sum;
}

int main()
{
	std::vector<std::unique_ptr<Shape>> shapes;

	for (int i = 0; i < 3; i++)
		shapes.push_back(std::make_unique<Circle>());
	memcpy(hidden(shapes[1].get()), "a label without a place", 24);
	return draw_all(shapes);
}
