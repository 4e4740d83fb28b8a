"""The index in DuckDB: one file for each project, in the server's own process."""
