"""Signatures as the Standard Webhooks specification has them, version 1.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
Libraries that check them exist for most languages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from coresnap.errors import ConfigError

__all__ = ["read_secret", "signed"]

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
_MOST_CHARACTERS = 128


def read_secret(text: str) -> bytes:
    """Return the key that a setting stands for. Raises ConfigError."""
    is_base64 = text.startswith(_PREFIX)
    try:
        key = (
            base64.b64decode(text.removeprefix(_PREFIX), validate=True)
            if is_base64
            else text.encode()
        )
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST <= len(key) <= (_MOST if is_base64 else _MOST_CHARACTERS):
        raise ConfigError(
            "secret: it is too short, too long, or not base64",
            remedy="Make one by: echo whsec_$(openssl rand -base64 32)",
        )
    return key


def signed(key: bytes, notice: str, moment: int, body: bytes) -> dict[str, str]:
    """Return the headers that prove who sent a body, and when.

    ``notice`` is the id that each try has; ``moment`` is this try's, in seconds.
    """
    content = f"{notice}.{moment}.".encode() + body
    digest = hmac.digest(key, content, hashlib.sha256)
    return {
        "webhook-id": notice,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
