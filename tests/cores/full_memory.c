// Fills the number of MiB that it is told with data that has no zero page, then crashes.

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	size_t size = (size_t)(argc > 1 ? atoi(argv[1]) : 1) << 20;
	char *area = malloc(size);

	if (!area)
		return 1;
	memset(area, 'x', size);
	*(volatile char *)8 = area[size / 2];
	return 0;
}
