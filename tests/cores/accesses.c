// Executes instructions that an assembler file brings, each on its own, and prints what
// the kernel said of each: signal, si_code, si_addr, err, trapno, cr2, registers.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static char *const forbidden = (char *)0x1000000000;
extern void (*const cases[])(void);
extern const int case_count;
static sigjmp_buf back;

static void caught(int number, siginfo_t *info, void *data)
{
	ucontext_t *context = data;
	greg_t *g = context->uc_mcontext.gregs;
	unsigned long long *x = (void *)context->uc_mcontext.fpregs->_xmm;
	printf("%d %d %llx %llx %llx %llx", number, info->si_code,
	       (unsigned long long)info->si_addr, (unsigned long long)g[REG_ERR],
	       (unsigned long long)g[REG_TRAPNO], (unsigned long long)g[REG_CR2]);
	int names[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP,
		       REG_RSP, REG_RIP};
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		printf(" %llx", (unsigned long long)g[names[i]]);
	printf(" %llx %llx\n", x[0], x[1]);
	siglongjmp(back, 1);
}

int main(void)
{
	static char stack[1 << 16];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction action = {.sa_sigaction = caught};
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaltstack(&alternate, NULL);
	for (int number = 1; number < 32; number++)
		sigaction(number, &action, NULL);
	mmap(forbidden - (1 << 20), 1 << 21, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
	for (volatile int number = 0; number < case_count; number++) {
		if (sigsetjmp(back, 1) == 0) {
			cases[number]();
			printf("silent\n");
		}
	}
	return 0;
}
