"""The console: every page on its path, answered in the server's threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, quote

import attrs
import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from coresnap.errors import (
    CoresnapError,
    MissingError,
    UsageError,
)
from coresnap.store.server.answers import Reply
from coresnap.store.server.call import Content, Handler
from coresnap.store.server.requests import read_body
from coresnap.store.server.routes import handlers_of
from coresnap.store.server.server import Server
from coresnap.store.server.statuses import Refusal, status_of
from coresnap.store.server.transfer import Transfer
from coresnap.store.server.working import admit, in_thread, unexpected
from coresnap.views.web.asking import Asking
from coresnap.views.web.page import Page, Redirect, Shown, Visit
from coresnap.views.web.pages import PAGES
from coresnap.views.web.rendering import make_environment
from coresnap.views.web.replies import html_reply, redirect_reply
from coresnap.views.web.static_files import StaticFiles
from coresnap.views.web.visitors import (
    FORM_FIELD,
    Visitor,
    check_form,
    cookie_name,
    is_stranger,
    new_stranger,
)

__all__ = ["console_routes"]

T = TypeVar("T")
_HERE = Path(__file__).parent
_MOST_FIELDS = 4096


def console_routes(server: Server) -> Sequence[BaseRoute]:
    """Return the routes of all pages of ``server``."""
    files = StaticFiles.of([_HERE / "static"])
    environment = make_environment(files.versions)
    handlers = handlers_of(server)
    by_path: dict[str, dict[str, Page]] = {}
    for page in PAGES:
        by_path.setdefault(page.path, {})[page.method] = page
    routes: list[BaseRoute] = [Route("/static/{name}", files)]
    routes += [
        Route(path, Paper(server, handlers, environment, pages))
        for path, pages in by_path.items()
    ]
    nowhere = Paper(server, handlers, environment, {"GET": Page("/", _nowhere)})
    routes.append(Route("/{rest:path}", Elsewhere(nowhere)))
    return routes


def _nowhere(visit: Visit) -> Shown:
    raise MissingError(
        f"there is no page {visit.url}", remedy="Begin at the list of projects."
    )


@attrs.frozen
class Elsewhere:
    """Answers for paths that nothing is at: people with a page, programs with JSON."""

    page: Paper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what is not a page is the application's to refuse."""
        if scope["path"].startswith("/api/") or scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        await self.page(scope, receive, send)


@attrs.frozen
class Paper:
    """Serves the pages of one path: an ASGI application."""

    server: Server
    handlers: Mapping[str, Handler]
    environment: jinja2.Environment
    pages: Mapping[str, Page]
    """By method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever it is."""
        request = Request(scope, receive)
        counters = self.server.counters
        counters.active += 1
        try:
            answer = await self._answer(request)
            if isinstance(answer, Transfer):
                status = await answer.send(send, self._run)
            else:
                status = answer.status
                await answer.send(send, is_head=request.method == "HEAD")
        finally:
            counters.active -= 1
        counters.count(status)

    async def _answer(self, request: Request) -> Reply | Transfer:
        visitor = _stranger(request)
        try:
            admit(self.server)
            visitor = await self._run(lambda: self._visitor(request, visitor))
            return await self._perform(request, visitor)
        except Refusal as refusal:
            return self._refused(request, visitor, refusal)
        except CoresnapError as error:
            refused = status_of(error)
            if refused.status >= 500:
                self.server.log.error(f"a page: {error}", remedy=error.remedy)
            return self._refused(request, visitor, refused)
        except Exception as error:
            told = unexpected(self.server, "a page", error)
            return self._refused(request, visitor, Refusal(500, told))

    async def _perform(self, request: Request, visitor: Visitor) -> Reply | Transfer:
        page = self._page(request)
        if visitor.holder is None and not page.is_public:
            where = request.url.path + (f"?{q}" if (q := request.url.query) else "")
            there = "" if request.method == "POST" else f"?next={quote(where, safe='')}"
            return redirect_reply(Redirect(f"/login{there}"), visitor)
        form: Mapping[str, tuple[str, ...]] = {}
        if request.method == "POST":
            form = _fields(await read_body(request, self.server.config.limit_request))
            check_form(request, visitor, "".join(form.get(FORM_FIELD, ())[-1:]))
        visit = self._visit(request, visitor, form)
        return await self._run(lambda: self._shown(request, page, visit))

    def _page(self, request: Request) -> Page:
        method = "GET" if request.method == "HEAD" else request.method
        page = self.pages.get(method)
        if page is None:
            error = UsageError(f"this takes {', '.join(sorted(self.pages))}")
            raise Refusal(405, error, {"allow": ", ".join(sorted(self.pages))})
        return page

    def _visit(
        self, request: Request, visitor: Visitor, form: Mapping[str, tuple[str, ...]]
    ) -> Visit:
        url, query = request.url.path, request.url.query
        return Visit(
            visitor=visitor,
            asking=Asking(self.server, self.handlers, visitor.holder, visitor.address),
            url=f"{url}?{query}" if query else url,
            path=request.path_params,
            query=_fields(query.encode()),
            form=form,
        )

    def _shown(self, request: Request, page: Page, visit: Visit) -> Reply | Transfer:
        visit.asking.identity(visit.path)  # what is not the visitor's is not there
        answer = page.show(visit)
        if isinstance(answer, Content):
            is_head = request.method == "HEAD"
            return Transfer.begin(answer, request.headers, is_head=is_head)
        if isinstance(answer, Redirect):
            return redirect_reply(answer, visit.visitor)
        return html_reply(request, self.environment, answer, visit.visitor)

    # --- who ------------------------------------------------------------------

    def _visitor(self, request: Request, stranger: Visitor) -> Visitor:
        """Return who visits; a cookie that holds nothing any more is a stranger's."""
        secret = stranger.secret
        if is_stranger(secret):
            return stranger
        doorkeeper = self.server.doorkeeper
        try:
            holder = doorkeeper.remembered(secret)
            holder = holder or doorkeeper.recognise(secret, stranger.address)
        except Refusal as refusal:
            if refusal.status != 401:
                raise
            return attrs.evolve(stranger, secret=new_stranger())
        doorkeeper.count(holder, secret)
        return attrs.evolve(stranger, holder=holder)

    # --- what went wrong --------------------------------------------------------

    def _refused(self, request: Request, visitor: Visitor, refusal: Refusal) -> Reply:
        context = {"error": str(refusal.error), "remedy": refusal.error.remedy}
        shown = Shown("error.html", context, refusal.status)
        reply = html_reply(request, self.environment, shown, visitor)
        return attrs.evolve(reply, headers={**reply.headers, **refusal.headers})

    async def _run(self, work: Callable[[], T]) -> T:
        return await in_thread(self.server, self.server.answering, work)


def _stranger(request: Request) -> Visitor:
    """Return the visitor as far as the request alone tells."""
    is_encrypted = request.url.scheme == "https"
    secret = request.cookies.get(cookie_name(is_encrypted=is_encrypted), "")
    address = request.client.host if request.client is not None else ""
    return Visitor(None, secret or new_stranger(), address, is_encrypted)


def _fields(text: bytes) -> Mapping[str, tuple[str, ...]]:
    """Return the fields of a form or a query; raise UsageError for too many."""
    try:
        found = parse_qs(
            text.decode("utf-8", "replace"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="replace",
        )
    except ValueError:
        raise UsageError(f"a form has {_MOST_FIELDS} fields at most") from None
    # Browsers end the lines of a field with CR LF (HTML, "form data set").
    return {
        name: tuple(value.replace("\r\n", "\n") for value in values)
        for name, values in found.items()
    }
