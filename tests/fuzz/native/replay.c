// Runs a target on files, and on as many changed copies of each as argv[1] says.
//
// For compilers without libFuzzer. The changes are the same each time.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 256 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint32_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

// Change some bytes, and perhaps cut the end off. Returns the new size.
static size_t change(uint8_t *data, size_t size)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (uint32_t i = next_random() % 8 + 1; size && i; i--) {
		uint8_t *byte = &data[next_random() % (i & 1 && size > 512 ? 512 : size)];

		*byte = i & 2 ? values[next_random() % sizeof(values)] :
				(uint8_t)next_random();
	}
	return size && next_random() % 4 == 0 ? next_random() % size : size;
}

static void run(const uint8_t *data, size_t size)
{
	// Of its own size, so that the sanitizer sees what is read behind it.
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

int main(int argc, char **argv)
{
	static uint8_t seed[SIZE_LIMIT], data[SIZE_LIMIT];
	unsigned long copies = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, runs = 0;

	for (int i = 2; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size = file ? fread(seed, 1, sizeof(seed), file) : 0;

		if (!file)
			return 1;
		fclose(file);
		state = 88172645463325252ULL + (unsigned)i;
		run(seed, size);
		for (unsigned long copy = 0; copy < copies; copy++, runs++) {
			memcpy(data, seed, size);
			run(data, change(data, size));
		}
	}
	printf("%lu\n", runs + (unsigned long)(argc > 2 ? argc - 2 : 0));
	return 0;
}
