// One program with many bugs: `ledger BUG SEED`. What SEED changes (depth, numbers, the
// way that leads to the bug) says nothing about which bug it is. With EXTRA defined
// there is code around that has nothing to do with any of them.

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	struct entry *next;
	const char *name;
	long amount;
};

struct book {
	struct entry *entries;
	long count;
	long limit;
	void (*on_change)(struct book *book);
};

static volatile long seed;
static volatile long zero;
static char *volatile nowhere;
static volatile long sink;

#ifdef EXTRA
static long ballast(long value)
{
	long total = 0;
	for (long i = 0; i < value; i++)
		total += i * value ^ (total << 3);
	return total;
}

__attribute__((constructor)) static void more_ballast(void)
{
	char buffer[64];
	snprintf(buffer, sizeof(buffer), "%ld", ballast(seed));
	sink += (long)strlen(buffer);
}
#endif

static long text_length(const char *text)
{
	long length = 0;
	while (text[length])
		length++;
	return length;
}

static void parse_header(void)
{
	sink += text_length(nowhere);
}

static void parse_body(void)
{
	sink += text_length(nowhere) + 1;
}

static void append_entry(struct book *book, long amount)
{
	struct entry *last = book->entries;
	last->next = NULL;
	last->amount = amount;
	sink++;
}

static void handle_get(struct book *book)
{
	append_entry(book, 1);
	sink++;
}

static void handle_put(struct book *book)
{
	append_entry(book, 2);
	sink += 2;
}

static void lost_entry(void)
{
	struct book book = {.entries = (struct entry *)nowhere};
	if (seed % 2)
		handle_get(&book);
	else
		handle_put(&book);
	sink++;
}

static void check_limits(struct book *book)
{
	assert(book->count < book->limit);
	assert(book->entries != NULL);
	sink++;
}

static void over_limit(void)
{
	struct book book = {.count = 10 + seed, .limit = 1};
	check_limits(&book);
	sink++;
}

static void no_entries(void)
{
	struct book book = {.count = seed - 100, .limit = 1};
	check_limits(&book);
	sink++;
}

static void configuration_failed(const char *reason)
{
	fprintf(stderr, "%s %ld\n", reason, seed);
	abort();
}

static void load_settings(void)
{
	configuration_failed("no settings");
	sink++;
}

static long average(struct book *book)
{
	return book->limit / book->count;
}

static void report_average(void)
{
	struct book book = {.limit = 1 + seed, .count = zero};
	sink += average(&book);
}

static void close_session(char *session)
{
	free(session);
	sink++;
}

static void close_twice(void)
{
	char *session = malloc(24 + 16 * (seed % 3));
	nowhere = session;
	close_session(session);
	close_session(nowhere);
	sink++;
}

static void write_log(char *log)
{
	memset(log, 'A', 200);
	nowhere = log;
}

static void flush_log(char *log)
{
	free(log);
	sink++;
}

static void damaged_log(void)
{
	char *log = malloc(104);
	char *next = malloc(2000);
	nowhere = next;
	write_log(log);
	flush_log(next);
	sink++;
}

static void release_pool(void)
{
	free((char *)&seed + 8);
	sink++;
}

static long descend(struct entry *entry, long depth)
{
	char frame[128];
	snprintf(frame, sizeof(frame), "%ld", depth);
	sink += frame[0];
	long value = descend(entry, depth + 1);
	sink += frame[value & 15];
	return value;
}

static void bottomless(void)
{
	sink += descend(NULL, seed);
}

static long is_odd(long value);

static long is_even(long value)
{
	char frame[64 + 16];
	snprintf(frame, sizeof(frame), "%ld", value);
	long found = is_odd(value + 1);
	sink += frame[found & 15];
	return found;
}

static long is_odd(long value)
{
	char frame[32];
	snprintf(frame, sizeof(frame), "%ld", value);
	long found = is_even(value + 1);
	sink += frame[found & 15];
	return found;
}

