"""One page as data, and the visit that it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from coresnap.errors import UsageError
from coresnap.store.server.call import Content
from coresnap.views.web.asking import Asking
from coresnap.views.web.visitors import Visitor

__all__ = ["SCOPE", "Page", "Redirect", "Show", "Shown", "Visit"]

SCOPE = "/{universe}/{project}"
"""Paths of a project's pages begin with this."""


@attrs.frozen
class Visit:
    """A request for a page, by somebody who may see it."""

    visitor: Visitor
    asking: Asking
    url: str
    """Path and query, as it was asked for."""
    path: Mapping[str, str]
    """What stands for the ``{names}`` in the page's path."""
    query: Mapping[str, tuple[str, ...]]
    form: Mapping[str, tuple[str, ...]]
    """Empty but in a POST."""

    def one(self, name: str, default: str = "") -> str:
        """Return the last value of a field of the form, or else of the query."""
        values = self.all(name)
        return values[-1] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """Return all values of a field of the form, or else of the query."""
        return self.form.get(name) or self.query.get(name) or ()

    def number(self, name: str) -> int | None:
        """Return the number in a field, None for an empty one; raise UsageError."""
        text = self.one(name).strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise UsageError(f"{name} is a whole number: {text[:40]} is no number")
        return int(text)

    def has(self, name: str) -> bool:
        """Return whether a field was sent, be it empty."""
        return name in self.form or name in self.query

    @property
    def base(self) -> str:
        """``/universe/project``: where the links of this project begin."""
        return "/{universe}/{project}".format_map(self.path)

    def may(self, operation: str) -> bool:
        """Return whether the visitor may do an operation of the API here."""
        return self.asking.may(operation, self.path)

    def ask(
        self,
        operation: str,
        path: Mapping[str, str] | None = None,
        parameters: Mapping[str, str | int | bool] | None = None,
        body: msgspec.Struct | None = None,
    ) -> Any:  # noqa: ANN401 - the endpoint's answer
        """Return what the API answers to an operation (``store/api``).

        The page's own names fill the path of the endpoint. Raises what the API would
        answer with: DeniedError, MissingError, UsageError and so on.
        """
        return self.asking.ask(
            operation, {**self.path, **(path or {})}, parameters or {}, body
        )


@attrs.frozen
class Shown:
    """A page as its template shows it."""

    template: str
    context: Mapping[str, Any] = attrs.field(factory=dict)
    status: int = 200


@attrs.frozen
class Redirect:
    """Where to go after something was done."""

    to: str
    """A path of this server; of a login, the address of its provider."""
    message: str = ""
    """Shown there once."""
    secret: str | None = None
    """Of whom the visitor is from now on; None: who it was, empty: a stranger."""


Show = Callable[[Visit], Shown | Redirect | Content]
"""Answers a visit, in a thread of its own; raises CoresnapError."""


@attrs.frozen
class Page:
    """Where a page is, and what shows it."""

    path: str
    show: Show
    method: str = "GET"
    is_public: bool = False
    """Shown to people who have not logged in."""
