"""Judges the dead kernel: from a dump's texts and memory to a snapshot."""
