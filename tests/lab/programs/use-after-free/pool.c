// A pool of the program's own: what it hands out again is no freed block of malloc.
//
// must: memory.read
// may: memory.unmapped noncanonical invalid-pointer stale-pointer
// never: null use-after-free double-free invalid-free heap.*
// function: area
#include "lab.h"

union cell {
	union cell *next;
	struct {
		const double *sides;
		long count;
		char name[48];
	} shape;
};

static union cell *cells, *unused;

APART static union cell *take(void)
{
	union cell *cell = unused;

	unused = cell->next;
	return cell;
}

APART static void give_back(union cell *cell)
{
	cell->next = unused;
	unused = cell;
}

APART static double area(const union cell *cell)
{
	double product = 1;

	for (long i = 0; i < cell->shape.count; i++)
		product *= cell->shape.sides[i];
	return product;
}

int main(void)
{
	static const double sides[] = { 2, 3 };

	cells = calloc(1000, sizeof(*cells));
	for (int i = 0; i < 1000; i++)
		give_back(&cells[i]);
	union cell *shape = take();
	shape->shape.sides = sides;
	shape->shape.count = 2;
	double before = area(shape);
	give_back(shape);
	strcpy((char *)take(), "the text of another owner");
	shape->shape.count = 2;
	return (int)(before + area(shape));
}
