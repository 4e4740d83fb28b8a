// What libc reports as a double free or corruption is a write over the end of a block.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort
// never: memory.* null* double-free use-after-free invalid-free
// function: finish
// only: glibc
#include "lab.h"

struct matrix {
	int rows, columns;
	double *cells;
};

APART static void fill(struct matrix *matrix, double value)
{
	for (int i = 0; i < matrix->rows * matrix->columns + 3; i++)
		matrix->cells[i] = value;
}

APART static void finish(struct matrix *matrix)
{
	free(matrix->cells);
}

int main(void)
{
	struct matrix first = { 20, 20, NULL }, second = { 20, 20, NULL };

	first.cells = malloc(400 * sizeof(double));
	second.cells = malloc(400 * sizeof(double));
	char *last = malloc(2000);
	tell_block("live", first.cells, 400 * sizeof(double));
	fill(hidden(&first), 1.5);
	finish(&second);
	finish(&first);
	return last[0];
}
