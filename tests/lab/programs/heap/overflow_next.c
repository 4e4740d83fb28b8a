// A label is longer than the block it was copied into; the next block is freed later.
//
// must: heap.overflow
// may: heap.corrupt abort
// never: memory.* null* double-free use-after-free stack-smash invalid-free
// function: close_all
// only: glibc
#include "lab.h"

struct label {
	char text[24];
};

APART static struct label *make_label(const char *text)
{
	struct label *label = malloc(sizeof(*label));

	strcpy(hidden(label), text);
	return label;
}

APART static void close_all(struct label **labels, int count)
{
	for (int i = count; i-- > 0;)
		free(labels[i]);
}

int main(void)
{
	struct label *labels[6];

	for (int i = 0; i < 6; i++)
		labels[i] = make_label("short");
	tell_block("live", labels[3], sizeof(struct label));
	strcpy(hidden(labels[3]), "a label that is much longer than its block is");
	close_all(labels, 6);
	return 0;
}
