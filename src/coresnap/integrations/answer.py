"""What another server answered, read within bounds: never more than asked for."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

import attrs
import httpx2

from coresnap.errors import DeliveryError
from coresnap.snapshot.escape import printable

__all__ = ["Answer", "get", "post"]

_MOST_BYTES = 1 << 20
_LONGEST = 86_400.0


@attrs.frozen
class Answer:
    """A status, and a body of at most a mebibyte."""

    status: int
    body: bytes
    retry_after: float | None
    """Seconds that it asks to wait, at most a day (RFC 9110, section 10.2.3)."""

    @property
    def is_success(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300


def post(
    http: httpx2.Client, url: str, body: bytes, headers: Mapping[str, str], whom: str
) -> Answer:
    """Send a body and return the answer, whatever its status.

    Raises DeliveryError if there is none, or one without an end. ``whom`` is who is
    called, for its message.
    """
    return _asked(http, "POST", url, body, headers, whom)


def get(http: httpx2.Client, url: str, whom: str) -> Answer:
    """Return what is at an address. Raises DeliveryError, as ``post`` does."""
    return _asked(http, "GET", url, None, {}, whom)


def _asked(
    http: httpx2.Client,
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    whom: str,
) -> Answer:
    plain = {**headers, "accept-encoding": "identity"}
    try:
        with http.stream(method, url, content=body, headers=plain) as answer:
            content = bytearray()
            # Raw: a kilobyte of gzip may be a gigabyte.
            for chunk in answer.iter_raw():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise DeliveryError(f"the answer of {whom} has no end")
    except httpx2.TransportError as error:
        reason = printable((str(error) or type(error).__name__)[:300])
        raise DeliveryError(
            f"no answer from {whom}: {reason}",
            remedy="Check the address, and that the server may reach it.",
        ) from error
    except (httpx2.InvalidURL, ValueError) as error:
        raise DeliveryError(
            f"the address of {whom} cannot be called", is_final=True
        ) from error
    retry_after = _retry_after(answer.headers.get("retry-after", ""))
    return Answer(answer.status_code, bytes(content), retry_after)


def _retry_after(text: str) -> float | None:
    text = text.strip()
    if text.isdecimal():
        return min(float(text[:9]), _LONGEST)
    try:
        moment = email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(0.0, moment - time.time()), _LONGEST)
