"""The allocators' heaps, read from the core alone."""
