// Holds a heap of many blocks, a quarter of them freed, until it is killed.
//
//     many_blocks COUNT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	size_t blocks = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000;
	void **block = malloc(blocks * sizeof(*block));
	unsigned drawn = 1;

	for (size_t i = 0; block && i < blocks; i++) {
		drawn = drawn * 1103515245u + 12345;
		block[i] = malloc(16 + (drawn >> 16) % 384);
		memset(block[i], 0x5a, 16);
	}
	for (size_t i = 0; block && i < blocks; i += 4)
		free(block[i]);
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
