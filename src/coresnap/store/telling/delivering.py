"""Bringing what waits to one channel, and what was done there back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

import attrs
from sqlalchemy import Connection, Row, select, update

from coresnap.errors import ConfigError, CoresnapError, DeliveryError
from coresnap.model.notice import Channel, Delivered, Event, Notice
from coresnap.store.api.telling import TellingRule
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.telling import CHANNEL_MEMORY, CHANNELS
from coresnap.store.store import Store
from coresnap.store.telling.applying import apply_change, link_ticket
from coresnap.store.telling.configured import Configured, configured, scrubbed
from coresnap.store.telling.deliveries import Waiting, finish, next_waiting, postpone
from coresnap.store.telling.notices import make_notice
from coresnap.store.telling.ruling import rules_of
from coresnap.store.telling.ways import Ways

__all__ = ["Delivering", "recall", "words_of"]

_BUDGET = 5.0
"""Seconds of deliveries before others have their turn."""
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 900.0
_PATIENCE = 3 * 24 * 60 * 60
"""Seconds after which a delivery has failed for good."""
_ASK = 30
_OVERLAP = 120
"""Seconds that are asked about again: clocks differ, and searches lag."""
_MOST_REMEMBERED = 20_000


@attrs.frozen
class Delivering:
    """One channel of a project, that this server is at."""

    store: Store
    project: Project
    name: str
    ways: Ways
    clock: Callable[[], float] = time.time

    def run(self) -> int:
        """Deliver for a while, then look at the other side; return how many were done.

        What fails is written down and waits; nothing is raised but StorageError.
        """
        with self.store.state.read() as connection:
            row = self._row(connection)
        if row is None:
            return 0
        settings = configured(self.name, row.kind, row.settings, self.ways)
        try:
            channel = self.ways.open(settings.kind, settings.settings)
        except CoresnapError as error:
            self._pause(words_of(error, settings), row.failures, None)
            return 0
        try:
            done = self._deliver(channel, settings)
            self._ask(channel, settings)
        finally:
            channel.close()
        return done

    def _row(self, connection: Connection) -> Row[tuple[object, ...]] | None:
        return connection.execute(
            select(CHANNELS).where(
                CHANNELS.c.project == self.project.id, CHANNELS.c.name == self.name
            )
        ).one_or_none()

    def _deliver(self, channel: Channel, settings: Configured) -> int:
        done = 0
        end = self.clock() + _BUDGET
        while self.clock() < end:
            now = self.clock()
            with self.store.state.read() as connection:
                row = self._row(connection)
                if row is None or row.paused > now * 1000:
                    return done
                waiting = next_waiting(
                    connection, self.project.id, self.name, int(now * 1000)
                )
                rules = {r.name: r.wanted for r in rules_of(connection, self.project)}
            if waiting is None:
                return done
            rule = rules.get(waiting.rule)
            if not self._deliver_one(channel, settings, waiting, rule, row.failures):
                return done
            done += 1
        return done

    def _deliver_one(
        self,
        channel: Channel,
        settings: Configured,
        waiting: Waiting,
        rule: TellingRule | None,
        failures: int,
    ) -> bool:
        """Deliver, and write down what became of it; return whether to go on."""
        if rule is None:
            self._drop(waiting, "its rule was removed")
            return True
        notice = make_notice(self.store, self.project, waiting, rule, self.ways.url)
        if notice is None:
            self._drop(waiting, "the group is not there any more")
            return True
        with self.store.state.read() as connection:
            memory = recall(connection, self.project, self.name, notice.group)
        try:
            delivered = channel.deliver(notice, memory)
        except CoresnapError as error:
            return self._failed(waiting, settings, error, failures)
        except Exception as error:  # a channel's mistake must not stop the others
            strange = DeliveryError(f"{type(error).__name__}: {error}")
            return self._failed(waiting, settings, strange, failures)
        self._succeeded(channel, settings, waiting, notice, delivered)
        return True

    def _drop(self, waiting: Waiting, why: str) -> None:
        now = int(self.clock())
        self.store.state.transact(lambda c: finish(c, waiting.id, "dropped", why, now))

    def _succeeded(
        self,
        channel: Channel,
        settings: Configured,
        waiting: Waiting,
        notice: Notice,
        delivered: Delivered,
    ) -> None:
        now = self.clock()
        line = scrubbed(delivered.line, settings)

        def work(connection: Connection) -> None:
            finish(connection, waiting.id, "delivered", line, int(now))
            self._remember(connection, waiting.rule, notice, delivered.memory)
            link_ticket(
                connection, self.project, self.name, notice.group, delivered.ticket
            )
            pause = int((now + max(0.0, channel.pace)) * 1000)
            self._set(connection, failures=0, error="", paused=pause)

        self.store.state.transact(work)
        if 0 < channel.pace <= 1:
            time.sleep(channel.pace)

    def _remember(
        self,
        connection: Connection,
        rule: str,
        notice: Notice,
        memory: Mapping[str, str],
    ) -> None:
        if not notice.group or not memory:
            return
        row = {
            "project": self.project.id,
            "channel": self.name,
            "group": notice.group,
            "rule": rule,
            "memory": dict(memory),
            "count": notice.count,
            "time": int(self.clock()),
        }
        changes = {key: row[key] for key in ("memory", "count", "time")}
        if notice.event not in (Event.UPDATE, Event.STATE, Event.MERGE):
            changes["rule"] = rule
        keys = ("project", "channel", "group")
        upsert(connection, CHANNEL_MEMORY, row, keys, changes)

    def _failed(
        self,
        waiting: Waiting,
        settings: Configured,
        error: CoresnapError,
        failures: int,
    ) -> bool:
        """Write it down; return whether the channel may be tried with another one."""
        words = words_of(error, settings)
        now = self.clock()
        final = isinstance(error, ConfigError) or (
            isinstance(error, DeliveryError) and error.is_final
        )
        if final or now - waiting.created > _PATIENCE:
            self.store.state.transact(
                lambda c: finish(c, waiting.id, "failed", words, int(now))
            )
        else:
            due = int((now + _pause_after(waiting.tries)) * 1000)
            self.store.state.transact(lambda c: postpone(c, waiting.id, due, words))
        asked = error.retry_after if isinstance(error, DeliveryError) else None
        self._pause(words, failures, asked)
        return False

    def _pause(self, error: str, failures: int, asked: float | None) -> None:
        """Let the channel rest: as long as it asks, else longer each time."""
        seconds = _pause_after(failures) if asked is None else max(1.0, asked)
        paused = int((self.clock() + min(seconds, 86_400.0)) * 1000)
        self.store.state.transact(
            lambda c: self._set(
                c, paused=paused, asking=paused, failures=failures + 1, error=error
            )
        )

    def _set(self, connection: Connection, **values: object) -> None:
        connection.execute(
            update(CHANNELS)
            .where(CHANNELS.c.project == self.project.id, CHANNELS.c.name == self.name)
            .values(**values)
        )

    def _ask(self, channel: Channel, settings: Configured) -> None:
        """Take over what was done on the other side since it was asked last."""
        now = self.clock()
        with self.store.state.read() as connection:
            row = self._row(connection)
            if row is None or row.asking > now * 1000:
                return
            memories = self._memories(connection)
        error = ""
        asked = int(now)
        try:
            since = (row.asked or int(now)) - _OVERLAP
            for change in channel.changes(memories, since):
                apply_change(self.store, self.project, self.name, change)
        except CoresnapError as failure:
            error, asked = words_of(failure, settings), row.asked
        except Exception as failure:
            error = scrubbed(f"{type(failure).__name__}: {failure}", settings)
            asked = row.asked
        due = int((now + _ASK) * 1000)
        values = {"asking": due, "asked": asked} | ({"error": error} if error else {})
        self.store.state.transact(lambda c: self._set(c, **values))

    def _memories(self, connection: Connection) -> dict[str, Mapping[str, str]]:
        columns = CHANNEL_MEMORY.c
        rows = connection.execute(
            select(columns.group, columns.memory)
            .where(columns.project == self.project.id, columns.channel == self.name)
            .order_by(columns.time.desc())
            .limit(_MOST_REMEMBERED)
        )
        return {row.group: row.memory for row in rows}


def recall(
    connection: Connection, project: Project, channel: str, group: str
) -> Mapping[str, str]:
    """Return what a channel remembers of a group; empty for nothing."""
    if not group:
        return {}
    columns = CHANNEL_MEMORY.c
    found = connection.execute(
        select(columns.memory).where(
            columns.project == project.id,
            columns.channel == channel,
            columns.group == group,
        )
    ).scalar()
    return found or {}


def words_of(error: CoresnapError, settings: Configured) -> str:
    """Return what failed and what to try, without secrets."""
    text = f"{error}. {error.remedy}" if error.remedy else str(error)
    return scrubbed(text, settings)


def _pause_after(failures: int) -> float:
    """Return seconds that double; a little by chance, lest all come at once."""
    seconds = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(failures, 12))
    return seconds * random.uniform(0.8, 1.2)
