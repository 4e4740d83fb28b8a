// Asks for memory until there is no more, and loses or keeps what it gets.
//
// Built with -g -O0; run as `out_of_memory lose` or `out_of_memory keep`.

#include <cstring>
#include <new>
#include <sys/resource.h>

struct node {
	node *next;
	char payload[4000];
};

static node *kept;

int main(int, char **argv)
{
	struct rlimit limit = {64 << 20, 64 << 20};
	setrlimit(RLIMIT_AS, &limit);
	for (;;) {
		node *one = new node;
		one->next = kept;
		if (std::strcmp(argv[1], "keep") == 0)
			kept = one;
	}
}
