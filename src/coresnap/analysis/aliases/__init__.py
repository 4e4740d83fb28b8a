"""Who else holds the pointer: other ways to the memory that a fault is about."""
