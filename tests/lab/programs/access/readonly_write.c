// A function that changes its argument in place is given a literal.
//
// must: memory.write memory.protection
// never: null memory.unmapped use-after-free
// function: shout
#include <ctype.h>
#include "lab.h"

APART static char *shout(char *text)
{
	for (char *p = text; *p; p++)
		*p = (char)toupper(*p);
	return text;
}

int main(void)
{
	char own[] = "quiet";

	puts(shout(own));
	puts(shout("never said"));
	return 0;
}
