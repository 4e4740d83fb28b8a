"""Tells whether two crashes are the same fault, by frames that rules have cleaned.

Lines -> rulesets of the administrator -> passes (what stopped it, plumbing, libraries,
recursion) -> two stacks: one to read, one that goes into the digest.
"""

from coresnap.analysis.fingerprint.circumstances import (
    Circumstances,
    circumstances_of,
    recorded_circumstances,
)
from coresnap.analysis.fingerprint.digest import (
    VERSION,
    Fingerprint,
    fingerprint,
    fingerprint_attributes,
    record_fingerprint,
)
from coresnap.analysis.fingerprint.lines import Fate, Line
from coresnap.analysis.fingerprint.names import normalise_function
from coresnap.analysis.fingerprint.policies import load_policies

__all__ = [
    "VERSION",
    "Circumstances",
    "Fate",
    "Fingerprint",
    "Line",
    "circumstances_of",
    "fingerprint",
    "fingerprint_attributes",
    "load_policies",
    "normalise_function",
    "record_fingerprint",
    "recorded_circumstances",
]
