// Functions that end in a call, which at -O2 is a jump: their frames are gone, and what
// they were passed is known from the calls alone. Then a write to address 8.
// Build: cc -g -O2 -o tail_calls tail_calls.c; run with three arguments.
#include <stdlib.h>
volatile int sink;
__attribute__((noinline)) static int last(int a, long b, int *p)
{
	int c = a * 2;
	sink = c;
	*(volatile int *)8 = 1;
	sink = b + 1;
	return 0;
}
__attribute__((noinline)) static int middle(int a, long b, int *p)
{
	sink = a;
	return last(a + 1, b * 2, p);
}
__attribute__((noinline)) int first(int a, int *p)
{
	sink = 1;
	return middle(a + 10, 77, p);
}
__attribute__((noinline)) static void die(int x, const char *text) { sink = x; abort(); }
__attribute__((noinline)) static void other(int x, const char *text) { sink = x; die(x + 1, text); }
__attribute__((noinline)) static void handler(int n, char **argv, long unused)
{
	int local = n * 3;
	sink = local;
	if (n > 4) other(local, argv[0]);
	sink = 3;
	first(n, (int *)argv);
	sink = local;
}
int main(int argc, char **argv)
{
	for (int i = 0; i < 1; i++) handler(argc + i, argv, i);
	sink = argc;
	return sink;
}
