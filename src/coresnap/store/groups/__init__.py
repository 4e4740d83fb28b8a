"""Faults of one fingerprint: workflow, merging, what is unusual."""
