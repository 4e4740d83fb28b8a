"""Who visits: known by a cookie that holds a session's or a token's secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import attrs
from starlette.requests import Request

from coresnap.errors import DeniedError
from coresnap.store.access.holder import Holder

__all__ = [
    "FORM_FIELD",
    "Visitor",
    "check_form",
    "cookie_name",
    "is_stranger",
    "new_stranger",
]

FORM_FIELD = "form_token"
_COOKIE = "coroner"
_STRANGER = "stranger-"


@attrs.frozen
class Visitor:
    """Whoever asks for pages."""

    holder: Holder | None
    """None for somebody who has not logged in."""
    secret: str
    """Of the session or token; for a stranger a random one, which only forms use."""
    address: str
    is_encrypted: bool
    """Whether pages come by https."""

    @property
    def name(self) -> str:
        """Of the user or token; empty for a stranger."""
        return self.holder.name if self.holder is not None else ""

    @property
    def form_token(self) -> str:
        """What each form carries: nobody without the cookie can know it."""
        key = self.secret.encode()
        return hmac.new(key, b"coroner form", hashlib.sha256).hexdigest()


def cookie_name(*, is_encrypted: bool) -> str:
    """Return the cookie's name.

    A browser takes ``__Host-`` from the very host alone, by https, so that neighbours
    cannot set it (RFC 6265bis section 4.1.3.2).
    """
    return f"__Host-{_COOKIE}" if is_encrypted else _COOKIE


def new_stranger() -> str:
    """Return a secret for somebody who is not known; it holds nothing."""
    return _STRANGER + secrets.token_hex(32)


def is_stranger(secret: str) -> bool:
    """Return whether a cookie's secret is one that holds nothing."""
    return secret.startswith(_STRANGER)


def check_form(request: Request, visitor: Visitor, token: str) -> None:
    """Raise DeniedError for a form that another site has sent.

    Two independent marks: what the browser says of the sender, and a token that only
    our pages know.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    is_ours = site in ("same-origin", "none") and (
        origin is None or origin.partition("://")[2] == host
    )
    if not is_ours or not hmac.compare_digest(
        token.encode(), visitor.form_token.encode()
    ):
        raise DeniedError(
            "this form does not come from a page that you have open here",
            remedy="Load the page again, and send it from there.",
        )
