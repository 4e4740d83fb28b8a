"""What Slack refused, as the error of a delivery: whether to try again, and when."""

from __future__ import annotations

from coresnap.errors import DeliveryError
from coresnap.integrations.answer import Answer
from coresnap.snapshot.escape import printable

__all__ = ["api_failure", "hook_failure", "status_failure"]

_PASSING = frozenset(
    (
        "accesslimited",
        "fatal_error",
        "internal_error",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "rollup_error",
        "service_unavailable",
        "team_added_to_org",
    )
)
"""Errors that the same request may not get a second time; all others are its own."""
_INVITE = "Invite the bot: /invite @NAME in the channel, and give channel= by its id."
_TOKEN = "Install the app again and set token= to what it shows."
_REMEDIES = {
    "account_inactive": _TOKEN,
    "channel_not_found": _INVITE,
    "invalid_auth": _TOKEN,
    "is_archived": "Unarchive the channel, or give another one.",
    "missing_scope": "Give the app the scope chat:write and install it again.",
    "no_service": "The webhook is disabled: make a new one and set webhook=.",
    "not_authed": _TOKEN,
    "not_in_channel": _INVITE,
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
}


def status_failure(answer: Answer) -> DeliveryError:
    """Return the error of an answer that is not from the API: limits, outages."""
    is_passing = answer.status in (408, 429) or answer.status >= 500
    return DeliveryError(
        f"Slack answered {answer.status}",
        remedy=None if is_passing else "Check the address: is it Slack's?",
        retry_after=answer.retry_after,
        is_final=not is_passing,
    )


def api_failure(error: str, doing: str, retry_after: float | None) -> DeliveryError:
    """Return the error of an answer with ``"ok": false``."""
    return DeliveryError(
        f"Slack refused {doing}: {printable(error[:80])}",
        remedy=_REMEDIES.get(error),
        retry_after=retry_after,
        is_final=error not in _PASSING,
    )


def hook_failure(answer: Answer) -> DeliveryError:
    """Return the error of a webhook, which answers with a word of text."""
    text = answer.body[:80].decode("ascii", "replace").strip()
    if answer.status in (408, 429) or answer.status >= 500:
        return status_failure(answer)
    # Who sets an address could otherwise read what is served to the server alone.
    is_word = text.replace("_", "").isalpha() and text.islower()
    return api_failure(
        text if is_word else str(answer.status), "a message", answer.retry_after
    )
