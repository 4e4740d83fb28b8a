// Code that came in over the network runs in a buffer on the stack.
//
// must: memory.exec security.nx
// may: wild-jump security memory.protection return-corrupted
// never: null memory.unmapped stack-overflow
// function: serve
// build: -g -O1
#include "lab.h"

APART static int serve(const unsigned char *packet, size_t size)
{
	unsigned char buffer[64];

	memcpy(buffer, packet, size);
	return ((int (*)(void))hidden(buffer))();
}

int main(void)
{
	static const unsigned char packet[] = { 0x90, 0x90, 0x31, 0xc0, 0xc3 };

	return serve(packet, sizeof(packet));
}
