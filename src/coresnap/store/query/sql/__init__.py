"""Queries as SQL, for each engine that holds an index."""
