// Gives up as GLib's users do, in the way that the argument names.
#include <glib.h>
#include <string.h>

static void check(int number)
{
	g_assert(number > 30);
}

int main(int count, char **arguments)
{
	if (count > 1 && !strcmp(arguments[1], "assert"))
		check(count);
	if (count > 1 && !strcmp(arguments[1], "error"))
		g_error("cannot go on with %d", count);
	return 0;
}
