"""The query language: one tree, and who answers it."""
