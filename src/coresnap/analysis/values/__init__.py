"""Typed values: what a variable is, where it is, and what its bytes mean."""
