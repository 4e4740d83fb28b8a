"""Groups as the announcement prints them."""

from __future__ import annotations

import argparse
import textwrap
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from coresnap.snapshot.escape import printable
from coresnap.store.api.queries import DESCRIBE, QUERY
from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.presentation import present
from coresnap.views.cli.coroner.badges import find_badges
from coresnap.views.cli.coroner.group_query import (
    TREND_DAYS,
    FoldsOfGroup,
    fault_query,
    names,
)
from coresnap.views.cli.output import emit
from coresnap.views.group_badges import Badge, Badges

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.fault import Value
    from coresnap.store.query.query import Query
    from coresnap.store.query.result import Buckets, Result

__all__ = ["bar", "date", "json_groups", "print_groups", "trend"]

_DAY = 86400
_BLOCKS = " ▁▂▃▄▅▆▇█"
_BAR = 15
_NAME = 44
_WIDTH = 76
_MOST_FRAMES = 32
_BADGES = {
    Badge.NEW: "new",
    Badge.REGRESSED: "regressed",
    Badge.MUTE_ENDED: "its mute has ended",
}


def print_groups(
    client: Client, arguments: argparse.Namespace, query: Query, result: Result
) -> None:
    """Print the groups of ``result``, and faults of each if they are wanted."""
    known = {
        one.name: Attribute(one.name, Kind(one.kind), one.format, one.unit)
        for one in client.call(DESCRIBE).attributes
    }
    badges = find_badges(client, arguments, int(time.time()))
    printer = _Printer(client, arguments, query, known, badges)
    for group in result.groups:
        folds = FoldsOfGroup(group, names(arguments.frequency))
        emit("".join(f"{line}\n" for line in printer.lines(folds, result.until)))
    more = result.total - arguments.offset - len(result.groups)
    if more > 0:
        emit(_more(more, arguments.offset + len(result.groups)))


def _more(count: int, shown: int) -> str:
    what = "group" if count == 1 else "groups"
    return f"{count} more {what}: --offset {shown} shows what follows\n"


def json_groups(
    client: Client, arguments: argparse.Namespace, result: Result
) -> dict[str, Any]:
    """Return the answer for JSON, each group with its badges."""
    import msgspec

    badges = find_badges(client, arguments, int(time.time()))
    answer: dict[str, Any] = msgspec.to_builtins(result)
    for group, told in zip(result.groups, answer["groups"], strict=True):
        folds = FoldsOfGroup(group, ())
        told["badges"] = list(badges.of(folds.id, folds.first_seen))
    return answer


class _Printer:
    def __init__(
        self,
        client: Client,
        arguments: argparse.Namespace,
        query: Query,
        known: dict[str, Attribute],
        badges: Badges,
    ) -> None:
        self._badges = badges
        self._client = client
        self._arguments = arguments
        self._query = query
        self._known = known

    def lines(self, folds: FoldsOfGroup, until: int) -> Iterator[str]:
        first, last = folds.times
        days = max(0, last - first) // _DAY
        yield f"[{folds.id}]"
        yield f"  Date: {date(first)} - {date(last)}"
        yield f"  Occurrences: {folds.group.count} (over {days} days)"
        yield f"  {trend(folds.trend, int(time.time()))}"
        yield from _state(folds, self._badges.of(folds.id, folds.first_seen))
        yield "  Attributes:"
        for index, name in enumerate(folds.attributes):
            yield from self._histogram(name, folds.histogram(index), folds.group.count)
        if folds.classifiers.keys:
            yield "  Classification:"
            yield from _classification(folds.classifiers)
        if folds.callstack:
            yield "  Frames:"
            yield from _frames(folds.callstack, full=self._arguments.frames_full)
        if self._arguments.instances:
            yield "  Objects:"
            yield from self._objects(folds.id, until)

    def _histogram(self, name: str, buckets: Buckets, total: int) -> Iterator[str]:
        yield f"    {printable(name)} ({len(buckets.keys) + buckets.others} buckets)"
        for key, count in zip(buckets.keys, buckets.counts, strict=True):
            text = self._text(name, key)
            text = text if len(text) <= _NAME else text[: _NAME - 1] + "…"
            share = count / total if total else 0
            yield f"      {text:<{_NAME}} {count:>7} {share:>7.2%} {bar(share)}"
        if buckets.rest:
            yield f"      {'…':<{_NAME}} {buckets.rest:>7} {buckets.rest / total:>7.2%}"

    def _objects(self, group: str, until: int) -> Iterator[str]:
        expand = names(self._arguments.expand)
        query = fault_query(self._query, group, self._arguments.instances, expand)
        result = self._client.call(QUERY, query)
        for row in result.rows:
            values = dict(zip(result.columns, row.values, strict=True))
            when = values.get("timestamp")
            yield f"    [{values['object']}] ({date(int(when or 0))})"
            if values.get("classifiers"):
                yield f"      Classification: {printable(str(values['classifiers']))}"
            shown = (
                f"{name}={self._text(name, value)}"
                for name, value in values.items()
                if name in expand and value is not None
            )
            yield f"      Attributes: {' '.join(shown)}"

    def _text(self, name: str, value: Value) -> str:
        attribute = self._known.get(name)
        return printable(str(value)) if attribute is None else present(value, attribute)


def date(seconds: int) -> str:
    """The local date and time, as ctime(3) writes it."""
    try:
        moment = time.localtime(seconds)
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}"
    return time.strftime("%a %b %e %H:%M:%S %Y", moment)


def trend(counts: tuple[int, ...], now: int) -> str:
    """One character for each day, its height the day's part of the highest."""
    most = max(counts, default=0) or 1
    blocks = "".join(_BLOCKS[-(-count * 8 // most)] for count in counts)
    begin = time.strftime("%b %d", time.gmtime(now - (TREND_DAYS - 1) * _DAY))
    return (
        f"{begin} : {blocks:<{TREND_DAYS}} : {time.strftime('%b %d', time.gmtime(now))}"
    )


def bar(share: float) -> str:
    """A bar for a share of 0 to 1; something for whatever is not nothing."""
    return "█" * max(1, round(share * _BAR)) if share > 0 else ""


def _state(folds: FoldsOfGroup, badges: dict[Badge, str]) -> Iterator[str]:
    words = [
        f"{_BADGES[b]} ({why})" if why else _BADGES[b] for b, why in badges.items()
    ]
    words += [] if folds.state == "open" else [folds.state]
    words += [f"assigned to {folds.assignee}"] if folds.assignee else []
    if words:
        yield f"  State: {printable(', '.join(words))}"


def _classification(buckets: Buckets) -> Iterator[str]:
    for key, count in zip(buckets.keys, buckets.counts, strict=True):
        yield f"    {printable(str(key))} ({count} buckets)"


def _frames(callstack: tuple[str, ...], *, full: bool) -> Iterator[str]:
    from coresnap.snapshot.short_names import short_function

    shown = callstack[:_MOST_FRAMES]
    texts = [printable(f if full else short_function(f)) for f in shown]
    if len(callstack) > _MOST_FRAMES:
        texts.append(f"… {len(callstack) - _MOST_FRAMES} more")
    # A name stays whole: what is between names are the only places to break at.
    joined = " ".join(text.replace(" ", "\u00a0") + " ←" for text in texts)[:-2]
    for line in textwrap.wrap(joined, _WIDTH, break_long_words=False):
        yield "    " + line.replace("\u00a0", " ")
