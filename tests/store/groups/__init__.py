"""Tests of coresnap.store.groups."""
