// Holds secrets in every kind of memory, put together at run time, and crashes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char in_global[128];

static void fill(char *target, const char *text, const char *half)
{
	sprintf(target, "%s%s", text, half);
}

int main(int count, char **words)
{
	char on_stack[128];
	char *in_heap = malloc(128);

	fill(in_global, "AKIA", "QYLPMN5HFZ7XT2WB");
	fill(on_stack, "4111-1111-", "1111-1111");
	fill(in_heap, "postgresql://kim:correct-horse", "-battery@db/x");
	if (count > 9)
		puts(words[1]);
	raise(SIGSEGV);
	return (int)strlen(in_heap) + on_stack[0];
}
