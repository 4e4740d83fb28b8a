// Gives itself the name that it is told to have, then crashes.

#include <sys/prctl.h>

int main(int argc, char **argv)
{
	if (argc > 1)
		prctl(PR_SET_NAME, argv[1]);
	*(volatile int *)8 = 1;
	return 0;
}
