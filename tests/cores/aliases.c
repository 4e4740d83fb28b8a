// A freed node whose pointer lives on in every kind of place, and numbers that equal it.
//
//     aliases          uses the node: a write through a pointer that it holds
//     aliases read     a read of the node's list, whose pointer malloc has overwritten

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct node {
	long id;
	char *name;
	struct node *next;
};

struct owner {
	int count;
	struct node *held;
};

struct outer {
	long pad;
	struct owner *owner;
};

struct node *global_node;
static struct owner file_owner;
static __thread struct node *own_node;
struct outer *root;
unsigned long look_alike;
static int ready;

static void *other(void *argument)
{
	struct node *mine = argument;
	own_node = mine;
	__atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
	pause();
	printf("%p\n", (void *)own_node);
	return mine;
}

__attribute__((noinline)) static void use(struct node *node, int read)
{
	struct {
		struct node *inner;
		unsigned long number;
	} local = { node, (unsigned long)node };
	struct owner *owner = malloc(sizeof(*owner));
	struct outer *outer = malloc(sizeof(*outer));

	owner->count = 7;
	owner->held = node;
	outer->owner = owner;
	root = outer;
	look_alike = local.number;
	global_node = node;
	file_owner.held = node;
	own_node = node;
	free(node);
	if (read)
		printf("%d\n", node->name[0]);
	node->next->id = 3;
	printf("%p %d %lu\n", (void *)local.inner, file_owner.count, local.number);
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct node *node = malloc(sizeof(*node));

	node->id = 5;
	node->name = (char *)0x424242424242;
	node->next = (struct node *)0x414141414141;
	pthread_create(&thread, NULL, other, node);
	while (!__atomic_load_n(&ready, __ATOMIC_SEQ_CST))
		usleep(1000);
	use(node, argc > 1 && argv[1][0] == 'r');
	return 0;
}
