// Every kind of C variable in a few frames, and several ways to die below them.
#include <complex.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define KEEP __attribute__((noinline))

enum color { RED, GREEN = 5, BLUE };
enum access { READ = 1, WRITE = 2, EXECUTE = 4 };
enum negative { MINUS = -3, PLUS = 3 };

struct point {
	int x, y;
};

struct flags {
	unsigned ready : 1;
	unsigned mode : 3;
	int level : 5;
	enum color color : 4;
	uint64_t wide : 40;
	bool on : 1;
};

struct node {
	struct node *next;
	const char *name;
	int (*compare)(const void *, const void *);
	struct point at;
	union {
		int whole;
		unsigned char bytes[4];
	};
	struct flags flags;
};

struct opaque;

typedef struct {
	double matrix[2][3];
	float complex wave;
	char tag[8];
	struct {
		short low, high;
	} range;
} record_t;

typedef struct point (*maker_t)(int, int);

int counter = 7;
static const char *const words_of_all[] = {"alpha", "beta", NULL};
static __thread int own = 3;
static volatile int *volatile nowhere = (volatile int *)8;
static pthread_barrier_t meeting;

static int ascending(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

static struct point make(int x, int y)
{
	struct point made = {x, y};
	return made;
}

static inline __attribute__((always_inline)) int hit(int value, const char *why)
{
	int doubled = value * 2;
	volatile int kept = doubled + why[0];

	*nowhere = kept;
	return kept + doubled;
}

static inline __attribute__((always_inline)) int aim(struct node *list, int value)
{
	int sum = list->at.x + value;
	return hit(sum, list->name) + sum;
}

KEEP int write_low(struct node *list, record_t *record, int n, double ratio, const char *text)
{
	static int calls = 41;
	int vla[n];

	calls++;
	for (int i = 0; i < n; i++) {
		vla[i] = i * n;
	}
	{
		long inner = list->at.x + vla[n - 1];
		int shadow = (int)inner;
		{
			char shadow = text[0];
			aim(list, (int)(inner + ratio + shadow + record->matrix[0][0]));
		}
		calls += shadow;
	}
	return vla[0] + calls + own;
}

KEEP int give_up(struct node *list, float single, bool yes)
{
	char message[24] = "cannot go on";
	unsigned length = (unsigned)strlen(message);

	if (yes && single > 0) {
		abort();
	}
	return list->at.y + (int)length;
}

KEEP int compare_badly(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	int difference = a->x - b->x;

	if (a->y == 4 || b->y == 4) {
		*nowhere = difference;
	}
	return difference;
}

KEEP int sort_points(struct node *list)
{
	struct point points[4] = {{9, 1}, {7, 2}, {5, 3}, {3, 4}};
	size_t count = sizeof(points) / sizeof(points[0]);

	qsort(points, count, sizeof(points[0]), compare_badly);
	return points[0].x + list->at.x;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	int code = info->si_code;
	const char *name = number == SIGUSR1 ? "SIGUSR1" : "another";

	*nowhere = code + name[0];
	(void)context;
}

KEEP int interrupt(struct node *list)
{
	static char stack[64 * 1024];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	return list->at.x;
}

static void *wait_idly(void *argument)
{
	struct node *mine = argument;
	long seconds = mine->at.x;

	pthread_barrier_wait(&meeting);
	for (;;) {
		sleep((unsigned)seconds);
	}
	return mine;
}

static void *work(void *argument)
{
	struct node *mine = argument;
	record_t record = {.matrix = {{1, 2, 3}, {4, 5, 6}}, .tag = "worker"};

	own = 9;
	pthread_barrier_wait(&meeting);
	usleep(10000);
	int result = write_low(mine, &record, 4, 0.5, "in a thread");
	mine->at.x = result;
	return mine;
}

KEEP int spread(struct node *list)
{
	pthread_t idle[2], worker;
	void *result;

	pthread_barrier_init(&meeting, NULL, 3);
	for (int i = 0; i < 2; i++) {
		pthread_create(&idle[i], NULL, wait_idly, list);
	}
	pthread_create(&worker, NULL, work, list);
	pthread_join(worker, &result);
	return result == list;
}

KEEP int last_of_tail(int value, struct node *list)
{
	int rest = value + list->at.x;
	*nowhere = rest;
	return rest;
}

KEEP int middle_of_tail(struct node *list, int value)
{
	return last_of_tail(value * 3, list->next);
}

KEEP int tail(struct node *list)
{
	int value = list->at.y * 5;
	return middle_of_tail(list, value);
}

static int die(const char *way, struct node *list, record_t *record, double real)
{
	if (strcmp(way, "abort") == 0) {
		return give_up(list, 2.5f, true);
	}
	if (strcmp(way, "callback") == 0) {
		return sort_points(list) + 1;
	}
	if (strcmp(way, "handler") == 0) {
		return interrupt(list) + 1;
	}
	if (strcmp(way, "thread") == 0) {
		return spread(list) + 1;
	}
	if (strcmp(way, "tail") == 0) {
		return tail(list) + 1;
	}
	return write_low(list, record, 3 + (int)strlen(way) % 2, real, way) + 1;
}

KEEP int hold(const char *way, int argc)
{
	signed char small = -5;
	unsigned char byte = 200;
	char letter = 'x', newline = '\n';
	short medium = -300;
	unsigned short umedium = 60000;
	long long big = -5000000000LL;
	unsigned long long ubig = 18000000000000000000ULL;
#ifdef __SIZEOF_INT128__
	__int128 huge = ((__int128)1 << 100) + 3;
	unsigned __int128 uhuge = ~(unsigned __int128)0;
#endif
	bool yes = true, no = false;
	float single = 1.5f;
	double real = -2.25;
	long double extended = 3.125L;
	double complex wave = 1.0 + 2.0 * I;
	enum color color = GREEN;
	enum access access = READ | EXECUTE;
	enum negative negative = MINUS;
	wchar_t wide = L'w';
	char buffer[16] = "hello";
	wchar_t wide_buffer[8] = L"wide";
	const char *text = "some text";
	const char *nothing = NULL;
	struct point origin = {1, -1};
	struct node last = {.name = "last", .compare = ascending, .at = {3, 4}};
	struct node first = {.next = &last, .name = "first", .at = {5, 6}, .whole = 258};
	struct node *self = &first;
	struct node **handle = &self;
	struct opaque *opaque = (struct opaque *)&first;
	void *any = &big;
	int numbers[5] = {1, 2, 3, 4, argc};
	struct point points[2] = {{1, 2}, {3, 4}};
	char words[2][6] = {"one", "two"};
	maker_t maker = make;
	int (*table[2])(const void *, const void *) = {ascending, NULL};
	record_t record = {{{1, 2, 3}, {4, 5, 6}}, 7.0f, "tagged", {-1, 1}};
	int *invalid = (int *)0x10;

	first.flags = (struct flags){1, 5, -7, BLUE, 0xabcdef0123, true};
	last.next = &first;
	int result = die(way, *handle, &record, real);
#ifdef __SIZEOF_INT128__
	result += (int)huge + (int)uhuge;
#endif
	return result + small + byte + letter + newline + medium + umedium + (int)big + (int)ubig +
	       yes + no + (int)single + (int)extended + (int)creal(wave) + color + access +
	       negative + wide + buffer[0] + wide_buffer[0] + (nothing == NULL) + origin.x +
	       (opaque == any) + numbers[argc] + points[1].x + words[1][0] + maker(1, 2).x +
	       table[0](numbers, numbers) + (invalid == NULL) + text[0] +
	       (words_of_all[0] != NULL);
}

// Recursion that stays one: each level looks at its own array after the call.
int strike(const char *way, int depth)
{
	int level[2] = {depth, depth * 10};
	int *mine = level;

	if (depth == 0) {
		return hold(way, 1) + *mine;
	}
	int below = strike(way, depth - 1);
	return below + mine[1];
}
