// A default that is a static array is freed when the settings are replaced.
//
// must: invalid-free abort
// never: memory.* null* double-free heap.* use-after-free
// function: set_prompt
// only: glibc
#include "lab.h"

static char standard[] = "> ";
static char *prompt = standard;

APART static void set_prompt(const char *text)
{
	free(prompt);
	prompt = strdup(text);
}

int main(void)
{
	set_prompt("$ ");
	return 0;
}
