// Runs native/library on the bytes of its standard input, for the sanitizers to watch.
//
//     library_driver zero                 1 or 0
//     library_driver notes ALIGN BIG      name-size type offset size, and the result
//     library_driver scan NARROW BIG      offset value; the input begins with spans
//     library_driver sparse FILE LIMIT    bytes-in stored size holes, and the result
//     library_driver chunks NARROW BIG STOP TOP FROM
//                                         status at size and counts, marks; what is found
//     library_driver list NARROW BIG MANGLED BIAS LEAST MOST FIRST LIMIT
//                                         both ways: status at, the entries
//
// The input lies in a block of exactly its size, so that one byte beyond is noticed.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "chunk_list.h"
#include "chunk_walk.h"
#include "elf_notes.h"
#include "pointer_scan.h"
#include "sparse_writer.h"
#include "zero_scan.h"

enum { BATCH = 3 }; // small, so that walks are taken up again

static uint8_t *read_input(size_t *ret_size)
{
	size_t size = 0, capacity = 1 << 20;
	uint8_t *data = malloc(capacity);
	ssize_t got;

	while (data && (got = read(STDIN_FILENO, data + size, capacity - size)) > 0)
		size += (size_t)got;
	uint8_t *exact = malloc(size ? size : 1);
	if (data && exact && size)
		memcpy(exact, data, size);
	free(data);
	*ret_size = size;
	return exact;
}

static int walk(const uint8_t *data, size_t size, uint32_t align, bool big_endian)
{
	struct elf_note notes[BATCH];
	size_t position = 0, found = BATCH;
	int error = 0;

	while (!error && found == BATCH) {
		error = elf_notes_walk(data, size, align, big_endian, notes, BATCH, &position,
				       &found);
		for (size_t i = 0; i < found; i++)
			printf("%u %u %llu %u\n", notes[i].name_size, notes[i].type,
			       (unsigned long long)notes[i].description_offset,
			       notes[i].description_size);
	}
	printf("%d\n", error);
	return 0;
}

