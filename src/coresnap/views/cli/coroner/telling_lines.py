"""Channels, rules, deliveries and dry runs as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.answer import day, emit_table
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.api.telling import (
        ChannelKinds,
        DeliveryLog,
        DigestTime,
        Previews,
        TellingRule,
        TellingStatus,
    )

__all__ = ["show_kinds", "show_log", "show_previews", "show_status"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def show_kinds(found: ChannelKinds) -> None:
    """Print what can be set of each kind."""
    rows = [
        (
            kind.name,
            setting.name,
            " ".join(
                word
                for word, holds in (
                    ("required", setting.is_required),
                    ("secret", setting.is_secret),
                )
                if holds
            ),
            setting.default,
            setting.meaning,
        )
        for kind in found.kinds
        for setting in kind.settings
    ]
    emit_table(("KIND", "SETTING", "", "DEFAULT", "MEANING"), rows)


def show_status(status: TellingStatus) -> None:
    """Print channels and rules."""
    channels = [
        (
            channel.name,
            channel.kind,
            str(channel.waiting),
            _health(channel.failures, channel.error, channel.paused_until),
            " ".join(
                [
                    *(f"{name}={value}" for name, value in channel.settings.items()),
                    *(f"{name}=(secret)" for name in channel.secrets),
                ]
            ),
        )
        for channel in status.channels
    ]
    emit_table(("CHANNEL", "KIND", "WAITING", "STATE", "SETTINGS"), channels)
    emit("\n")
    rules = [
        (one.name, one.rule.channel, str(one.told), _rule(one.rule), one.error)
        for one in status.rules
    ]
    emit_table(("RULE", "CHANNEL", "TOLD", "TELLS", "ERROR"), rules)
    if status.channels and not status.url:
        emit("\nNotices have no links: the server has no url in coronerd.conf.\n")


def _health(failures: int, error: str, paused: int) -> str:
    if not failures:
        return error or "ok"
    return f"{failures} failures, next try {day(paused, '')}: {error}"


def _rule(rule: TellingRule) -> str:
    words = [event.value for event in rule.events]
    words += [f"count={rule.count}"] if rule.count else []
    words += [f"hosts={rule.hosts}"] if rule.hosts else []
    words += [f"rate={rule.rate.count}/{rule.rate.seconds}s"] if rule.rate else []
    words += [f"digest={_digest(rule.digest)}"] if rule.digest else []
    words += ["filtered"] if rule.filter else []
    words += [] if rule.follows else ["follows=no"]
    words += [] if rule.is_enabled else ["enabled=no"]
    return " ".join(words)


def _digest(digest: DigestTime) -> str:
    when = "daily" if digest.weekday is None else _DAYS[digest.weekday]
    return f"{when}@{digest.hour}"


def show_log(log: DeliveryLog) -> None:
    """Print deliveries, the latest first."""
    rows = [
        (
            str(one.id),
            day(one.created, ""),
            one.channel,
            one.event.value,
            one.group[:16],
            one.state,
            str(one.tries),
            one.error or one.line,
        )
        for one in log.deliveries
    ]
    heading = ("ID", "TIME", "CHANNEL", "EVENT", "GROUP", "STATE", "TRIES", "WHAT")
    emit_table(heading, rows)


def show_previews(found: Previews) -> None:
    """Print what would be sent, rule by rule."""
    for one in found.previews:
        says = "would tell" if one.would else f"would not tell ({one.why})"
        emit(printable(f"rule {one.rule}, {one.kind} {one.channel}: {says}") + "\n")
        for line in one.text.splitlines():
            emit("    " + printable(line) + "\n")
    if not found.previews:
        emit("No rule tells it.\n")
