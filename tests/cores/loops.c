// Makes circles of the lists that a debugger walks, and crashes.
// Usage: loops link-map|itself|far|phdr
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct link_map *map = _r_debug.r_map, *last = map;
    const char *kind = argc > 1 ? argv[1] : "";

    while (last->l_next)
        last = last->l_next;
    if (!strcmp(kind, "link-map"))
        last->l_next = map;
    else if (!strcmp(kind, "itself"))
        map->l_next = map;
    else if (!strcmp(kind, "far"))
        map->l_next = (struct link_map *)UINTPTR_MAX;
    else
        map->l_name = (char *)(UINTPTR_MAX / 2);
    *(volatile int *)8 = 0;
    return 0;
}
