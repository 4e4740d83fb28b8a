// Writes one small JSON object into memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_SIZE = 64 * 1024 };

struct json {
	size_t size;
	bool comma; // the next value needs one before it
	char data[JSON_SIZE];
};

// Everything after what no longer fits is dropped, so that callers need no checks:
// their values are bounded well below JSON_SIZE.
void json_init(struct json *json);

// `key` is NULL for an element of an array.
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

// Bytes that are not UTF-8 become U+FFFD each.
void json_string(struct json *json, const char *key, const char *value, size_t size);
