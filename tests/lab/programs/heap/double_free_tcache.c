// An error path frees what the caller frees, too.
//
// must: double-free abort
// never: memory.* null* heap.overflow use-after-free assert
// function: handle
// only: glibc
#include "lab.h"

struct request {
	char *path;
	char *body;
	int status;
};

APART static int parse(struct request *request, const char *text)
{
	request->path = strdup(text);
	request->body = malloc(64);
	if (text[0] != '/') {
		tell_block("free", request->path, strlen(text) + 1);
		free(request->path);
		return -1;
	}
	return 0;
}

APART static int handle(const char *text)
{
	struct request request = { 0 };
	int failed = parse(&request, text);

	free(request.path);
	free(request.body);
	return failed;
}

int main(void)
{
	int failures = 0;

	for (int i = 0; i < 20; i++)
		failures += handle("/index.html");
	return failures + handle("index.html, without its first character");
}
