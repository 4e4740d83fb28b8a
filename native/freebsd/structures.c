// Compiles only where structures.h says what FreeBSD's headers say.
#include <sys/param.h>
#include <sys/exec.h>
#include <sys/kerneldump.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/user.h>
#include <machine/reg.h>
#include <signal.h>
#include <stddef.h>

#if defined(__x86_64__)
#define HERE(amd64, arm64, i386, arm, riscv64) amd64
#elif defined(__aarch64__)
#define HERE(amd64, arm64, i386, arm, riscv64) arm64
#elif defined(__i386__)
#define HERE(amd64, arm64, i386, arm, riscv64) i386
#elif defined(__arm__)
#define HERE(amd64, arm64, i386, arm, riscv64) arm
#elif defined(__riscv)
#define HERE(amd64, arm64, i386, arm, riscv64) riscv64
#endif

#define STRUCTURE(tag, ...) \
	_Static_assert(sizeof(struct tag) == HERE(__VA_ARGS__), #tag);
#define MEMBER(tag, member, ...) \
	_Static_assert(offsetof(struct tag, member) == HERE(__VA_ARGS__), #tag "." #member);

#include "structures.h"
