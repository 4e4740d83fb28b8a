"""What Jira refused, as the error of a delivery: whether to try again, and when."""

from __future__ import annotations

import httpx2
import msgspec

from coresnap.errors import DeliveryError
from coresnap.integrations.jira.answers import Failures
from coresnap.integrations.wording import shown

__all__ = ["failure_of", "unreachable"]

_PASSING = frozenset((408, 409, 423, 425, 429, 500, 502, 503, 504))
_SHOWN = 500
_LONGEST = 86_400.0
_INDEXED = 60.0
"""Seconds after which a search in Cloud has found what was made, nearly always."""
_REMEDIES = {
    401: "Check user= and token= of the integration.",
    403: "Give the account the right to see, make, change and comment tickets there.",
    404: "Check url= and project=, and what the account may see.",
    400: "Set fields= for what the project's tickets need; `coroner integrations test` "
    "shows types and statuses.",
}


def failure_of(answer: httpx2.Response, body: bytes, doing: str) -> DeliveryError:
    """Return the error of an answer that is not what was asked for."""
    status = answer.status_code
    is_passing = status in _PASSING
    return DeliveryError(
        f"Jira answered {status} to {doing}: {_reason(answer, body)}",
        remedy=_REMEDIES.get(status),
        retry_after=_retry_after(answer) if is_passing else None,
        is_final=not is_passing,
    )


def unreachable(error: Exception, doing: str) -> DeliveryError:
    """Return the error of no answer. What was asked for may have been done."""
    reason = shown(str(error) or type(error).__name__, _SHOWN)
    return DeliveryError(
        f"no answer from Jira to {doing}: {reason}",
        remedy="Check url= and that the server may reach it.",
        retry_after=_INDEXED,
    )


def _reason(answer: httpx2.Response, body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=Failures)
    except msgspec.DecodeError:
        told = Failures()
    texts = [*told.error_messages, *(f"{k}: {v}" for k, v in told.errors.items())]
    return shown("; ".join(texts) or answer.reason_phrase, _SHOWN)


def _retry_after(answer: httpx2.Response) -> float | None:
    """Return the seconds of Retry-After, else those until a search finds what was made
    in spite of the answer."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return min(float(text[:9]), _LONGEST)
    return None if answer.status_code == 429 else _INDEXED
