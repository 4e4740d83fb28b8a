"""Channels and rules as words of a command line: ``NAME=VALUE``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import AccessError, MissingError, UsageError

if TYPE_CHECKING:
    from coresnap.model.notice import Event
    from coresnap.store.api.telling import (
        ChannelKind,
        DigestTime,
        NewChannel,
        RateOf,
        TellingRule,
    )
    from coresnap.store.query.query import Filter

__all__ = ["channel_of", "pairs_of", "rule_of"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YES = {"yes": True, "true": True, "no": False, "false": False}
_KNOWN = (
    "channel",
    "event",
    "count",
    "hosts",
    "rate",
    "digest",
    "attributes",
    "follows",
    "enabled",
)
_MOST = 16_384


def pairs_of(words: Iterable[str]) -> dict[str, str]:
    """Return names to values. Raises UsageError for a word without ``=``."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(
                f"{word[:80]!r} is no setting", remedy="Write it as NAME=VALUE."
            )
        if name in found:
            raise UsageError(f"{name} is given twice")
        found[name] = value
    return found


def channel_of(words: Iterable[str], kinds: Iterable[ChannelKind]) -> NewChannel:
    """Return a channel: ``kind=`` and its settings, of which ``@FILE`` is in a file.

    A secret that is ``-`` is read from the standard input.
    """
    from coresnap.store.api.telling import NewChannel

    pairs = pairs_of(words)
    known = {kind.name: kind for kind in kinds}
    kind = known.get(pairs.pop("kind", ""))
    if kind is None:
        raise UsageError(
            "a channel needs its kind", remedy=f"Give kind={'|'.join(sorted(known))}."
        )
    secrets = {setting.name for setting in kind.settings if setting.is_secret}
    settings = {
        name: _value(name, value, is_secret=name in secrets)
        for name, value in pairs.items()
    }
    return NewChannel(kind.name, settings)


def _value(name: str, value: str, *, is_secret: bool) -> str:
    if is_secret and value == "-":
        return sys.stdin.readline(_MOST).rstrip("\n")
    if not (is_secret and value.startswith("@")):
        return value
    path = Path(value[1:])
    try:
        with path.open() as file:
            return file.read(_MOST).strip()
    except FileNotFoundError as error:
        raise MissingError(f"{name}: there is no file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"{name}: {path} cannot be read: {error}") from error


def rule_of(words: Iterable[str], where: Filter | None) -> TellingRule:
    """Return a rule. Raises UsageError for words that say none."""
    from coresnap.store.api.telling import TellingRule

    pairs = pairs_of(words)
    unknown = [name for name in pairs if name not in _KNOWN]
    if unknown:
        raise UsageError(
            f"a rule has no {unknown[0]!r}", remedy=f"It has {', '.join(_KNOWN)}."
        )
    if not pairs.get("channel"):
        raise UsageError("a rule needs a channel", remedy="Give channel=NAME.")
    rule = TellingRule(
        channel=pairs["channel"],
        events=tuple(map(_event, _list(pairs, "event"))),
        filter=where,
        count=_count(pairs, "count"),
        hosts=_count(pairs, "hosts"),
        rate=_rate(pairs["rate"]) if "rate" in pairs else None,
        digest=_digest(pairs["digest"]) if "digest" in pairs else None,
        follows=_flag(pairs, "follows"),
        is_enabled=_flag(pairs, "enabled"),
    )
    if "attributes" not in pairs:
        return rule
    import msgspec

    names = tuple(_list(pairs, "attributes"))
    return msgspec.structs.replace(rule, attributes=names)


def _event(word: str) -> Event:
    from coresnap.model.notice import Event

    try:
        return Event(word)
    except ValueError:
        raise UsageError(
            f"there is no event {word[:40]!r}",
            remedy="Events are new-group, regression, state and merge.",
        ) from None


def _list(pairs: Mapping[str, str], name: str) -> list[str]:
    return [word.strip() for word in pairs.get(name, "").split(",") if word.strip()]


def _count(pairs: Mapping[str, str], name: str) -> int | None:
    if name not in pairs:
        return None
    text = pairs[name]
    if not (text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise UsageError(f"{name}: {text[:40]!r} is not a number from 1 on")
    return int(text)


def _flag(pairs: Mapping[str, str], name: str) -> bool:
    word = pairs.get(name, "yes")
    if word not in _YES:
        raise UsageError(f"{name}: {word[:40]!r} is neither yes nor no")
    return _YES[word]


def _rate(text: str) -> RateOf:
    from coresnap.config.quantities import parse_duration
    from coresnap.store.api.telling import RateOf

    count, _, time = text.partition("/")
    try:
        seconds = parse_duration(time or "1h")
        number = _count({"rate": count}, "rate")
    except ValueError as error:
        raise UsageError(f"rate: {text[:40]!r} {error}") from error
    if number is None or not 60 <= seconds <= 31 * 86_400:
        raise UsageError(
            f"rate: {text[:40]!r} is no rate",
            remedy="Write COUNT/TIME, such as 100/1h; from a minute to 31 days.",
        )
    return RateOf(number, int(seconds))


def _digest(text: str) -> DigestTime:
    from coresnap.store.api.telling import DigestTime

    day, _, hour = text.partition("@")
    number = int(hour) if hour.isdecimal() and len(hour) < 3 else -1
    if not hour:
        number = 8
    if not 0 <= number <= 23 or day not in ("daily", *_DAYS):
        raise UsageError(
            f"digest: {text[:40]!r} is no time",
            remedy="Write daily@8 or mon@8: the hour is UTC.",
        )
    return DigestTime(number, None if day == "daily" else _DAYS.index(day))
