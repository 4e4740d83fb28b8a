"""What is taken out of a project's snapshots when they arrive."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint

__all__ = [
    "ENDPOINTS",
    "GET_SCRUBBING",
    "SET_SCRUBBING",
    "ScrubExpression",
    "Scrubbing",
]


class ScrubExpression(msgspec.Struct, frozen=True):
    """A scrubber of one's own."""

    name: Annotated[str, msgspec.Meta(max_length=32)]
    pattern: Annotated[str, msgspec.Meta(max_length=1024)]
    """A regular expression; its group, if it has one, is what is taken out."""


class Scrubbing(msgspec.Struct, frozen=True, omit_defaults=True):
    """The scrubbers that hold; none of both: snapshots stay as they were sent."""

    built_in: Annotated[tuple[str, ...], msgspec.Meta(max_length=16)] = ()
    """``key``, ``token``, ``ccn``, ``ssn``, ``env``, ``url``."""
    expressions: Annotated[
        tuple[ScrubExpression, ...], msgspec.Meta(max_length=64)
    ] = ()


GET_SCRUBBING = Endpoint[msgspec.Struct, Scrubbing](
    operation="get_scrubbing",
    method="GET",
    path=f"{SCOPE}/scrubbing",
    capability=Capability.ADMIN,
    summary="Say what is taken out of snapshots when they arrive.",
    answer=Scrubbing,
)
SET_SCRUBBING = Endpoint(
    operation="set_scrubbing",
    method="PUT",
    path=f"{SCOPE}/scrubbing",
    capability=Capability.ADMIN,
    summary="Take this out of snapshots that arrive from now on.",
    request=Scrubbing,
    answer=Scrubbing,
)

ENDPOINTS = (GET_SCRUBBING, SET_SCRUBBING)
