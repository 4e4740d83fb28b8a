"""Administration: who may do what, by token and by password."""

from __future__ import annotations

import time
from typing import Any

from coresnap.errors import ConflictError, UsageError
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.tokens import CreatedToken, NewToken
from coresnap.store.api.users import GivenRole, NewPassword, NewUser, Role
from coresnap.store.server.call import Content
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_DAY = 86400
_EVERYWHERE = "universe"


def _first(visit: Visit) -> Shown | Redirect | Content:
    return Redirect(f"{visit.base}/admin/integrations")


# --- tokens ---------------------------------------------------------------------------


def _token_page(
    visit: Visit, created: CreatedToken | None = None, error: str = ""
) -> Shown:
    context = {
        "tokens": visit.ask("list_tokens").tokens,
        "capabilities": tuple(Capability),
        "created": created,
        "error": error,
        "now": int(time.time()),
    }
    return Shown("admin_tokens.html", context, 400 if error else 200)


def _change_tokens(visit: Visit) -> Shown | Redirect | Content:
    if revoked := visit.one("revoke"):
        visit.ask("revoke_token", {"token": revoked})
        return Redirect(visit.url, "The token is revoked.")
    try:
        # Its digits are told this once: a redirection would lose them.
        created = visit.ask("create_token", body=_new_token(visit))
    except (UsageError, ConflictError) as error:
        return _token_page(visit, error=str(error))
    return _token_page(visit, created)


def _new_token(visit: Visit) -> NewToken:
    days = visit.number("days")
    return NewToken(
        visit.one("name").strip(),
        _capabilities(visit),
        None if visit.one("where") == _EVERYWHERE else visit.path["project"],
        None if days is None else int(time.time()) + days * _DAY,
    )


def _capabilities(visit: Visit) -> tuple[Capability, ...]:
    try:
        return tuple(Capability(one) for one in visit.all("capability"))
    except ValueError as error:
        raise UsageError(str(error)) from None


# --- users ----------------------------------------------------------------------------


def _user_page(visit: Visit, error: str = "") -> Shown:
    context: dict[str, Any] = {
        "users": visit.ask("list_users").users,
        "roles": tuple(Role),
        "error": error,
    }
    return Shown("admin_users.html", context, 400 if error else 200)


def _change_users(visit: Visit) -> Shown | Redirect | Content:
    try:
        message = _changed(visit)
    except (UsageError, ConflictError) as error:
        return _user_page(visit, str(error))
    return Redirect(visit.url, message)


def _changed(visit: Visit) -> str:
    name, action = visit.one("user").strip(), visit.one("action")
    where = None if visit.one("where") == _EVERYWHERE else visit.path["project"]
    if action == "create":
        role = _role(visit.one("role"))
        wanted = NewUser(name, visit.one("password"), role or Role.MEMBER, where)
        visit.ask("create_user", body=wanted)
        return f"{name} can log in."
    if action == "role":
        given = GivenRole(_role(visit.one("role")), where)
        visit.ask("set_role", {"user": name}, body=given)
        return f"{name} has another role."
    if action == "password":
        wanted_password = NewPassword(visit.one("password"))
        visit.ask("set_password", {"user": name}, body=wanted_password)
        return f"{name} has another password, and is logged out."
    if action == "remove":
        visit.ask("remove_user", {"user": name})
        return f"{name} is removed."
    raise UsageError(f"nothing is called {action[:40]!r}")


def _role(text: str) -> Role | None:
    try:
        return Role(text) if text else None
    except ValueError as error:
        raise UsageError(str(error)) from None


PAGES = (
    Page(f"{SCOPE}/admin", _first),
    Page(f"{SCOPE}/admin/tokens", _token_page),
    Page(f"{SCOPE}/admin/tokens", _change_tokens, "POST"),
    Page(f"{SCOPE}/admin/users", _user_page),
    Page(f"{SCOPE}/admin/users", _change_users, "POST"),
)
