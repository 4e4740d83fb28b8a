"""Fingerprints made again: noted, planned, and then put into use.

Whoever can read snapshots makes the new fingerprints; the store does not. Groups keep
id, state, comments and history wherever their faults go.
"""

from coresnap.store.groups.reprocessing.applying import apply_some
from coresnap.store.groups.reprocessing.planning import plan
from coresnap.store.groups.reprocessing.staging import discard, stage

__all__ = ["apply_some", "discard", "plan", "stage"]
