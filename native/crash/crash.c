// coresnap-crash: dies on purpose, in a way worth looking at.
//
// `coresnap catch-test` runs it to follow a crash through the whole suite. It has
// several threads, and locals of every common type in the frames that matter.
//
//     coresnap-crash [null|abort|divide|overflow|wait]
//
// "wait" sleeps until somebody kills it, for those who want to choose the signal.

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 3, SHELVES = 4 };

enum state { STATE_NEW, STATE_PAID, STATE_SHIPPED = 7, STATE_RETURNED };

struct item {
	const char *name;
	int quantity;
	double price;
	struct item *next;
};

struct order {
	uint64_t number;
	enum state state;
	char customer[16];
	unsigned urgent : 1;
	unsigned priority : 3;
	int16_t shelves[SHELVES];
	struct item *items;
	union {
		uint32_t address;
		uint8_t bytes[4];
	} origin;
	void (*on_failure)(void);
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *started;
	int number;
};

static volatile int shipped_orders;

__attribute__((noinline)) static void store_total(double *total, double value)
{
	*total = value;
}

__attribute__((noinline)) static double *find_ledger(const struct order *order)
{
	// The bug: nobody keeps a ledger for urgent orders.
	return order->urgent ? NULL : calloc(1, sizeof(double));
}

static void fail_null(struct order *order)
{
	const char *reason = "no ledger for urgent orders";
	double total = 0;

	for (const struct item *item = order->items; item; item = item->next)
		total += item->quantity * item->price;
	double *ledger = find_ledger(order);
	store_total(ledger, total);
	printf("%s\n", reason);
}

static void fail_divide(struct order *order)
{
	volatile int parcels = order->shelves[0];

	printf("%d\n", shipped_orders / parcels);
}

static int fail_overflow(struct order *order, int depth)
{
	volatile char block[4096];

	if (!order->items)
		return depth;
	memset((char *)block, depth, sizeof(block));
	return fail_overflow(order, depth + 1) + block[depth % 16];
}

static void ship(struct order *order, const char *way)
{
	char label[32];
	bool express = order->urgent && order->priority > 2;

	snprintf(label, sizeof(label), "%s/%llu", order->customer,
		 (unsigned long long)order->number);
	order->state = STATE_SHIPPED;
	if (!strcmp(way, "abort"))
		order->on_failure();
	else if (!strcmp(way, "divide"))
		fail_divide(order);
	else if (!strcmp(way, "overflow"))
		shipped_orders += fail_overflow(order, 0);
	else if (!strcmp(way, "wait"))
		for (;;)
			pause();
	else
		fail_null(order);
	printf("%s %d\n", label, express);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	char name[16];

	snprintf(name, sizeof(name), "worker-%d", worker->number);
#ifdef __linux__
	pthread_setname_np(pthread_self(), name);
#endif
	pthread_barrier_wait(worker->started);
	for (;;)
		pause();
	return NULL;
}

static void start_workers(struct worker *workers, pthread_barrier_t *started)
{
	pthread_barrier_init(started, NULL, WORKERS + 1);
	for (int i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		workers[i].started = started;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	pthread_barrier_wait(started);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "null";
	struct worker workers[WORKERS];
	pthread_barrier_t started;
	struct item nails = {"nails", 200, 0.02, NULL};
	struct item hammer = {"hammer", 1, 17.5, &nails};
	struct order order = {
		.number = 20160424,
		.state = STATE_PAID,
		.customer = "S. Bahra",
		.urgent = 1,
		.priority = 5,
		.shelves = {0, 3, -7, 12},
		.items = &hammer,
		.origin.address = 0x7f000001,
		.on_failure = abort,
	};

	start_workers(workers, &started);
	ship(&order, way);
	return 0;
}
