"""Walks stacks: by call frame information, then frame pointers, then scanning."""
