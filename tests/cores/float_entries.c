// A float that a function was passed, and that only its caller still knows, within an
// expression; then a write to address 8.
// Build: cc -g -O2 -o float_entries float_entries.c (x86-64)
volatile double sink;
__attribute__((noinline)) int hit(double half, int count)
{
	int value = (int)(count + half);
	__asm__ volatile ("pxor %%xmm0, %%xmm0" ::: "xmm0");
	*(volatile int *)8 = count;
	return 0;
}
int main(int argc, char **argv)
{
	int found = hit(100.5, argc * 27);
	sink = argc;
	return found;
}
