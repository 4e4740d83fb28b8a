"""What changes: projects, groups, tokens, queues, in SQLite or PostgreSQL."""
