"""Frames read from machine code: what a function did from its start to a pc."""
