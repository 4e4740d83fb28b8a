"""Knows whoever asks by what they hold, and how often they have asked."""

from __future__ import annotations

import threading
import time

import attrs

from coresnap.errors import DeniedError, MissingError, NetworkError
from coresnap.store.access.holder import Holder
from coresnap.store.access.projects import find_project
from coresnap.store.access.rates import Rates
from coresnap.store.access.secrets import digest_of, is_secret
from coresnap.store.access.sessions import session_holder
from coresnap.store.access.tokens import note_use, token_holder
from coresnap.store.project import Project
from coresnap.store.server.statuses import Refusal
from coresnap.store.state.state import State

__all__ = ["Doorkeeper"]

_REMEMBERED_SECONDS = 5.0
"""How long other servers honour what was revoked; this one forgets at once."""
_LARGEST_MEMORY = 10_000


@attrs.define
class Doorkeeper:
    """Holders and projects, remembered for some seconds. Usable from any thread."""

    state: State
    requests: Rates
    """By token or session."""
    failures: Rates
    """By address: tries that nobody was recognised by."""
    _holders: dict[str, tuple[Holder, float]] = attrs.field(factory=dict)
    _projects: dict[tuple[str, str], tuple[Project, float]] = attrs.field(factory=dict)
    _used: dict[int, int] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def remembered(self, secret: str) -> Holder | None:
        """Return who holds ``secret``, if that need not be looked up."""
        found = self._holders.get(digest_of(secret))
        if found is None or found[1] < time.monotonic():
            return None
        expires = found[0].expires
        return found[0] if expires is None or expires > time.time() else None

    def recognise(self, secret: str, address: str) -> Holder:
        """Return who holds ``secret``; raise Refusal (401, 429 for guessing)."""
        self.admit(address)
        digest = digest_of(secret)
        holder = None
        if is_secret(secret):
            with self.state.read() as connection:
                holder = token_holder(connection, digest)
                holder = holder or session_holder(connection, digest)
        if holder is None:
            self.failures.take(address, time.monotonic())
            raise Refusal(
                401,
                DeniedError("the token is unknown, revoked or expired"),
                {"www-authenticate": "Bearer"},
            )
        with self._lock:
            if len(self._holders) >= _LARGEST_MEMORY:
                self._holders.clear()
            self._holders[digest] = (holder, time.monotonic() + _REMEMBERED_SECONDS)
        return holder

    def admit(self, address: str) -> None:
        """Raise Refusal (429) where too many tries from ``address`` have failed."""
        if wait := self.failures.wait(address, time.monotonic()):
            raise Refusal.later(
                429, NetworkError("too many tries from this address have failed"), wait
            )

    def count(self, holder: Holder, secret: str) -> None:
        """Count a request; raise Refusal (429) if there were too many."""
        if holder.token is not None:
            self._used[holder.token] = int(time.time())
        if wait := self.requests.take(digest_of(secret), time.monotonic()):
            raise Refusal.later(
                429, NetworkError(f"{holder.name!r} has asked too often"), wait
            )

    def remembered_project(self, universe: str, name: str) -> Project | None:
        """Return a project, if it need not be looked up."""
        found = self._projects.get((universe, name))
        if found is None or found[1] < time.monotonic():
            return None
        return found[0]

    def project_of(self, holder: Holder, universe: str, name: str) -> Project:
        """Return a project that is there for ``holder``; raise MissingError."""
        if universe != holder.universe:
            raise _missing(universe, name)
        project = self.remembered_project(universe, name)
        return self.shown_to(holder, project or self.find_project(universe, name))

    def shown_to(self, holder: Holder, project: Project) -> Project:
        """Return ``project``; raise MissingError, as if it did not exist, where it is
        not there for ``holder``."""
        if project.universe != holder.universe or holder.grant(project.id) is None:
            raise _missing(project.universe, project.name)
        return project

    def find_project(self, universe: str, name: str) -> Project:
        """Return a project; raise MissingError if it is not there."""
        with self.state.read() as connection:
            found = find_project(connection, universe, name)
        with self._lock:
            if len(self._projects) >= _LARGEST_MEMORY:
                self._projects.clear()
            until = time.monotonic() + _REMEMBERED_SECONDS
            self._projects[universe, name] = (found, until)
        return found

    def forget(self) -> None:
        """Look everybody up again: tokens, users or roles have changed."""
        with self._lock:
            self._holders.clear()
            self._projects.clear()

    def write(self) -> None:
        """Write down when tokens were used."""
        with self._lock:
            used, self._used = self._used, {}
        if used:
            with self.state.write() as connection:
                note_use(connection, used)


def _missing(universe: str, name: str) -> MissingError:
    return MissingError(f"there is no project {universe}/{name}")
