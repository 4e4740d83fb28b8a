"""UNDERSTAND: from dead bytes to what went wrong."""
