"""Pages and redirections on their way out, with what browsers are told to enforce."""

from __future__ import annotations

from urllib.parse import quote, unquote

import attrs
import jinja2
from starlette.requests import Request

from coresnap.store.server.answers import Reply, compressed
from coresnap.views.web.page import Redirect, Shown
from coresnap.views.web.visitors import Visitor, cookie_name, is_stranger

__all__ = ["html_reply", "redirect_reply"]

_MESSAGE = "coroner-message"
_LONGEST_MESSAGE = 300
_SAFETY = {
    # Nothing inline and nothing from elsewhere: what a process chose as its name may
    # reach a page, but never run there.
    "content-security-policy": "default-src 'none'; style-src 'self'; "
    "script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def html_reply(
    request: Request, environment: jinja2.Environment, shown: Shown, visitor: Visitor
) -> Reply:
    """Return a page as HTML."""
    message = unquote(request.cookies.get(_MESSAGE, ""))
    context = {
        "visitor": visitor,
        "message": message,
        "url": request.url.path,
        "path": dict(request.path_params),
        **shown.context,
    }
    body = environment.get_template(shown.template).render(context)
    cookies = [_cookie(visitor, _MESSAGE, "")] if message else []
    name = cookie_name(is_encrypted=visitor.is_encrypted)
    if is_stranger(visitor.secret) and request.cookies.get(name) != visitor.secret:
        cookies.append(_cookie(visitor, name, visitor.secret))  # its forms need it
    headers = {"content-type": "text/html; charset=utf-8", **_SAFETY}
    accepted = request.headers.get("accept-encoding", "")
    reply = compressed(body.encode(), headers, accepted, shown.status)
    return attrs.evolve(reply, cookies=cookies)


def redirect_reply(answer: Redirect, visitor: Visitor) -> Reply:
    """Return the way to another page, 303."""
    cookies = []
    if answer.message:
        message = quote(answer.message[:_LONGEST_MESSAGE], safe="")
        cookies.append(_cookie(visitor, _MESSAGE, message))
    if answer.secret is not None:
        name = cookie_name(is_encrypted=visitor.is_encrypted)
        cookies.append(_cookie(visitor, name, answer.secret))
    return Reply(303, b"", {"location": answer.to, **_SAFETY}, cookies)


def _cookie(visitor: Visitor, name: str, value: str) -> str:
    """Return a cookie that ends with the browser; an empty one goes at once.

    It is sent along where somebody follows a link to here, but not with forms or
    pictures of other sites (Lax).
    """
    words = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Lax"]
    if visitor.is_encrypted:
        words.append("Secure")
    if not value:
        words.append("Max-Age=0")
    return "; ".join(words)
