// An element of an array that could not be allocated: the address is null plus a
// large index, which no zero register shows at -O2 but the array's own.
//
// must: memory.write
// may: null* memory.unmapped invalid-pointer
// function: mark
// build: -g -O0
#include "lab.h"

struct board {
	int width;
	int *cells;
};

APART static void mark(struct board *board, int x, int y)
{
	board->cells[y * board->width + x] = 1;
}

int main(void)
{
	struct board board = { 1000, NULL };

	mark(&board, (int)hidden_number(7), (int)hidden_number(90));
	return 0;
}
