// A cache's entry is moved to the front of its list after it was evicted.
//
// must: memory.write use-after-free
// may: memory.unmapped invalid-pointer noncanonical
// never: null double-free heap.overflow
// function: touch
// only: glibc junk
// build: -g -O2
#include "lab.h"

struct entry {
	struct entry *previous, *next;
	int key;
	char value[32];
};

struct cache {
	struct entry head;
	struct entry *last_used;
	int count;
};

APART static void unlink_entry(struct entry *entry)
{
	entry->previous->next = entry->next;
	entry->next->previous = entry->previous;
}

APART static void link_first(struct cache *cache, struct entry *entry)
{
	entry->next = cache->head.next;
	entry->previous = &cache->head;
	cache->head.next->previous = entry;
	cache->head.next = entry;
}

APART static void evict(struct cache *cache)
{
	struct entry *last = cache->head.previous;

	unlink_entry(last);
	tell_block("free", last, sizeof(*last));
	free(last);
	cache->count--;
}

APART static int touch(struct cache *cache, struct entry *entry)
{
	entry->previous->next = entry->next;
	entry->next->previous = entry->previous;
	link_first(cache, entry);
	return cache->count;
}

int main(void)
{
	struct cache cache = { .count = 0 };

	cache.head.next = cache.head.previous = &cache.head;
	for (int i = 0; i < 6; i++) {
		struct entry *entry = calloc(1, sizeof(*entry));
		entry->key = i;
		link_first(&cache, entry);
		cache.count++;
		if (i == 0)
			cache.last_used = entry;
	}
	touch(&cache, cache.last_used);
	link_first(&cache, cache.last_used);
	struct entry *used = cache.head.previous;
	evict(&cache);
	return touch(&cache, hidden(used));
}
