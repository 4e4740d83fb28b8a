"""How stable each version is, what is new in one, and how two differ."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attrs

from coresnap.store.query.query import (
    AllOf,
    Condition,
    Filter,
    Fold,
    FoldName,
    Operator,
    Query,
)
from coresnap.store.query.result import Buckets, Group, Result
from coresnap.store.server.call import Content
from coresnap.views.web.address import Address
from coresnap.views.web.groups.period import PERIODS, find_period
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_VERSIONS = 50
_GROUPS = 200
_APPLICATIONS = 50


@attrs.frozen
class Version:
    """One version's numbers in the chosen time."""

    name: str
    faults: int
    groups: int
    hosts: int
    first: int
    last: int

    @property
    def per_host(self) -> float:
        """Faults for each host that had any."""
        return self.faults / self.hosts if self.hosts else 0.0


@attrs.frozen
class Difference:
    """One group in two versions."""

    group: str
    title: str
    now: int
    before: int


def _versions(visit: Visit) -> Shown | Redirect | Content:
    here = Address.of(f"{visit.base}/versions", visit.query)
    wanted = _wanted(visit)
    versions = _counted(visit, wanted)
    chosen = visit.one("version")
    against = visit.one("against") or _before(versions, chosen)
    context: dict[str, Any] = {
        "here": here,
        "versions": versions,
        "applications": _applications(visit),
        "application": visit.one("application"),
        "periods": PERIODS,
        "chosen_age": visit.one("age"),
        "chosen": chosen,
        "against": against,
        "introduced": (),
        "differences": (),
    }
    if chosen:
        context["introduced"] = _introduced(visit, chosen)
        context["differences"] = _differences(visit, wanted, chosen, against)
    return Shown("versions.html", context)


def _wanted(visit: Visit) -> Filter:
    parts: list[Filter] = [Condition("version", Operator.IS_SET)]
    if application := visit.one("application"):
        parts.append(Condition("application", Operator.EQUAL, application))
    parts += find_period(visit.one("age")).span(int(time.time())).filters()
    return AllOf(tuple(parts))


def _counted(visit: Visit, wanted: Filter) -> list[Version]:
    """Return the versions, the one that began last first."""
    query = Query(
        filter=wanted,
        group=("version",),
        folds=(
            Fold(FoldName.UNIQUE, "group"),
            Fold(FoldName.UNIQUE, "hostname"),
            Fold(FoldName.RANGE, "timestamp"),
        ),
        limit=_VERSIONS,
    )
    result: Result = visit.ask("query", body=query)
    found = [_version(group) for group in result.groups]
    return sorted(found, key=lambda one: one.first, reverse=True)


def _version(group: Group) -> Version:
    groups, hosts, span = group.folds
    first, last = span if isinstance(span, tuple) and None not in span else (0, 0)
    return Version(
        name=str(group.key[0]),
        faults=group.count,
        groups=groups if isinstance(groups, int) else 0,
        hosts=hosts if isinstance(hosts, int) else 0,
        first=int(first or 0),
        last=int(last or 0),
    )


def _before(versions: list[Version], chosen: str) -> str:
    """Return the version that began before the chosen one; empty for the first."""
    names = [one.name for one in versions]
    at = names.index(chosen) + 1 if chosen in names else len(names)
    return names[at] if at < len(names) else ""


def _applications(visit: Visit) -> tuple[str, ...]:
    query = Query(
        filter=Condition("version", Operator.IS_SET),
        folds=(Fold(FoldName.DISTRIBUTION, "application", size=_APPLICATIONS),),
    )
    result: Result = visit.ask("query", body=query)
    for group in result.groups:
        if isinstance(group.folds[0], Buckets):
            return tuple(sorted(str(key) for key in group.folds[0].keys))
    return ()


def _introduced(visit: Visit, version: str) -> Any:  # noqa: ANN401 - groups
    parameters = {"attribute": "version", "value": version}
    return visit.ask("introduced", parameters=parameters).groups


def _differences(
    visit: Visit, wanted: Filter, chosen: str, against: str
) -> list[Difference]:
    """Return the groups of two versions, those that differ most first."""
    now = _by_group(visit, wanted, chosen)
    before = _by_group(visit, wanted, against) if against else {}
    found = [
        Difference(
            group,
            (now.get(group) or before[group])[0],
            now.get(group, ("", 0))[1],
            before.get(group, ("", 0))[1],
        )
        for group in {**now, **before}
    ]
    return sorted(found, key=lambda one: abs(one.now - one.before), reverse=True)


def _by_group(
    visit: Visit, wanted: Filter, version: str
) -> Mapping[str, tuple[str, int]]:
    query = Query(
        filter=AllOf((wanted, Condition("version", Operator.EQUAL, version))),
        group=("group", "group.title"),
        limit=_GROUPS,
    )
    result: Result = visit.ask("query", body=query)
    return {
        str(group.key[0]): (str(group.key[1] or ""), group.count)
        for group in result.groups
    }


PAGES = (Page(f"{SCOPE}/versions", _versions),)
