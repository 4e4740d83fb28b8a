// The other unit of tail_calls_units.c: a jump, and a write to address 8.
extern volatile int sink;
__attribute__((noinline)) static int last(int a, long b)
{
	int c = a * 2;
	sink = c;
	*(volatile int *)8 = 1;
	sink = b + 1;
	return 0;
}
int onwards(int a, long b)
{
	sink = a;
	return last(a + 10, b * 2);
}
