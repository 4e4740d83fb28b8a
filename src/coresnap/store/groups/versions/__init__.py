"""Versions that people declare to be ordered: by which rules, and which is later."""

from coresnap.store.groups.versions.scheme import Scheme, compare_versions, greatest

__all__ = ["Scheme", "compare_versions", "greatest"]
