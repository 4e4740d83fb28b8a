"""One endpoint of the HTTP API, as data that server, client and OpenAPI share."""

from __future__ import annotations

import enum
from typing import Annotated, Generic, TypeVar

import attrs
import msgspec

__all__ = ["SCOPE", "UNIVERSE", "Capability", "Endpoint", "Name", "Parameter"]

UNIVERSE = "/api/v1/universes/{universe}"
"""Paths of what belongs to a universe begin with this."""

SCOPE = "/api/v1/projects/{universe}/{project}"
"""Every path of a project begins with this: what is not below it cannot be reached."""

Name = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
"""Of a universe, a project, a token or a user."""

RequestT = TypeVar("RequestT", bound=msgspec.Struct)
AnswerT = TypeVar("AnswerT", bound=msgspec.Struct)


class Capability(enum.StrEnum):
    """What a token allows."""

    POST = "post"
    """Send snapshots, and nothing else."""
    QUERY = "query"
    """Ask, read snapshots, change the workflow of groups."""
    SYMBOLS = "symbols"
    """Send symbol files."""
    ADMIN = "admin"
    """Everything, rules and tokens among them."""


@attrs.frozen
class Parameter:
    """A parameter in an endpoint's query string."""

    name: str
    kind: type[str] | type[int] | type[bool]
    meaning: str
    is_required: bool = False


@attrs.frozen
class Endpoint(Generic[RequestT, AnswerT]):
    """Where a request goes, what it carries, and what comes back."""

    operation: str
    """Its name: of the handler, and in the OpenAPI description."""
    method: str
    path: str
    """With ``{names}`` of parts that vary."""
    capability: Capability | None
    """What the token must allow; None: no token is needed."""
    summary: str
    """One sentence."""
    request: type[RequestT] | None = None
    """Of a JSON body; None: no body, or bytes."""
    answer: type[AnswerT] | None = None
    """Of a JSON body; None: no content, or bytes."""
    parameters: tuple[Parameter, ...] = ()
    takes_bytes: bool = False
    gives_bytes: bool = False
    only_reads: bool = False
    """A POST that changes nothing, as a query does."""

    @property
    def is_read(self) -> bool:
        """Whether guests may do it, and the audit log need not tell of it."""
        return self.only_reads or self.method == "GET"
