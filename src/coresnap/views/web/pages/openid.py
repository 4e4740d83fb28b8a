"""Logging in with a provider of OpenID Connect: there, and back."""

from __future__ import annotations

import time

from coresnap.errors import DeniedError, MissingError
from coresnap.store.access.sessions import begin_proven_session
from coresnap.store.server.call import Content
from coresnap.views.web.openid.flow import Flow
from coresnap.views.web.openid.provider import Provider, provider_of
from coresnap.views.web.page import Page, Redirect, Shown, Visit
from coresnap.views.web.pages.login import local_path

__all__ = ["PAGES"]


def _begin(visit: Visit) -> Shown | Redirect | Content:
    provider = _provider(visit)
    visit.asking.server.doorkeeper.admit(visit.visitor.address)
    flow = Flow(visit.visitor.secret)
    path = local_path(visit.one("next"))
    # The cookie is set with it: what comes back is bound to it.
    return Redirect(provider.begin(flow, path), secret=visit.visitor.secret)


def _back(visit: Visit) -> Shown | Redirect | Content:
    provider = _provider(visit)
    server, address = visit.asking.server, visit.visitor.address
    server.doorkeeper.admit(address)
    try:
        path, user = _proven(visit, provider)
        session = begin_proven_session(
            server.store.state,
            server.config.universe,
            user,
            server.config.session_lifetime,
        )
    except DeniedError:
        server.doorkeeper.failures.take(address, time.monotonic())
        raise
    return Redirect(local_path(path), secret=session.token)


def _proven(visit: Visit, provider: Provider) -> tuple[str, str]:
    """Return where to go, and who has logged in at the provider."""
    flow = Flow(visit.visitor.secret)
    path = flow.path_of(visit.one("state"))
    if visit.one("iss", provider.issuer) != provider.issuer:  # RFC 9207
        raise DeniedError("this answer is another provider's")
    if visit.has("error") or not visit.one("code"):
        reason = visit.one("error")[:80] or "no code"
        raise DeniedError(
            f"the provider did not log you in: {reason}", remedy="Begin it again."
        )
    return path, provider.user(flow, visit.one("code"))


def _provider(visit: Visit) -> Provider:
    provider = provider_of(visit.asking.server.config)
    if provider is None:
        raise MissingError(
            "this server has no provider to log in with",
            remedy="Log in with a password or a token.",
        )
    return provider


PAGES = (
    Page("/login/openid", _begin, is_public=True),
    Page("/login/openid/back", _back, is_public=True),
)
