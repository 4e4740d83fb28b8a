// The length of a copy is the difference of two positions in the wrong order.
//
// must: call-contract
// may: memory.read memory.write memory.unmapped memory.protection
// never: null use-after-free noncanonical
// function: cut_out
#include "lab.h"

struct range {
	size_t from, to;
};

APART static void cut_out(char *to, const char *text, struct range range)
{
	memcpy(to, text + range.from, range.to - range.from);
}

int main(void)
{
	static char text[4096], cut[4096];

	cut_out(cut, text, (struct range){ 10, 20 });
	cut_out(hidden(cut), hidden(text), (struct range){ 20, (size_t)hidden_number(10) });
	return cut[0];
}
