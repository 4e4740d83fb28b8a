// Makes the mistake that it is told to with a block of 32 bytes, whose address it prints,
// and crashes elsewhere.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	char *volatile block = malloc(32), *volatile other = malloc(32);
	const char *mistake = count > 1 ? arguments[1] : "";
	char text[64];

	memset(block, 'A', 32);
	memset(other, 'B', 32);
	int size = snprintf(text, sizeof(text), "%p %p\n", (void *)block, (void *)other);
	if (write(STDOUT_FILENO, text, (size_t)size) != size)
		return 1;
	if (!strcmp(mistake, "once") || !strcmp(mistake, "twice"))
		free(block);
	if (!strcmp(mistake, "twice")) {
		free(other);
		free(block);
	}
	if (!strcmp(mistake, "inside"))
		free(block + 8);
	*(volatile int *)8 = 1;
	return 0;
}
