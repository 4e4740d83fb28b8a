// A plug-in is unloaded, and a call-back of it is still registered.
//
// must: wild-jump memory.exec
// may: memory.unmapped security invalid-pointer
// never: null return-corrupted use-after-free
// function: notify
#include <sys/mman.h>
#include "lab.h"

struct subscriber {
	void (*call)(int event);
	struct subscriber *next;
};

APART static void notify(struct subscriber *list, int event)
{
	for (; list; list = list->next)
		list->call(event);
}

static void log_event(int event) { printf("event %d\n", event); }

int main(void)
{
	// mov eax, edi; ret
	static const unsigned char code[] = { 0x89, 0xf8, 0xc3 };
	void *plugin = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct subscriber first = { log_event, NULL };
	struct subscriber second = { NULL, &first };

	memcpy(plugin, code, sizeof(code));
	mprotect(plugin, 4096, PROT_READ | PROT_EXEC);
	second.call = (void (*)(int))plugin;
	notify(&second, 1);
	munmap(plugin, 4096);
	notify(&second, 2);
	return 0;
}
