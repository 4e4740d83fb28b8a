// Any bytes as a string of JSON: what is written is closed, and has no raw controls.
#include <stdlib.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json json;

	json_init(&json);
	json_open(&json, NULL, '{');
	json_string(&json, "value", (const char *)data, size);
	json_close(&json, '}');
	if (json.size > JSON_SIZE)
		abort();
	for (size_t i = 0; i < json.size; i++)
		if ((unsigned char)json.data[i] < 0x20 && json.data[i] != '\n')
			abort();
	return 0;
}
