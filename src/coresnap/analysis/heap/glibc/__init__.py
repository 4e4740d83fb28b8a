"""glibc's malloc, 2.26 and later: ``malloc/malloc.c`` and ``malloc/arena.c``."""
