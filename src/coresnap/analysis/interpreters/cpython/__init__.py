"""CPython from the core alone: its runtime, threads, frames, code and values."""
