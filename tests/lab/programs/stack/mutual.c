// A parser of nested brackets and lists, given nothing but opening brackets.
//
// must: stack-overflow recursion
// may: memory.write memory.read limit* memory.unmapped memory.protection
// never: null use-after-free wild-jump return-corrupted
// function: parse_list
// build: -g -O1
#include "lab.h"

static long parse_list(const char **text);

APART static long parse_value(const char **text)
{
	char scratch[40];

	if (**text == '[')
		return parse_list(text) + 1;
	snprintf(scratch, sizeof(scratch), "%c", *(*text)++);
	return atoi(scratch);
}

APART static long parse_list(const char **text)
{
	long sum = 0;

	++*text;
	while (**text != ']')
		sum += parse_value(text);
	++*text;
	return sum;
}

int main(void)
{
	size_t size = 1 << 20;
	char *text = malloc(size + 1);

	memset(text, '[', size);
	text[size] = 0;
	const char *p = text;
	return (int)parse_value(&p);
}
