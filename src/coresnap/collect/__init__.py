"""KEEP: one crash on disk, small and fast, and it must not fail."""
