// The C library's own assertion: a mutex that something wrote into.
//
// must: assert
// may: abort
// never: memory.* null* double-free deadlock
// function: deposit
#include <pthread.h>
#include "lab.h"

struct account {
	char owner[16];
	pthread_mutex_t lock;
	long balance;
};

APART static void deposit(struct account *account, long amount)
{
	pthread_mutex_lock(&account->lock);
	account->balance += amount;
	pthread_mutex_unlock(&account->lock);
}

int main(void)
{
	struct account *account = calloc(1, sizeof(*account));

	pthread_mutex_init(&account->lock, NULL);
	deposit(account, 10);
	// Twelve characters too many, the first four of which are a free lock's.
	memcpy(hidden(account->owner + 16), "\0\0\0\0\0\0\0\0oops", 12);
	deposit(account, 20);
	return 0;
}
