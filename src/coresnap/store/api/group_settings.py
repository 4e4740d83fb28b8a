"""How a project's groups read and compare versions."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, Capability, Endpoint

__all__ = [
    "ENDPOINTS",
    "GET_GROUP_SETTINGS",
    "SET_GROUP_SETTINGS",
    "GroupSettings",
]


class GroupSettings(msgspec.Struct, frozen=True):
    """How a project's groups are told when to reopen."""

    version_attributes: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=128)], ...],
        msgspec.Meta(min_length=1, max_length=8),
    ] = ("application.version", "version")
    """The first of these that a fault has is its version."""
    scheme: Annotated[str, msgspec.Meta(pattern="^(semver|dpkg|rpm|number)$")] = (
        "semver"
    )
    """How versions compare: ``semver``, ``dpkg``, ``rpm`` or ``number``."""


GET_GROUP_SETTINGS = Endpoint[msgspec.Struct, GroupSettings](
    operation="get_group_settings",
    method="GET",
    path=f"{SCOPE}/group-settings",
    capability=Capability.QUERY,
    summary="Say how versions are read and compared.",
    answer=GroupSettings,
)
SET_GROUP_SETTINGS = Endpoint(
    operation="set_group_settings",
    method="PUT",
    path=f"{SCOPE}/group-settings",
    capability=Capability.ADMIN,
    summary="Set how versions are read and compared.",
    request=GroupSettings,
    answer=GroupSettings,
)

ENDPOINTS = (
    GET_GROUP_SETTINGS,
    SET_GROUP_SETTINGS,
)
