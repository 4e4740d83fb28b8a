// A compiler of expressions forgets to make its code executable.
//
// must: memory.exec security.nx
// may: wild-jump security memory.protection
// never: null memory.unmapped use-after-free double-free
// function: evaluate
#include "lab.h"

struct function {
	size_t size;
	unsigned char code[100];
};

APART static int evaluate(const struct function *function, int argument)
{
	return ((int (*)(int))function->code)(argument);
}

int main(void)
{
	static const unsigned char code[] = { 0x8d, 0x47, 0x01, 0xc3 };
	struct function *function = malloc(sizeof(*function));

	memcpy(function->code, code, sizeof(code));
	return evaluate(hidden(function), 1);
}
