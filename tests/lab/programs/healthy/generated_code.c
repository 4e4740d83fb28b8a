// A just-in-time compiler: code in anonymous memory that may be written and executed.
//
// must: signal.sent
// may: security.wx security
// never: security.nx wild-jump return-corrupted memory.* null* heap.*
// kind: healthy
// by: signal SIGQUIT
#include <sys/mman.h>
#include "lab.h"

int main(void)
{
	// dec rdi; jnz -5; ret
	static const unsigned char code[] = { 0x48, 0xff, 0xcf, 0x75, 0xfb, 0xc3 };
	unsigned char *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(place, code, sizeof(code));
	tell_ready();
	for (;;)
		((void (*)(unsigned long))place)(1UL << 40);
}
