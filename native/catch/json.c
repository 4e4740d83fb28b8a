#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void json_init(struct json *json)
{
	json->size = 0;
	json->comma = false;
}

static void put(struct json *json, const char *data, size_t size)
{
	if (size > JSON_SIZE - json->size)
		return;
	memcpy(json->data + json->size, data, size);
	json->size += size;
}

static void put_text(struct json *json, const char *text)
{
	put(json, text, strlen(text));
}

// Length of the UTF-8 sequence at `text`, 0 if it is none (RFC 3629, section 4).
static size_t sequence_length(const uint8_t *text, size_t size)
{
	static const struct {
		uint8_t first, last, second_min, second_max, length;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (text[0] < forms[i].first || text[0] > forms[i].last)
			continue;
		size_t length = forms[i].length;
		if (size < length || text[1] < forms[i].second_min ||
		    text[1] > forms[i].second_max)
			return 0;
		for (size_t at = 2; at < length; at++)
			if (text[at] < 0x80 || text[at] > 0xbf)
				return 0;
		return length;
	}
	return 0;
}

// Write one character and return how many bytes of `text` it was.
static size_t put_character(struct json *json, const uint8_t *text, size_t size)
{
	char escape[8];

	if (*text >= 0x80) {
		size_t length = sequence_length(text, size);
		if (!length)
			put_text(json, "\xef\xbf\xbd");
		put(json, (const char *)text, length);
		return length ? length : 1;
	}
	if (*text < 0x20 || *text == '"' || *text == '\\' || *text == 0x7f) {
		snprintf(escape, sizeof(escape), "\\u%04x", *text);
		put_text(json, escape);
	} else {
		put(json, (const char *)text, 1);
	}
	return 1;
}

static void put_quoted(struct json *json, const char *value, size_t size)
{
	const uint8_t *text = (const uint8_t *)value;

	put_text(json, "\"");
	for (size_t at = 0; at < size;)
		at += put_character(json, text + at, size - at);
	put_text(json, "\"");
}

static void begin(struct json *json, const char *key)
{
	if (json->comma)
		put_text(json, ", ");
	json->comma = true;
	if (key) {
		put_quoted(json, key, strlen(key));
		put_text(json, ": ");
	}
}

void json_open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	put(json, &bracket, 1);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	put(json, &bracket, 1);
	json->comma = true;
}

void json_number(struct json *json, const char *key, int64_t value)
{
	char text[24];

	begin(json, key);
	snprintf(text, sizeof(text), "%" PRId64, value);
	put_text(json, text);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	char text[24];

	begin(json, key);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_text(json, text);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	put_text(json, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
	begin(json, key);
	put_text(json, "null");
}

void json_string(struct json *json, const char *key, const char *value, size_t size)
{
	begin(json, key);
	put_quoted(json, value, size);
}
