"""Sampling: of which faults the bodies are kept when there are many of a kind."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint

__all__ = [
    "CLEAR_SAMPLING",
    "ENDPOINTS",
    "GET_SAMPLING",
    "RESET_SAMPLING",
    "SET_SAMPLING",
    "Bucket",
    "Reset",
    "ResetBuckets",
    "SamplingRule",
    "SamplingStatus",
    "Step",
]

_AttributeName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_YEAR = 366 * 24 * 60 * 60
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=_YEAR)]


class Step(msgspec.Struct, frozen=True):
    """So many bodies are kept, with so much time between them."""

    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    interval: _Seconds
    """Least seconds since the body that was kept before."""


class SamplingRule(msgspec.Struct, frozen=True):
    """When the body of a fault is kept."""

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=16)]
    """One after the other; after the last none is kept until the reset."""
    reset: Annotated[int, msgspec.Meta(ge=60, le=_YEAR)] = 24 * 60 * 60
    """Seconds after which a bucket begins again."""
    attributes: Annotated[tuple[_AttributeName, ...], msgspec.Meta(max_length=8)] = ()
    """Faults share a bucket if fingerprint and these are equal."""
    first_of: Annotated[tuple[_AttributeName, ...], msgspec.Meta(max_length=8)] = ()
    """The first fault of a fingerprint with a new value of one of these is kept
    whatever the steps say."""
    buckets: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 512
    """That are remembered; the one that was used longest ago is forgotten first."""


class Bucket(msgspec.Struct, frozen=True):
    """Faults that are sampled together. Times are seconds, UTC since the epoch."""

    fingerprint: str
    values: tuple[str, ...]
    """Of the rule's attributes; empty for one that is not there."""
    kept: int
    """Since ``started``; so is the next."""
    sampled: int
    """Bodies that were not kept."""
    started: int
    last: int
    """When a body was last kept."""
    next: int
    """When the next one will be."""


class SamplingStatus(msgspec.Struct, frozen=True):
    """What sampling does in a project."""

    rule: SamplingRule | None
    """None: every body is kept."""
    buckets: tuple[Bucket, ...] = ()
    """The 100 that were used last."""
    count: int = 0
    """Of all buckets."""
    sampled: int = 0
    """Faults of the project whose bodies were not kept, since the beginning."""


class Reset(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which buckets are to begin again."""

    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    """None for all of the project."""


class ResetBuckets(msgspec.Struct, frozen=True):
    """What was reset."""

    count: int


GET_SAMPLING = Endpoint[msgspec.Struct, SamplingStatus](
    operation="get_sampling",
    method="GET",
    path=f"{SCOPE}/sampling",
    capability=Capability.QUERY,
    summary="Say which bodies sampling keeps, and what it did.",
    answer=SamplingStatus,
)
SET_SAMPLING = Endpoint(
    operation="set_sampling",
    method="PUT",
    path=f"{SCOPE}/sampling",
    capability=Capability.ADMIN,
    summary="Keep only some of the bodies of faults of a kind.",
    request=SamplingRule,
    answer=SamplingStatus,
)
CLEAR_SAMPLING = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="clear_sampling",
    method="DELETE",
    path=f"{SCOPE}/sampling",
    capability=Capability.ADMIN,
    summary="Keep every body from now on.",
)
RESET_SAMPLING = Endpoint(
    operation="reset_sampling",
    method="POST",
    path=f"{SCOPE}/sampling/reset",
    capability=Capability.ADMIN,
    summary="Let buckets begin again: their next bodies are kept.",
    request=Reset,
    answer=ResetBuckets,
)

ENDPOINTS = (GET_SAMPLING, SET_SAMPLING, CLEAR_SAMPLING, RESET_SAMPLING)
