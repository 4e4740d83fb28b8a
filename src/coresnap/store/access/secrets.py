"""Secrets that are shown once: 32 random bytes, of which only a digest is kept."""

from __future__ import annotations

import hashlib
import re
import secrets

__all__ = ["digest_of", "is_secret", "new_secret"]


def new_secret() -> str:
    """Return 64 hex digits that nobody guesses."""
    return secrets.token_hex(32)


def is_secret(text: str) -> bool:
    """Return whether ``text`` looks like one of ours."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256, 64 hex digits.

    It is looked up in an index, whose timing tells of digests only; a slow hash would
    add nothing to 256 random bits.
    """
    return hashlib.sha256(secret.encode("ascii", "replace")).hexdigest()
