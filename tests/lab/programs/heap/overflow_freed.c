// A block is written too far, into a freed one whose link is then handed out. In one
// run of sixteen the link passes malloc's check of its alignment, and malloc reads
// through it.
//
// must: heap.overflow|heap.corrupt
// may: heap.corrupt heap.overflow abort memory.read noncanonical
// never: memory.write null* double-free invalid-free
// function: next_token
// only: glibc
#include "lab.h"

struct token {
	char text[40];
};

APART static struct token *next_token(const char *text, size_t length)
{
	struct token *token = malloc(sizeof(*token));

	memcpy(hidden(token), text, length);
	return token;
}

int main(void)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
				   "abcdefghijklmnopqrstuvwxyz";
	struct token *a = next_token(text, 10), *b = next_token(text, 10);
	struct token *c = next_token(text, 10), *d = next_token(text, 10);

	free(d);
	free(c);
	tell_block("live", b, sizeof(*b));
	memcpy(hidden(b), text, 70);
	next_token(text, 20);
	next_token(text, 20);
	return a->text[0];
}
