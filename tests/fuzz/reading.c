// A small program without a library, which waits in a system call below some frames.
// Build: cc -g -O1 -nostdlib -static reading.c
#include <stdarg.h>

enum color { RED, GREEN = 5 };

struct point {
	int x, y;
};

struct node {
	struct node *next;
	const char *name;
	struct point at;
	union {
		int whole;
		unsigned char bytes[4];
	};
	unsigned ready : 1, mode : 3;
	enum color color;
	double ratios[2][2];
	void (*stop)(long);
};

int counter = 7;

static void stop(long more)
{
	volatile long result = more;

	// pause(2)
	__asm__ volatile("syscall" : "=a"(more) : "a"(34L) : "rcx", "r11", "memory");
	result += more;
}

static inline __attribute__((always_inline)) long aim(struct node *list, int value)
{
	long sum = list->at.x + value;

	list->stop(sum);
	return sum + 1;
}

__attribute__((noinline)) long hold(struct node *list, int n, double ratio)
{
	static int calls = 3;
	int numbers[n];
	volatile char text[8] = "text";

	for (int i = 0; i < n; i++) {
		numbers[i] = i * n;
	}
	{
		int shadow = calls + (int)ratio;
		calls += (int)aim(list, shadow);
	}
	return numbers[n - 1] + text[0] + calls;
}

__attribute__((noinline)) long recurse(struct node *list, int depth)
{
	volatile int level[2] = {depth, depth * 10};

	if (depth == 0) {
		return hold(list, 3, 0.5) + level[0];
	}
	return recurse(list, depth - 1) + level[1];
}

__attribute__((noinline)) static long begin(void)
{
	struct node last = {.name = "last", .at = {3, 4}, .stop = stop};
	struct node first = {&last, "first", {5, 6}, {258}, 1, 5, GREEN, {{1, 2}, {3}}, stop};

	last.next = &first;
	return recurse(&first, 2) + counter;
}

// Its frame has no caller, which its call frame information says.
__attribute__((naked, noreturn)) void _start(void)
{
	__asm__(".cfi_undefined rip\n\tand $-16, %%rsp\n\tcall %P0\n\tud2" : : "i"(begin));
}
