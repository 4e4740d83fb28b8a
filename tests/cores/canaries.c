// Secrets in the environment, in a vector register, in freed stack below the stack
// pointer's reach, in memory that must not be dumped; then a crash. No variable leads
// to any of them.
// Build: cc -g -O0 -o canaries canaries.c

#define _GNU_SOURCE

#include <emmintrin.h>
#include <string.h>
#include <sys/mman.h>

enum { SIZE = 4096 };

// What is stored is one more than each letter here: the program does not hold the text.
static void reveal(char *target, const char *hidden)
{
	for (; *hidden; hidden++)
		*target++ = (char)(*hidden + 1);
}

__attribute__((noinline)) static void fill_register(void)
{
	char moved[16];

	reveal(moved, "qdfhrsdq,b`m`qx,");
	__asm__ volatile("movdqu (%0), %%xmm15" : : "r"(moved) : "xmm15");
	// Not on the stack any more.
	explicit_bzero(moved, sizeof(moved));
}

static void fill_excluded(void)
{
	char *area = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(area, SIZE, MADV_DONTDUMP);
	reveal(area, "dwbktcdc,b`m`qx,");
}

static void fill_heapless_memory(void)
{
	char *area = mmap(NULL, 64 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	reveal(area + 32 * SIZE, "rs`xr,b`m`qx,hm,");
}

int main(void)
{
	fill_excluded();
	fill_heapless_memory();
	fill_register();
	__asm__ volatile("movl $0, 8" : : : "memory");
	return 0;
}