// The input: number of spans, (start, end) of each, all 64-bit words; then the data.
static int scan(const uint8_t *data, size_t size, bool narrow, bool big_endian)
{
	struct pointer_scan *scan = malloc(sizeof(*scan));
	struct pointer_match matches[BATCH];
	uint64_t count = 0;
	size_t position = 0, found = BATCH;

	if (size >= sizeof(count))
		memcpy(&count, data, sizeof(count));
	size_t head = sizeof(count) + count * sizeof(struct pointer_span);
	struct pointer_span *spans = malloc(head);
	uint8_t *words = malloc(size - head ? size - head : 1);
	if (!scan || !spans || !words)
		return 1;
	memcpy(spans, data + sizeof(count), head - sizeof(count));
	if (size > head)
		memcpy(words, data + head, size - head);
	int error = pointer_scan_init(scan, spans, count);
	while (!error && found == BATCH) {
		pointer_scan_run(scan, words, size - head, narrow, big_endian, matches, BATCH,
				 &position, &found);
		for (size_t i = 0; i < found; i++)
			printf("%llu %llu\n", (unsigned long long)matches[i].offset,
			       (unsigned long long)matches[i].value);
	}
	printf("%d\n", error);
	free(words);
	free(spans);
	free(scan);
	return 0;
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

// The input lies at ADDRESS, its chunks begin there.
static void chunks(const uint8_t *data, size_t size, char **arguments)
{
	enum { ADDRESS = 0x10000, MARKS = 4 };
	uint64_t marks[MARKS] = {0}, cached[] = {ADDRESS + 16, ADDRESS + 48};
	bool narrow = atoi(arguments[0]);
	struct chunk_walk walk = {
		.narrow = narrow,
		.big_endian = atoi(arguments[1]),
		.alignment = narrow ? 8 : 16,
		.minimum = narrow ? 16 : 32,
		.bad_flags = 6,
		.stop = number(arguments[2]),
		.last_has_header = atoi(arguments[3]),
		.cached = cached,
		.cached_count = 2,
		.marks = marks,
		.mark_count = MARKS,
		.base = ADDRESS,
		.shift = 6,
		.at = ADDRESS,
	};
	uint64_t budget = 100;
	int status = chunk_walk_run(&walk, data, size, ADDRESS);

	printf("%d %llu %llu\n", status, (unsigned long long)walk.at,
	       (unsigned long long)walk.size);
	printf("%llu %llu %llu %llu %llu %llu\n", (unsigned long long)walk.used,
	       (unsigned long long)walk.used_bytes, (unsigned long long)walk.freed,
	       (unsigned long long)walk.freed_bytes, (unsigned long long)walk.waiting,
	       (unsigned long long)walk.waiting_bytes);
	uint64_t found = chunk_walk_find(&walk, data, size, ADDRESS, number(arguments[4]), 3,
					 &budget);
	printf("%llu %llu\n", (unsigned long long)found, (unsigned long long)budget);
}

static void list(const uint8_t *data, size_t size, char **arguments)
{
	enum { ADDRESS = 0x10000, CAPACITY = 16 };
	struct chunk_piece piece = {ADDRESS, ADDRESS + size, data};
	uint64_t entries[CAPACITY], links[CAPACITY];
	bool narrow = atoi(arguments[0]);
	struct chunk_list list = {
		.pieces = &piece,
		.piece_count = 1,
		.narrow = narrow,
		.big_endian = atoi(arguments[1]),
		.mangled = atoi(arguments[2]),
		.alignment = narrow ? 8 : 16,
		.bias = number(arguments[3]),
		.least = number(arguments[4]),
		.most = number(arguments[5]),
		.entries = entries,
		.links = links,
		.capacity = CAPACITY,
	};
	int status = chunk_list_follow(&list, number(arguments[6]));

	printf("%d %llu\n", status, (unsigned long long)list.at);
	for (size_t i = 0; i < list.count; i++)
		printf("%llu %llu\n", (unsigned long long)entries[i],
		       (unsigned long long)links[i]);
	status = chunk_list_circle(&list, number(arguments[6]), number(arguments[7]));
	printf("%d %llu %llu\n", status, (unsigned long long)list.at,
	       (unsigned long long)list.before);
	chunk_list_sort(entries, list.count);
	for (size_t i = 0; i < list.count; i++)
		printf("%llu\n", (unsigned long long)entries[i]);
}

static int copy(const char *path, uint64_t limit)
{
	struct sparse_writer writer;
	uint64_t got;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int error = sparse_writer_init(&writer, fd, limit);

	error = error ? error : sparse_writer_copy(&writer, STDIN_FILENO, UINT64_MAX, &got);
	int finished = sparse_writer_finish(&writer);
	printf("%llu %llu %llu %llu\n%d\n", (unsigned long long)writer.bytes_in,
	       (unsigned long long)writer.bytes_stored, (unsigned long long)writer.offset,
	       (unsigned long long)writer.holes, error ? error : finished);
	sparse_writer_deinit(&writer);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	size_t size;

	if (argc > 3 && !strcmp(argv[1], "sparse"))
		return copy(argv[2], strtoull(argv[3], NULL, 10));
	uint8_t *data = read_input(&size);
	if (argc > 3 && !strcmp(argv[1], "notes"))
		walk(data, size, (uint32_t)atoi(argv[2]), atoi(argv[3]));
	else if (argc > 3 && !strcmp(argv[1], "scan"))
		scan(data, size, atoi(argv[2]), atoi(argv[3]));
	else if (argc > 6 && !strcmp(argv[1], "chunks"))
		chunks(data, size, argv + 2);
	else if (argc > 9 && !strcmp(argv[1], "list"))
		list(data, size, argv + 2);
	else
		printf("%d\n", zero_scan_is_zero(data, size));
	free(data);
	return 0;
}
