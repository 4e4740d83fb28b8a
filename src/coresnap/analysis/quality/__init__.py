"""The quality score: how comprehensible a snapshot is, and what would raise it."""
