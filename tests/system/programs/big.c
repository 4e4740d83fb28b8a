// Fills MEGABYTES with bytes that no writer can leave out, and crashes.
// Usage: big MEGABYTES
#include <stdint.h>
#include <stdlib.h>

int main(int count, char **words)
{
	size_t size = (size_t)(count > 1 ? atoi(words[1]) : 1) << 20;
	uint64_t *memory = malloc(size), number = 1;

	if (!memory)
		return 1;
	for (size_t i = 0; i < size / sizeof(number); i++) {
		number = number * 6364136223846793005u + 1442695040888963407u;
		memory[i] = number;
	}
	*(volatile int *)(number & 1 ? 0 : 0) = 1;
	return 0;
}
