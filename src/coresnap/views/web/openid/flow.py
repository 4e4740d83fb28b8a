"""What goes through the browser and comes back, bound to its cookie.

Nothing of it is kept here: all of it is made of the cookie's secret, which nobody else
has. An answer that another browser began is not accepted, as its state is another's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import attrs

from coresnap.errors import DeniedError

__all__ = ["Flow"]

_MOST_PATH = 1_000


@attrs.frozen
class Flow:
    """The login of one browser."""

    secret: str = attrs.field(repr=False)
    """Of its cookie."""

    @property
    def nonce(self) -> str:
        """What the provider writes into the token that it makes for this login."""
        return self._mark("nonce")

    @property
    def verifier(self) -> str:
        """What proves that who brings the code has asked for it."""
        return self._mark("verifier")

    @property
    def challenge(self) -> str:
        """The verifier, as it is shown beforehand."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def state(self, path: str) -> str:
        """Return what comes back with the code, and where to go then."""
        path = path if len(path) <= _MOST_PATH else "/"
        text = base64.urlsafe_b64encode(path.encode("utf-8", "replace")).decode()
        return f"{self._mark(f'state {text}')}.{text}"

    def path_of(self, state: str) -> str:
        """Return where to go; raise DeniedError for a state that is not ours."""
        mark, _, text = state.partition(".")
        expected = self._mark(f"state {text}").encode()
        if not hmac.compare_digest(mark.encode("utf-8", "replace"), expected):
            raise DeniedError(
                "this login was not begun in this browser",
                remedy="Begin it again at /login.",
            )
        return base64.urlsafe_b64decode(text).decode()

    def _mark(self, use: str) -> str:
        content = f"coroner openid {use}".encode("utf-8", "replace")
        return hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest()
