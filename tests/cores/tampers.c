// Changes what protects it, in the way that the argument names, and faults.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile long none;

__attribute__((noinline, aligned(64))) static int answer(void)
{
	// Room for what is changed: nobody calls it before the fault.
	__asm__ volatile(".rept 128\n\tnop\n\t.endr");
	return 42 + (int)none;
}

__attribute__((noinline)) static void fault(void)
{
	*(volatile int *)none = 1;
}

static void protect(void *address, int protection)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)address & ~(page - 1);
	if (mprotect((void *)start, page, protection))
		exit(3);
}

// Puts another constant into answer().
static void patch(int keeps)
{
	unsigned char *code = (unsigned char *)answer;
	protect(code, PROT_READ | PROT_WRITE | PROT_EXEC);
	code[48] ^= 0x55;
	code[49] ^= 0x55;
	if (!keeps)
		protect(code, PROT_READ | PROT_EXEC);
}

static void breakpoint(void)
{
	unsigned char *code = (unsigned char *)answer;
	protect(code, PROT_READ | PROT_WRITE | PROT_EXEC);
	code[48] = 0xCC;
	protect(code, PROT_READ | PROT_EXEC);
}

// Overwrites the first slot through which puts is called.
static void redirect(void)
{
	extern char _GLOBAL_OFFSET_TABLE_[];
	void **slots = (void **)_GLOBAL_OFFSET_TABLE_;
	puts("resolved");
	slots[3] = malloc(16);
}

// What a compiler at run time does.
static void generate(void)
{
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(code, 0x90, 4096);
}

static void pivot(void)
{
	static const char readonly[64] = "no stack";
	__asm__ volatile("mov %0, %%rsp\n\tmovl $1, 0" : : "r"(readonly + 32) : "memory");
}

int main(int count, char **arguments)
{
	const char *way = count > 1 ? arguments[1] : "";
	if (!strcmp(way, "patch"))
		patch(0);
	if (!strcmp(way, "writable"))
		patch(1);
	if (!strcmp(way, "breakpoint"))
		breakpoint();
	if (!strcmp(way, "redirect"))
		redirect();
	if (!strcmp(way, "generate"))
		generate();
	if (!strcmp(way, "pivot"))
		pivot();
	fault();
	return answer();
}
