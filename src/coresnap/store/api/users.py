"""Users: people with a password, who have a role in a universe or a project."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from coresnap.store.api.endpoint import UNIVERSE, Capability, Endpoint, Name

__all__ = [
    "CREATE_USER",
    "ENDPOINTS",
    "LIST_USERS",
    "LOGIN",
    "LOGOUT",
    "REMOVE_USER",
    "SET_PASSWORD",
    "SET_ROLE",
    "GivenRole",
    "Login",
    "Logout",
    "NewPassword",
    "NewUser",
    "Role",
    "Session",
    "User",
    "UserList",
]

Password = Annotated[str, msgspec.Meta(min_length=8, max_length=1024)]


class Role(enum.StrEnum):
    """What a user may do."""

    GUEST = "guest"
    """Ask. Sees no protected attributes and no snapshots, and changes nothing."""
    MEMBER = "member"
    """Ask, read snapshots, change the workflow, send snapshots and symbols."""
    ADMIN = "admin"
    """Everything."""


class Login(msgspec.Struct, frozen=True):
    """Who wants to begin a session."""

    universe: Name
    user: Name
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class Session(msgspec.Struct, frozen=True):
    """A session that has begun."""

    token: str
    """64 hex digits, used as a token is."""
    expires: int
    """Seconds, UTC since the epoch."""


class Logout(msgspec.Struct, frozen=True):
    """A session that is to end."""

    token: Annotated[str, msgspec.Meta(max_length=64)]


class NewUser(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user that is wanted."""

    name: Name
    password: Password
    role: Role = Role.MEMBER
    project: Name | None = None
    """Where the role holds; None for all projects of the universe."""


class GivenRole(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role in one project, or in the universe."""

    role: Role | None
    """None takes it away."""
    project: Name | None = None
    """None for all projects that have no role of their own."""


class NewPassword(msgspec.Struct, frozen=True):
    """A password that is to hold from now on."""

    password: Password


class User(msgspec.Struct, frozen=True):
    """What can be known of a user."""

    name: str
    created: int
    """Seconds, UTC since the epoch."""
    roles: tuple[GivenRole, ...]


class UserList(msgspec.Struct, frozen=True):
    """All users of a universe, by name."""

    users: tuple[User, ...]


LOGIN = Endpoint(
    operation="login",
    method="POST",
    path="/api/v1/login",
    capability=None,
    summary="Begin a session.",
    request=Login,
    answer=Session,
)
LOGOUT = Endpoint[Logout, msgspec.Struct](
    operation="logout",
    method="POST",
    path="/api/v1/logout",
    capability=None,
    summary="End a session.",
    request=Logout,
)
CREATE_USER = Endpoint(
    operation="create_user",
    method="POST",
    path=f"{UNIVERSE}/users",
    capability=Capability.ADMIN,
    summary="Make a user.",
    request=NewUser,
    answer=User,
)
LIST_USERS = Endpoint[msgspec.Struct, UserList](
    operation="list_users",
    method="GET",
    path=f"{UNIVERSE}/users",
    capability=Capability.ADMIN,
    summary="List the users with their roles.",
    answer=UserList,
)
SET_ROLE = Endpoint(
    operation="set_role",
    method="PUT",
    path=f"{UNIVERSE}/users/{{user}}/role",
    capability=Capability.ADMIN,
    summary="Give a user a role in a project or the universe, or take it away.",
    request=GivenRole,
    answer=User,
)
SET_PASSWORD = Endpoint[NewPassword, msgspec.Struct](
    operation="set_password",
    method="PUT",
    path=f"{UNIVERSE}/users/{{user}}/password",
    capability=Capability.ADMIN,
    summary="Give a user another password, and end the user's sessions.",
    request=NewPassword,
)
REMOVE_USER = Endpoint[msgspec.Struct, msgspec.Struct](
    operation="remove_user",
    method="DELETE",
    path=f"{UNIVERSE}/users/{{user}}",
    capability=Capability.ADMIN,
    summary="Remove a user and end the user's sessions.",
)

ENDPOINTS = (
    LOGIN,
    LOGOUT,
    CREATE_USER,
    LIST_USERS,
    SET_ROLE,
    SET_PASSWORD,
    REMOVE_USER,
)
