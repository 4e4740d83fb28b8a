"""Logging in, by password or token, and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from coresnap.errors import AccessError, UsageError
from coresnap.store.api.users import Login, Logout, Session
from coresnap.store.server.call import Content
from coresnap.store.server.statuses import Refusal
from coresnap.views.web.page import Page, Redirect, Shown, Visit

__all__ = ["PAGES", "local_path"]


def _form(visit: Visit, error: str = "", status: int = 200) -> Shown:
    context = {
        "error": error,
        "next": local_path(visit.one("next")),
        "universe": visit.one("universe", visit.asking.server.config.universe),
        "user": visit.one("user"),
        "provider": urlsplit(visit.asking.server.config.openid_issuer).netloc,
    }
    return Shown("login.html", context, status)


def _log_in(visit: Visit) -> Shown | Redirect | Content:
    try:
        token = visit.one("token").strip()
        secret = _known(visit, token) if token else _session(visit).token
    except Refusal as refusal:
        return _form(visit, str(refusal.error), refusal.status)
    except (AccessError, UsageError) as error:
        return _form(visit, str(error), 403)
    return Redirect(local_path(visit.one("next")), secret=secret)


def _session(visit: Visit) -> Session:
    wanted = Login(visit.one("universe"), visit.one("user"), visit.one("password"))
    session: Session = visit.ask("login", body=wanted)
    return session


def _known(visit: Visit, token: str) -> str:
    """Return a token that holds; raise Refusal for another."""
    visit.asking.server.doorkeeper.recognise(token, visit.visitor.address)
    return token


def _log_out(visit: Visit) -> Shown | Redirect | Content:
    # A token goes on holding elsewhere; a session ends for good.
    visit.ask("logout", body=Logout(visit.visitor.secret[:64]))
    return Redirect("/login", "You are logged out.", secret="")


def local_path(where: str) -> str:
    """Return a path of this server: what ``next`` says may come from anybody."""
    is_local = where.startswith("/") and where[1:2] not in ("/", "\\")
    return where if is_local and where.isprintable() else "/"


PAGES = (
    Page("/login", _form, is_public=True),
    Page("/login", _log_in, "POST", is_public=True),
    Page("/logout", _log_out, "POST"),
)
