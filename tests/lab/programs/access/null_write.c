// A buffer that was never made gets its first character.
//
// must: null memory.write
// may: null.write memory.unmapped
// function: append
// build: -g -O2
#include "lab.h"

struct text {
	size_t length;
	size_t capacity;
	char *characters;
};

APART static void append(struct text *text, char character)
{
	if (text->length == text->capacity)
		return;
	text->characters[text->length++] = character;
}

int main(void)
{
	struct text *text = calloc(1, sizeof(*text));

	text->capacity = (size_t)hidden_number(16);
	for (const char *p = "hello"; *p; p++)
		append(text, *p);
	return (int)text->length;
}
