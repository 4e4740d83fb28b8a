// A negative index writes into the table that calls into libraries go through.
//
// must: wild-jump|memory.exec|security.got
// may: memory.* wild-jump security* invalid-pointer noncanonical
// never: null use-after-free return-corrupted
// build: -g -O0 -no-pie -fno-pie -Wl,-z,norelro,-z,lazy
#include <elf.h>
#include "lab.h"

static long scores[16];

extern Elf64_Dyn _DYNAMIC[];

APART static void set_score(long which, long value)
{
	scores[which] = value;
}

int main(void)
{
	Elf64_Dyn *entry = _DYNAMIC;

	puts("before");
	while (entry->d_tag != DT_PLTGOT)
		entry++;
	// The first slots are the loader's; puts is behind them.
	long first = (long *)entry->d_un.d_ptr - scores;
	for (long slot = first + 3; slot < first + 5; slot++)
		set_score(slot, 0x1122334455);
	puts("after");
	return 0;
}
