// A freed request's memory already belongs to a text when the request's hook is called.
//
// must: memory.exec|wild-jump
// may: wild-jump memory.exec noncanonical security invalid-pointer use-after-free
//     stale-pointer type-violation
// never: null double-free heap.overflow return-corrupted memory.write
// function: complete
#include "lab.h"

struct request {
	void (*done)(struct request *);
	int status;
	char *answer;
};

static void print(struct request *request) { printf("%d\n", request->status); }

APART static void complete(struct request *request)
{
	request->done(request);
}

int main(void)
{
	struct request *request = malloc(sizeof(*request));

	*request = (struct request){ print, 200, NULL };
	complete(request);
	free(request);
	char *text = malloc(sizeof(*request));
	strcpy(text, "HTTP/1.1 404 Not Found");
	tell_block("live", text, sizeof(*request));
	complete(hidden(request));
	return text[0];
}
