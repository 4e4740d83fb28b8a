"""Snapshots and other bodies, by key: files, or S3."""
