// A driver's code, run as an ordinary process, writes to a port.
//
// must: privileged
// never: memory.* null* noncanonical illegal-instruction
// function: send_byte
// build: -g -O2
#include "lab.h"

APART static void send_byte(unsigned short port, unsigned char byte)
{
	__asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

int main(void)
{
	send_byte(0x3f8, 'A');
	return 0;
}
