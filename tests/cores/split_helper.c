#include <stdlib.h>

struct point {
	int x;
	int y;
};

enum color { RED, GREEN };

int helper(struct point *point)
{
	volatile enum color color = GREEN;
	volatile int sum = point->x + point->y;
	abort();
	return sum + (int)color;
}
