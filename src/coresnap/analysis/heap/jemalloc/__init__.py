"""The heap of jemalloc 5: its radix tree of extents, their slabs, the threads' caches.

Layouts are those of jemalloc 5.0.0 to 5.3.0, ``include/jemalloc/internal/``.
"""
