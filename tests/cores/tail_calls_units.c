// Calls a function of another unit, which this one only declares, and which jumps on.
// Build: cc -g -O2 tail_calls_elsewhere.c tail_calls_units.c
volatile int sink;
int onwards(int a, long b);
__attribute__((noinline)) static void handler(int n, long m)
{
	int local = n * 3;
	sink = local;
	onwards(n + 1, m);
	sink = local;
}
int main(int argc, char **argv)
{
	handler(argc, 77);
	return sink;
}
