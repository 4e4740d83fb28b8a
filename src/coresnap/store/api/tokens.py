"""Tokens: what programs prove with that they may."""

from __future__ import annotations

from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import UNIVERSE, Capability, Endpoint, Name

__all__ = [
    "CREATE_TOKEN",
    "ENDPOINTS",
    "LIST_TOKENS",
    "REVOKE_TOKEN",
    "CreatedToken",
    "NewToken",
    "Token",
    "TokenList",
]

Secret = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class NewToken(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token that is wanted."""

    name: Name
    capabilities: Annotated[tuple[Capability, ...], msgspec.Meta(min_length=1)]
    project: Name | None = None
    """The only project that it is good for; None for all of the universe."""
    expires: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] | None = None
    """Seconds, UTC since the epoch; None for never."""
    token: Secret | None = None
    """64 hex digits that are to be it; None for new ones."""


class Token(msgspec.Struct, frozen=True):
    """What can be known of a token. Times are seconds, UTC since the epoch."""

    id: int
    name: str
    capabilities: tuple[Capability, ...]
    project: str | None
    created: int
    created_by: str
    expires: int | None
    used: int | None
    """When it was last used, give or take a minute."""


class CreatedToken(msgspec.Struct, frozen=True):
    """A new token. Its digits are told this once, and are nowhere kept."""

    token: str
    description: Token


class TokenList(msgspec.Struct, frozen=True):
    """Tokens that are not revoked, by name."""

    tokens: tuple[Token, ...]


CREATE_TOKEN = Endpoint(
    operation="create_token",
    method="POST",
    path=f"{UNIVERSE}/tokens",
    capability=Capability.ADMIN,
    summary="Make a token.",
    request=NewToken,
    answer=CreatedToken,
)
LIST_TOKENS = Endpoint[msgspec.Struct, TokenList](
    operation="list_tokens",
    method="GET",
    path=f"{UNIVERSE}/tokens",
    capability=Capability.ADMIN,
    summary="List the tokens; their digits are not known.",
    answer=TokenList,
)
REVOKE_TOKEN = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="revoke_token",
    method="DELETE",
    path=f"{UNIVERSE}/tokens/{{token}}",
    capability=Capability.ADMIN,
    summary="Revoke the token with this id, at once and for ever.",
)

ENDPOINTS = (CREATE_TOKEN, LIST_TOKENS, REVOKE_TOKEN)