static void endless_parity(void)
{
	sink += seed % 2 ? is_odd(seed) : is_even(seed);
}

static long parse_value(long depth);

static long parse_list(long depth)
{
	sink++;
	return parse_value(depth - 1) + 1;
}

static long parse_value(long depth)
{
	if (depth <= 0)
		return *(volatile long *)nowhere;
	sink++;
	return parse_list(depth) + 2;
}

static void parse_document(void)
{
	sink += parse_value(2 + seed);
}

static void dispatch(struct book *book)
{
	book->on_change(book);
	sink++;
}

static void no_listener(void)
{
	struct book book = {.on_change = (void (*)(struct book *))nowhere};
	dispatch(&book);
	sink++;
}

static void copy_record(char *target, const char *source, size_t size)
{
	memcpy(target, source, size);
	sink++;
}

static void copy_nothing(void)
{
	char target[64];
	copy_record(target, nowhere, 40 + seed % 8);
	sink += target[seed % 8];
}

static int compare_names(const void *one, const void *other)
{
	const struct entry *a = one, *b = other;
	return a->name[0] - b->name[0];
}

static void sort_entries(void)
{
	struct entry entries[64] = {0};
	for (int i = 0; i < 64; i++)
		entries[i].name = nowhere;
	qsort(entries, 8 + seed % 32, sizeof(entries[0]), compare_names);
	sink++;
}

static void read_line(const char *text, long size)
{
	char line[16];
	for (long i = 0; i < size; i++)
		line[i] = text[i % 4];
	sink += line[seed % 16];
}

static void long_line(void)
{
	read_line("abcd", 64 + seed);
	sink++;
}

static void next_state(long state)
{
	if (state > 2)
		__builtin_trap();
	sink += state;
}

static void unknown_state(void)
{
	next_state(3 + seed);
	sink++;
}

static void log_message(const char *name)
{
	char line[256];
	snprintf(line, sizeof(line), "name %s\n", name);
	sink += line[0];
}

static void log_nobody(void)
{
	log_message((const char *)(8 + seed % 8));
	sink++;
}

static void *worker(void *argument)
{
	struct book *book = argument;
	sink += book->count;
	return NULL;
}

static void run_worker(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, worker, nowhere);
	pthread_join(thread, NULL);
	sink++;
}

static void again(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void read_index(const long *index)
{
	sink += index[seed % 4];
}

static void caught_and_raised(void)
{
	signal(SIGSEGV, again);
	read_index((const long *)nowhere);
	sink++;
}

static void write_index(long *index)
{
	index[seed % 4] = 7;
}

static void write_nowhere(void)
{
	write_index((long *)nowhere);
	sink++;
}

static const struct {
	const char *name;
	void (*run)(void);
} bugs[] = {
	{"header", parse_header},
	{"body", parse_body},
	{"lost-entry", lost_entry},
	{"over-limit", over_limit},
	{"no-entries", no_entries},
	{"settings", load_settings},
	{"average", report_average},
	{"close-twice", close_twice},
	{"damaged-log", damaged_log},
	{"pool", release_pool},
	{"bottomless", bottomless},
	{"parity", endless_parity},
	{"document", parse_document},
	{"listener", no_listener},
	{"copy", copy_nothing},
	{"sort", sort_entries},
	{"line", long_line},
	{"state", unknown_state},
	{"log", log_nobody},
	{"worker", run_worker},
	{"index", caught_and_raised},
	{"write", write_nowhere},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	seed = argc > 2 ? atol(argv[2]) : 0;
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++)
		if (strcmp(bugs[i].name, name) == 0)
			bugs[i].run();
	for (size_t i = 0; argc == 1 && i < sizeof(bugs) / sizeof(bugs[0]); i++)
		puts(bugs[i].name);
	return argc > 1 && sink & 1;
}
