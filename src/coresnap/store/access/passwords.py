"""Passwords of people: kept as scrypt (RFC 7914) makes them."""

from __future__ import annotations

import hashlib
import hmac
import os

__all__ = ["hashed", "is_password"]

_COST = 1 << 14
_BLOCK_SIZE = 8
_PARALLEL = 1
"""16 MiB and 40 ms a try: what OWASP asks of an interactive login."""
_MEMORY = 1 << 26
_SALT = 16


def hashed(password: str) -> str:
    """Return what is kept of ``password``: ``scrypt$N$r$p$salt$key``, in hex."""
    salt = os.urandom(_SALT)
    key = _derive(password, salt, _COST, _BLOCK_SIZE, _PARALLEL)
    return f"scrypt${_COST}${_BLOCK_SIZE}${_PARALLEL}${salt.hex()}${key.hex()}"


def is_password(password: str, kept: str | None) -> bool:
    """Return whether ``kept`` was made of ``password``, in the same time for a user
    that does not exist (``kept`` is None)."""
    if kept is None:
        _derive(password, bytes(_SALT), _COST, _BLOCK_SIZE, _PARALLEL)
        return False
    _, cost, block_size, parallel, salt, key = kept.split("$")
    found = _derive(
        password, bytes.fromhex(salt), int(cost), int(block_size), int(parallel)
    )
    return hmac.compare_digest(found, bytes.fromhex(key))


def _derive(
    password: str, salt: bytes, cost: int, block_size: int, parallel: int
) -> bytes:
    secret = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        secret, salt=salt, n=cost, r=block_size, p=parallel, maxmem=_MEMORY
    )
