"""The heap of mimalloc 2.0: segments, their pages, and the pages' lists of free blocks.

Layouts are those of mimalloc 2.0.9, ``include/mimalloc-types.h`` and ``src/segment.c``;
later versions lay out segments in other ways.
"""
