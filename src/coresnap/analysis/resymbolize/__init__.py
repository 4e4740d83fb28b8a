"""Reads a snapshot again when symbol files have come that were missing before.

The core is gone by then. What a snapshot keeps of it, registers, stacks and the
memory around them, is made into a core again; the stacks are walked and read again
with the new files, and what they tell takes the place of what was not known.
"""

from coresnap.analysis.resymbolize.read_again import resymbolize

__all__ = ["resymbolize"]
