// What a user typed is the format of printf.
//
// must: memory.read
// may: memory.unmapped noncanonical invalid-pointer call-contract null* memory.protection
//     security* format-string
// never: use-after-free double-free heap.* memory.write
// function: log_line
#include "lab.h"

APART static void log_line(const char *line)
{
	printf(line);
	putchar('\n');
}

int main(void)
{
	log_line("all is well");
	log_line(hidden("%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s"));
	return 0;
}
