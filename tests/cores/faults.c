// One fault of each kind that a processor and a kernel can find, chosen by name.

#define _GNU_SOURCE
#include <fcntl.h>
#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#define NOINLINE __attribute__((noinline))

struct node {
	volatile long value;
	struct node *volatile next;
};

static volatile long sink;

static void give_up(int number)
{
	abort();
}

static void give_up_with_info(int number, siginfo_t *info, void *context)
{
	abort();
}

NOINLINE static void link_to(struct node *node)
{
	node->next = node;
}

NOINLINE static long value_of(struct node *node)
{
	return node->next->value;
}

NOINLINE static int descend(volatile int depth)
{
	volatile char local[200];
	local[depth % 200] = 1;
	return depth ? descend(depth + 1) + local[3] : 0;
}

NOINLINE static int odd(volatile int depth);

NOINLINE static int even(volatile int depth)
{
	volatile char local[100];
	local[depth % 100] = 1;
	return odd(depth + 1) + local[0];
}

NOINLINE static int odd(volatile int depth)
{
	volatile char local[100];
	local[depth % 100] = 1;
	return even(depth + 1) + local[0];
}

static void *descend_in_thread(void *unused)
{
	descend(1);
	return NULL;
}

NOINLINE static void return_to(unsigned long address)
{
	volatile unsigned long local[1];
	for (volatile int at = 0; at < 8; at++)
		local[at] = address;
}

NOINLINE static char large_frame(void)
{
	volatile char local[16 << 20];
	local[5] = 1;
	return local[7];
}

static void forbid_getuid(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, filter};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void *page(int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void handle_with_info(int number)
{
	struct sigaction action = {.sa_sigaction = give_up_with_info};
	action.sa_flags = SA_SIGINFO;
	sigaction(number, &action, NULL);
}

static void bad_pointer(const char *name)
{
	volatile long zero = 0;
	struct node text = {0, (struct node *)0x4141414141414141};
	char *gone = page(PROT_READ | PROT_WRITE);
	munmap(gone, 4096);

	if (!strcmp(name, "null-write"))
		link_to((struct node *)zero);
	if (!strcmp(name, "null-read"))
		sink = value_of((struct node *)zero);
	if (!strcmp(name, "text"))
		sink = value_of(&text);
	if (!strcmp(name, "unmapped"))
		sink = *(volatile char *)gone;
	if (!strcmp(name, "small"))
		memset((void *)(zero + 0x5000), 1, 100000);
	if (!strcmp(name, "read-only"))
		++*(volatile int *)page(PROT_READ);
	if (!strcmp(name, "constant"))
		*(volatile char *)"constant" = 'x';
	if (!strcmp(name, "misaligned"))
		__asm__ volatile("movaps %%xmm0, (%0)" ::"r"((char *)&text + 1));
}

static void bad_jump(const char *name)
{
	volatile long zero = 0;

	if (!strcmp(name, "null-call"))
		((void (*)(void))zero)();
	if (!strcmp(name, "wild-call"))
		((void (*)(void))(zero + 0x123456789000))();
	if (!strcmp(name, "text-call"))
		((void (*)(void))(zero + 0x4141414141414141))();
	if (!strcmp(name, "stack-call"))
		((void (*)(void))&zero)();
	if (!strcmp(name, "wild-return"))
		return_to(0x123456789000);
	if (!strcmp(name, "text-return"))
		return_to(0x4141414141414141);
}

static void refused(const char *name)
{
	volatile int zero = 0, least = INT_MIN;
	volatile double nothing = 0;

	if (!strcmp(name, "divide"))
		sink = 5 / zero;
	if (!strcmp(name, "divide-overflow"))
		sink = least / (zero - 1);
	if (!strcmp(name, "float")) {
		feenableexcept(FE_DIVBYZERO);
		nothing = 1 / nothing;
	}
	if (!strcmp(name, "trap"))
		__builtin_trap();
	if (!strcmp(name, "breakpoint"))
		__asm__("int3");
	if (!strcmp(name, "privileged"))
		__asm__("hlt");
	if (!strcmp(name, "illegal"))
		__asm__(".byte 0x06");
	if (!strcmp(name, "seccomp")) {
		forbid_getuid();
		syscall(SYS_getuid);
	}
}

static void full_stack(const char *name)
{
	pthread_t thread;

	if (!strcmp(name, "recursion"))
		descend(1);
	if (!strcmp(name, "mutual"))
		even(1);
	if (!strcmp(name, "large-frame"))
		large_frame();
	if (!strcmp(name, "thread-recursion")) {
		pthread_create(&thread, NULL, descend_in_thread, NULL);
		pthread_join(thread, NULL);
	}
}

static void short_file(const char *name)
{
	if (strcmp(name, "short-file"))
		return;
	FILE *file = tmpfile();
	char *mapped = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(file), 0);
	sink = mapped[5000];
}

static void sent(const char *name)
{
	if (!strcmp(name, "raise"))
		raise(SIGSEGV);
	if (!strcmp(name, "kill"))
		kill(getpid(), SIGBUS);
	if (!strcmp(name, "abort"))
		abort();
}

int main(int count, char **arguments)
{
	const char *name = count > 1 ? arguments[1] : "";

	if (!strncmp(name, "handled-", 8)) {
		name += 8;
		for (int number = 1; number < 32; number++)
			if (number != SIGABRT)
				signal(number, give_up);
	} else if (!strncmp(name, "told-", 5)) {
		name += 5;
		for (int number = 1; number < 32; number++)
			if (number != SIGABRT)
				handle_with_info(number);
	}
	bad_pointer(name);
	bad_jump(name);
	refused(name);
	full_stack(name);
	short_file(name);
	sent(name);
	return 0;
}
