"""Fingerprints made again by other rules: first what it would do, then doing it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint
from coresnap.store.fault import Value

__all__ = [
    "APPLY_REPROCESSING",
    "DISCARD_REPROCESSING",
    "ENDPOINTS",
    "GET_REPROCESSING",
    "STAGE_REPROCESSING",
    "Apply",
    "Move",
    "Moved",
    "Refingerprinted",
    "ReprocessingPlan",
    "Staging",
]

_Fingerprint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Object = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
_Frame = Annotated[str, msgspec.Meta(max_length=4096)]


class Refingerprinted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What other rules make of one fault."""

    object: _Object
    fingerprint: _Fingerprint
    ruleset: Annotated[int, msgspec.Meta(ge=0, lt=1 << 15)] = 0
    """Version of the rules."""
    title: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    callstack: Annotated[tuple[_Frame, ...], msgspec.Meta(max_length=256)] = ()
    attributes: Annotated[dict[str, Value], msgspec.Meta(max_length=16)] = {}
    """That change with it: ``callstack`` and those that begin with ``fingerprint.``."""


class Staging(msgspec.Struct, frozen=True):
    """Faults whose fingerprints were made again; nothing of theirs changes yet."""

    faults: Annotated[
        tuple[Refingerprinted, ...], msgspec.Meta(min_length=1, max_length=500)
    ]


class Move(msgspec.Struct, frozen=True):
    """Faults that would go from one fingerprint to another one."""

    old: str
    new: str
    faults: int
    old_group: str
    new_group: str
    """That they would belong to; the old one's if that goes along."""
    title: str
    """Of the new fingerprint."""


class ReprocessingPlan(msgspec.Struct, frozen=True):
    """What putting the new fingerprints into use would do."""

    faults: int
    """That would get another fingerprint."""
    groups_before: int
    """Groups that have these faults now."""
    groups_after: int
    """Groups that would have them."""
    moves: tuple[Move, ...] = ()
    """The largest first; 1000 at most."""
    is_begun: bool = False
    """Some were moved already; the rest only waits."""


class Apply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Put the new fingerprints into use, as many as one call does."""

    reason: Annotated[str, msgspec.Meta(max_length=4096)] = ""


class Moved(msgspec.Struct, frozen=True):
    """What one call did."""

    moved: int
    left: int
    """Faults that wait: call again until there are none."""


STAGE_REPROCESSING = Endpoint(
    operation="stage_reprocessing",
    method="POST",
    path=f"{SCOPE}/reprocessing/faults",
    capability=Capability.ADMIN,
    summary="Note new fingerprints of faults; nothing changes yet.",
    request=Staging,
    answer=ReprocessingPlan,
)
GET_REPROCESSING = Endpoint[msgspec.Struct, ReprocessingPlan](
    operation="get_reprocessing",
    method="GET",
    path=f"{SCOPE}/reprocessing",
    capability=Capability.QUERY,
    summary="Say what the noted fingerprints would do to the groups.",
    answer=ReprocessingPlan,
)
APPLY_REPROCESSING = Endpoint(
    operation="apply_reprocessing",
    method="POST",
    path=f"{SCOPE}/reprocessing/apply",
    capability=Capability.ADMIN,
    summary="Put the noted fingerprints into use.",
    request=Apply,
    answer=Moved,
)
DISCARD_REPROCESSING = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="discard_reprocessing",
    method="DELETE",
    path=f"{SCOPE}/reprocessing",
    capability=Capability.ADMIN,
    summary="Forget the noted fingerprints that are not in use yet.",
)

ENDPOINTS = (
    STAGE_REPROCESSING,
    GET_REPROCESSING,
    APPLY_REPROCESSING,
    DISCARD_REPROCESSING,
)
