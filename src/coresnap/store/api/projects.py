"""Projects, what is in them, and how much they may take."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import SCOPE, UNIVERSE, Capability, Endpoint, Name

__all__ = [
    "CREATE_PROJECT",
    "ENDPOINTS",
    "GET_LIMITS",
    "LIST_PROJECTS",
    "SET_LIMITS",
    "Limits",
    "NewProject",
    "ProjectList",
    "ProjectSummary",
    "Usage",
]

Limit = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class NewProject(msgspec.Struct, frozen=True):
    """A project that is wanted."""

    name: Name


class ProjectSummary(msgspec.Struct, frozen=True):
    """A project and what is in it."""

    name: str
    faults: int
    groups: int
    size: int
    """Bytes of the snapshots that are kept."""
    last: int | None
    """When the last fault was accepted: seconds, UTC since the epoch."""


class ProjectList(msgspec.Struct, frozen=True):
    """The projects that whoever asks may see, by name."""

    projects: tuple[ProjectSummary, ...]


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a project may take in a day that begins at midnight UTC."""

    faults: Limit | None = None
    """None for no limit."""
    size: Limit | None = None
    """Bytes that are sent, of snapshots and attachments; None for no limit."""


class Usage(msgspec.Struct, frozen=True):
    """What a project took today, and what it may take."""

    faults: int
    size: int
    limits: Limits


CREATE_PROJECT = Endpoint(
    operation="create_project",
    method="POST",
    path=f"{UNIVERSE}/projects",
    capability=Capability.ADMIN,
    summary="Make a project.",
    request=NewProject,
    answer=ProjectSummary,
)
LIST_PROJECTS = Endpoint[msgspec.Struct, ProjectList](
    operation="list_projects",
    method="GET",
    path=f"{UNIVERSE}/projects",
    capability=Capability.QUERY,
    summary="List the projects with what is in them.",
    answer=ProjectList,
)
GET_LIMITS = Endpoint[msgspec.Struct, Usage](
    operation="get_limits",
    method="GET",
    path=f"{SCOPE}/limits",
    capability=Capability.QUERY,
    summary="Say what the project took today, and what it may take.",
    answer=Usage,
)
SET_LIMITS = Endpoint(
    operation="set_limits",
    method="PUT",
    path=f"{SCOPE}/limits",
    capability=Capability.ADMIN,
    summary="Limit what the project may take in a day.",
    request=Limits,
    answer=Usage,
)

ENDPOINTS = (CREATE_PROJECT, LIST_PROJECTS, GET_LIMITS, SET_LIMITS)
