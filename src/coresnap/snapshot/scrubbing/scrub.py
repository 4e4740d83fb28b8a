"""A snapshot without the secrets of its process.

Done before a snapshot leaves its host, and when one arrives at a store. Twice is once:
what was scrubbed already is left as it is, to the same object if nothing was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.model import MemoryRange, Note, Snapshot
from coresnap.snapshot.scrubbing.rules import Finding, Rules
from coresnap.snapshot.scrubbing.scrubber import (
    Literals,
    Scrubber,
    Secrets,
    compile_rules,
)
from coresnap.snapshot.scrubbing.walk import Walk

__all__ = ["ATTRIBUTE", "scrub", "totals"]

ATTRIBUTE = "coresnap.scrubbed"
"""Names of the scrubbers that found something, separated by commas."""
_MOST_VALUES = 64
"""Secrets that are searched for where nothing tells that they are secrets."""


def scrub(snapshot: Snapshot, rules: Rules) -> tuple[Snapshot, tuple[Finding, ...]]:
    """Return ``snapshot`` without what ``rules`` finds, and what that was.

    Text gets ``[scrubbed NAME]`` for a secret, memory ``*`` for each of its bytes. A
    secret that was found by its surroundings is also taken out where it stands alone.
    A note and the attribute ``coresnap.scrubbed`` say what was found. Raises
    ConfigError for rules that make no sense.
    """
    scrubbers = compile_rules(rules)
    secrets = Secrets(scrubbers)
    changed, findings = _pass(snapshot, secrets, by_name="token" in scrubbers)
    if secrets.values:
        again = Secrets(_by_value(secrets.values))
        changed, more = _pass(changed, again, by_name=False)
        findings += more
    if not findings:
        return snapshot, ()
    return _with_remarks(changed, findings), tuple(findings)


def totals(findings: Sequence[Finding]) -> dict[str, int]:
    """Return how many secrets each scrubber found, by its name."""
    total: Counter[str] = Counter()
    for finding in findings:
        total[finding.scrubber] += finding.count
    return dict(sorted(total.items()))


def _pass(
    snapshot: Snapshot, secrets: Secrets, *, by_name: bool
) -> tuple[Snapshot, list[Finding]]:
    walk = Walk(secrets, by_name=by_name)
    # First where names stand: it is known then what a value alone is.
    assets = _assets(snapshot.assets, secrets, walk)
    changed = walk.tree(snapshot)
    memory = _memory(snapshot.memory, secrets, walk)
    if assets is not snapshot.assets:
        changed = msgspec.structs.replace(changed, assets=assets)
    if memory is not snapshot.memory:
        changed = msgspec.structs.replace(changed, memory=memory)
    return changed, walk.findings


def _assets(assets: dict[str, bytes], secrets: Secrets, walk: Walk) -> dict[str, bytes]:
    changed = {}
    for name, content in assets.items():
        scrubbed, count = secrets.file(content)
        walk.note(count, f"assets {name}")
        changed[name] = scrubbed if count else content
    same = all(changed[name] is assets[name] for name in assets)
    return assets if same else changed


def _memory(
    ranges: tuple[MemoryRange, ...], secrets: Secrets, walk: Walk
) -> tuple[MemoryRange, ...]:
    changed: list[MemoryRange] = []
    for together in _adjacent(ranges):
        before = b"".join(one.data for one in together)
        after, count = secrets.memory(before)
        walk.note(count, f"memory {together[0].address:#x}")
        if not count:
            changed += together
            continue
        at = 0
        for one in together:
            data = after[at : at + len(one.data)]
            changed.append(MemoryRange(one.address, data))
            at += len(one.data)
    same = all(one is other for one, other in zip(changed, ranges, strict=True))
    return ranges if same else tuple(changed)


def _adjacent(ranges: tuple[MemoryRange, ...]) -> Iterator[list[MemoryRange]]:
    """Yield ranges that touch each other together: a secret may lie across."""
    together: list[MemoryRange] = []
    for one in ranges:
        if together and together[-1].address + len(together[-1].data) != one.address:
            yield together
            together = []
        together.append(one)
    if together:
        yield together


def _by_value(values: dict[bytes, str]) -> dict[str, Scrubber]:
    """Return scrubbers for secrets that can be told from any other text."""
    telling = [value for value in values if _is_telling(value)]
    telling.sort(key=len, reverse=True)
    named: dict[str, list[bytes]] = {}
    for value in telling[:_MOST_VALUES]:
        named.setdefault(values[value], []).append(value)
    return {name: Literals(found) for name, found in named.items()}


def _is_telling(value: bytes) -> bool:
    """Whether it is long and odd enough not to be a word or a path."""
    if len(value) < 8 or value.startswith((b"/", b"./")):
        return False
    kinds = (value.upper() != value, value.lower() != value, not value.isalpha())
    return len(set(value)) >= 5 and (sum(kinds) >= 2 or len(value) >= 16)


def _with_remarks(snapshot: Snapshot, findings: list[Finding]) -> Snapshot:
    counts = totals(findings)
    said = ", ".join(f"{name} ({count})" for name, count in counts.items())
    note = Note("scrub", f"secrets were taken out: {said}")
    before = str(snapshot.attributes.get(ATTRIBUTE, ""))
    names = {name for name in before.split(",") if name} | counts.keys()
    return msgspec.structs.replace(
        snapshot,
        notes=(*snapshot.notes, note),
        attributes={**snapshot.attributes, ATTRIBUTE: ",".join(sorted(names))},
    )
