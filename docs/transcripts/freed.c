#include <stdlib.h>
#include <string.h>

static char buffer[64];

static void program(void)
{
	void **r;
	char *poop;

	r = malloc(sizeof(void *));
	*r = buffer;
	free(r);
	poop = malloc(8);
	strcpy(poop, "AAAAAA");
	free(poop);
	*(char *)*r = '0';
}

int main(void)
{
	program();
	return 0;
}
