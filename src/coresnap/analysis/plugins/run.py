"""Runs plug-ins over a snapshot in the making; what one breaks costs its own part."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

import msgspec

from coresnap.analysis.plugins.contributions import Contributions
from coresnap.analysis.plugins.views import CrashView, Process
from coresnap.analysis.remarks import annotated_threads, annotated_variables
from coresnap.model import Annotation, Note, Snapshot

__all__ = ["TIME_LIMIT", "Plugin", "ask", "run_plugins"]

TIME_LIMIT = 10.0
"""Seconds of one plug-in; the worker's own limits hold for all of it."""

Plugin = Callable[[CrashView], object]


class _OutOfTimeError(BaseException):
    """No ``Exception``: a plug-in that catches everything would catch this, too."""


def run_plugins(
    plugins: Mapping[str, Plugin], snapshot: Snapshot, process: Process
) -> Snapshot:
    """Return ``snapshot`` with what the plug-ins add; each sees what was there before.

    A plug-in that raises, or takes longer than ``TIME_LIMIT``, leaves a note and what
    it had added by then.
    """
    added = []
    notes = list(snapshot.notes)
    for name, plugin in plugins.items():
        contributions = Contributions(name)
        problem = ask(plugin, snapshot, process, contributions)
        if problem is not None:
            notes.append(Note("plugins", f"{name}: {problem}"))
        added.append(contributions)
    return _with(msgspec.structs.replace(snapshot, notes=tuple(notes)), added)


def ask(
    plugin: Plugin, snapshot: Snapshot, process: Process, added: Contributions
) -> str | None:
    """Have ``plugin`` look at ``snapshot`` and contribute to ``added``.

    Returns what went wrong; None if nothing did.
    """
    try:
        with _time_limit(TIME_LIMIT):
            plugin(CrashView(snapshot, process, added))
    except _OutOfTimeError:
        return f"was stopped after {TIME_LIMIT:g} seconds"
    except Exception as error:  # other people's code, which may raise anything
        return f"{type(error).__name__}: {error}"
    return None


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise ``_OutOfTimeError`` here after ``seconds``; signals reach the main thread
    only, so a library's caller in another thread has no limit but the worker's."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def out_of_time(number: int, frame: FrameType | None) -> None:
        raise _OutOfTimeError

    before = signal.signal(signal.SIGALRM, out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _with(snapshot: Snapshot, added: list[Contributions]) -> Snapshot:
    attributes = dict(snapshot.attributes)
    remarks: dict[int, list[Annotation]] = {}
    for one in added:
        attributes |= {k: v for k, v in one.attributes.items() if k not in attributes}
        for owner, own in one.remarks.items():
            remarks[owner] = [*remarks.get(owner, ()), *own]
    concluded = [c for one in added for c in one.classifiers]
    classifiers = [*snapshot.classifiers, *concluded]
    if concluded:
        attributes["classifiers"] = " ".join(dict.fromkeys(c.name for c in classifiers))
    return msgspec.structs.replace(
        snapshot,
        threads=tuple(annotated_threads(snapshot.threads, remarks)),
        globals=annotated_variables(snapshot.globals, remarks),
        attributes=dict(sorted(attributes.items())),
        classifiers=tuple(classifiers),
        annotations=(
            *snapshot.annotations,
            *(annotation for one in added for annotation in one.annotations),
        ),
    )
